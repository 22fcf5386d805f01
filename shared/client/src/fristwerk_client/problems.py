"""Refusals as exceptions that carry the problem document (RFC 9457), and answers without them.

ProblemError              any other refusal
├── UnauthorizedError     401  no token, or one that is not good any more
├── ForbiddenError        403
├── NotFoundError         404
├── ConflictError         409  the state does not allow it
├── VersionMismatchError  412  If-Match names a version that is not the newest
├── InvalidError          422  ``places`` says what is wrong, and where
└── UnavailableError      429, 503  later; ``retry_after_seconds``
UnexpectedAnswerError     an answer that the description does not know, such as a proxy's page
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import httpx

from fristwerk_client.retrying import retry_after_seconds

if TYPE_CHECKING:  # importing a service's models takes half a second, which who sends plain requests need not wait for
    from fristwerk_client.billing.models import Problem as BillingProblem
    from fristwerk_client.sla.models import Problem as SlaProblem
    from fristwerk_client.ticket.models import Problem as TicketProblem

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class OperationAnswer(Protocol[T_co]):
    """What the ``…_detailed`` operations return, whichever service's."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def parsed(self) -> T_co | None: ...


class Place(NamedTuple):
    """One thing that is wrong: a JSON pointer into the body, or ``#query/name``, ``#path/name``, ``#header/name``."""

    pointer: str
    detail: str


class UnexpectedAnswerError(Exception):
    """An answer that the description does not know."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.content = content
        super().__init__(f"{status}: {content[:200].decode('utf-8', 'replace') or '(nothing)'}")


class ProblemError(Exception):
    """A refusal; nothing was stored. The message is the document's sentence with the places it names."""

    def __init__(self, document: Mapping[str, Any], status: int, retry_after: float = 0.0) -> None:
        self.document = document
        self.status = status
        self.retry_after_seconds = retry_after
        super().__init__(" ".join([self.detail, *(f"{each.pointer} {each.detail}" for each in self.places)]))

    @property
    def type(self) -> str:
        """The stable URI reference of this kind of problem, such as ``/problems/not-found``."""
        return str(self.document["type"])

    @property
    def detail(self) -> str:
        """The sentence."""
        return str(self.document["detail"])

    @property
    def places(self) -> list[Place]:
        """What is wrong with the input, each with its place."""
        return [Place(each["pointer"], each["detail"]) for each in self.document.get("errors", [])]


class UnauthorizedError(ProblemError):
    """401."""


class ForbiddenError(ProblemError):
    """403."""


class NotFoundError(ProblemError):
    """404."""


class ConflictError(ProblemError):
    """409: the state does not allow it."""


class VersionMismatchError(ProblemError):
    """412: read again, decide again."""


class InvalidError(ProblemError):
    """422: the input, or a key that was used for another request."""


class UnavailableError(ProblemError):
    """429 or 503, for longer than the client was patient."""


_BY_STATUS: Mapping[int, type[ProblemError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: VersionMismatchError,
    422: InvalidError,
    429: UnavailableError,
    503: UnavailableError,
}


def expect(answer: OperationAnswer[T | TicketProblem | SlaProblem | BillingProblem]) -> T:
    """What was asked for. Raises ProblemError where it was refused, UnexpectedAnswerError for any other answer."""
    raise_for_problem(answer)
    if answer.parsed is None:
        raise UnexpectedAnswerError(answer.status_code, answer.content)
    parsed: Any = answer.parsed
    wanted: T = parsed  # no problem, as its status is a success
    return wanted


def raise_for_problem(answer: OperationAnswer[Any] | httpx.Response) -> None:
    """Raises ProblemError for a refusal, UnexpectedAnswerError for an answer that is neither a refusal nor a success."""
    status = int(answer.status_code)
    if status < httpx.codes.MULTIPLE_CHOICES:
        return
    try:
        document = json.loads(answer.content)
        refusal = _BY_STATUS.get(status, ProblemError)(
            document, status, retry_after_seconds(httpx.Headers(answer.headers))
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnexpectedAnswerError(status, answer.content) from None
    raise refusal
