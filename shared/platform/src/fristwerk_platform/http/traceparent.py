"""The header ``traceparent`` (W3C Trace Context, 3.2): the trace that a request belongs to and the
span that sent it.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.types import Scope

TRACE_HEADER: Final = b"traceparent"
_FORM: Final = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


def given_trace(scope: Scope) -> str | None:
    """The id of the trace that the caller named, in 32 hex digits; None where it named none, or
    more than one.
    """
    found = _read(scope)
    return None if found is None else found[1]


def parent_span(scope: Scope, trace: str) -> int | None:
    """The span that sent the request, if it belongs to this trace."""
    found = _read(scope)
    return int(found[2], 16) if found is not None and found[1] == trace else None


def _read(scope: Scope) -> re.Match[str] | None:
    given = [value for name, value in scope["headers"] if name == TRACE_HEADER]
    return _FORM.fullmatch(str(given[0], "latin-1")) if len(given) == 1 else None
