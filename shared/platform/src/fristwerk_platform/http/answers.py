"""What routes answer: JSON with instants in UTC and amounts as text, and the example of it for
OpenAPI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

_encoder = msgspec.json.Encoder(decimal_format="string")


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The body as JSON: instants in UTC with ``Z``, amounts of money as text."""
    return Response(_encoder.encode(body), status, headers, "application/json")


def responses(
    status: int, description: str, example: Any, model: Any = None, *, headers: Sequence[str] = ()
) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route, for OpenAPI and its readers: an example of a good answer, and
    the type that describes it.

    ``headers`` are those that do not follow from the operation's kind, by their names in
    ``described_headers``.
    """
    content = {"application/json": {"example": example} | ({} if model is None else {"model": model})}
    return {status: {"description": description, "headers": headers, "content": content}}
