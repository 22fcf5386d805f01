"""How an operation is described: what OpenAPI cannot read from its types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Responses = Mapping[int | str, Mapping[str, Any]]
"""Good answers by status, as OpenAPI describes them, but for ``model``, the type whose schema it is
(of several, a tuple), and headers by name.
"""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What OpenAPI says of an operation beside its types; ``extra`` is merged into the operation
    object.

    ``headers`` are those that it reads and that do not follow from its method and status, by their
    names.
    """

    operation_id: str
    summary: str | None = None
    text: str | None = None
    tags: Sequence[str] = ()
    status: int = 200
    responses: Responses = {}
    headers: Sequence[str] = ()
    extra: Mapping[str, Any] = {}
