"""Answers in which reasons are opened for whoever may read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from billing_service.application.reasons import Reasons
from fristwerk_platform.http import json_answer, principal_of


async def with_reasons(
    request: Request, reasons: Reasons, body: Any, headers: Mapping[str, str] | None = None
) -> Response:
    """The body as JSON."""
    return await opened(request, reasons, json_answer(body, headers=headers))


async def opened(request: Request, reasons: Reasons, answer: Response) -> Response:
    """The answer with its reasons opened, if it has any."""
    content = bytes(answer.body)
    shown = await reasons.opened_in(principal_of(request).provider, content)
    if shown is content:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(shown, answer.status_code, headers)
