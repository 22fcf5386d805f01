"""Which of several forms of an answer a client would rather have (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

JSON: Final = "application/json"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
VARIES: Final[Mapping[str, str]] = {"Vary": "Accept"}


def accepted(request: Request, *offered: str) -> str:
    """The first of the media types that ``Accept`` names; the first where it names none of them."""
    named = [each.partition(";")[0].strip() for each in request.headers.get("accept", "").lower().split(",")]
    return next((each for each in offered if each in named), offered[0])


def text_answer(text: str) -> Response:
    """A text that ends with a line end, for terminals and mails."""
    return Response(text.rstrip("\n") + "\n", headers=dict(VARIES), media_type=f"{TEXT}; charset=utf-8")


def also_as_text(described: dict[int | str, dict[str, Any]], example: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route whose good answer is to be had as text as well."""
    described[200]["content"][TEXT] = {"example": example, "model": str}
    return described
