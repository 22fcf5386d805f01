"""What a client would rather have of an answer, and whether it got it (RFC 7240)."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http.described_headers import ETAG, PREFER, PREFERENCE_APPLIED

MINIMAL: Final = "return=minimal"
NO_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    int(HTTPStatus.NO_CONTENT): {
        "description": "Done, and no more was asked for",
        "headers": (ETAG, PREFERENCE_APPLIED),
        "content": {},
    }
}
"""To be added to the ``responses`` of an operation that answers ``as_preferred``."""


def as_preferred(request: Request, answer: Response) -> Response:
    """The answer, or 204 with its ETag alone where no more is asked for.

    What is made for the first time is answered whole, as PUT has to be answered with 201 then (RFC 9110, section 9.3.4), and
    so is what was refused.
    """
    made = answer.status_code == HTTPStatus.CREATED and answer.headers.get(ETAG) == '"1"'
    if made or answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED) or not prefers_minimal(request):
        return answer
    headers = {ETAG: answer.headers[ETAG], PREFERENCE_APPLIED: MINIMAL}
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)


def prefers_minimal(request: Request) -> bool:
    """Whether the first ``return`` that the client names, in whatever of its ``Prefer`` headers, is ``minimal``."""
    named = (value for name, value in _preferences(request) if name == "return")
    return next(named, None) == "minimal"


def _preferences(request: Request) -> Iterator[tuple[str, str]]:
    """Each preference with its value, without the parameters behind a semicolon."""
    for line in request.headers.getlist(PREFER):
        for each in line.split(","):
            name, _, value = each.partition(";")[0].partition("=")
            yield name.strip().lower(), value.strip().strip('"').lower()
