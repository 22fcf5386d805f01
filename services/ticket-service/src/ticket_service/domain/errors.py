"""Why a command is refused: one tree of errors, without HTTP.

``Refusal``
    ``NotAllowed``      the caller's role or company may not do this
    ``NotFound``        there is no such thing for this provider (or for this caller)
    ``NotInThisState``  not now; the sentence says what would be possible
        ``NotConfirmed``  it cannot be taken back, and something hangs on it that was not accepted
    ``NotAcceptable``   understood but refused, with the places that are wrong

Every refusal has a stable ``code`` (``addon-requires-plan``) and a ``detail``: a sentence that names the thing.
"""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(Exception):  # noqa: N818 - a refusal is an answer to a caller, not a fault
    """A command was understood and is not carried out. Nothing is stored."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


class NotAllowed(Refusal):
    """Raised when the caller's role, or the company it belongs to, may not give this command."""


class NotFound(Refusal):
    """Raised when a thing does not exist, or belongs to another provider or customer: the two look the same."""


class NotInThisState(Refusal):
    """Raised when the command would be possible in another state of the thing."""


class NotConfirmed(NotInThisState):
    """Raised when something hangs on a command that cannot be taken back. ``consequences`` are (name, sentence) pairs."""

    def __init__(self, code: str, detail: str, consequences: Sequence[tuple[str, str]]) -> None:
        self.consequences = list(consequences)
        super().__init__(code, detail)


class NotAcceptable(Refusal):
    """Raised when the command itself is wrong. ``errors`` are (JSON pointer into the command, sentence) pairs."""

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]] = (), code: str = "not-acceptable") -> None:
        self.errors = list(errors)
        super().__init__(code, detail)
