"""What routes answer: JSON with instants in UTC and amounts as text, and the example of it for
OpenAPI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

_JSON: Final = (b"content-type", b"application/json")
_encoder = msgspec.json.Encoder(decimal_format="string")


class _JsonResponse(Response):
    """JSON that is encoded already. ``headers`` name neither its length nor its type."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Starlette's own looks for headers that are named twice."""
        given = {} if headers is None else headers
        self.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        self.raw_headers += ((b"content-length", b"%d" % len(self.body)), _JSON)


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The body as JSON: instants in UTC with ``Z``, amounts of money as text."""
    return _JsonResponse(_encoder.encode(body), status, headers)


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
