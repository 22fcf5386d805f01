"""Traces as people read them: the sentences alone, for who asks for text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import json_answer
from fristwerk_platform.http.negotiation import JSON, TEXT, VARIES, accepted, text_answer


def trace_answer(request: Request, traces: Sequence[Mapping[str, Any]], body: Any) -> Response:
    """The body; or each sentence of the traces on a line of its own, an empty line between two traces."""
    if accepted(request, JSON, TEXT) == TEXT:
        return text_answer("\n\n".join("\n".join(each["sentences"]) for each in traces))
    return json_answer(body, headers=VARIES)
