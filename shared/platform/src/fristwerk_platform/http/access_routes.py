"""Who read what as an auditor, for the provider's administrators and for auditors themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import Routes, allowed, json_answer, responses
from fristwerk_platform.http.queries import NoParameters, NumberedPage, page
from fristwerk_platform.transparency.access_log import AccessLog, RecordedAccess

READERS: Final[frozenset[str]] = frozenset({"admin", "auditor"})


class ShownAccess(msgspec.Struct):
    """A request of an auditor. ``line`` is what was hashed: its number is its place in the tree, from 1."""

    number: int
    at: datetime
    who: str
    method: str
    path: str
    query: str
    correlation_id: str
    line: str


class AccessPage(msgspec.Struct):
    """Requests of auditors, in order."""

    items: list[ShownAccess]


class AccessHead(msgspec.Struct):
    """A signed head over all requests so far, in the form of the heads of logs."""

    note: str


_ORIGIN: Final = "fristwerk/4f1c8a2b9d3e5f60/hamburg/log-accesses"
_HEAD: Final = {"note": f"{_ORIGIN}\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 {_ORIGIN} Az3g…\n"}
_ACCESS: Final = {
    "number": 7,
    "at": "2026-06-03T14:31:12.052000Z",
    "who": "auditor-1",
    "method": "GET",
    "path": "/v1/audit/log/export",
    "query": "after=0&limit=1000",
    "correlation_id": "b1d5c3c45a107e2292b16a1f3c2e9b70",
    "line": '{"number":7,"at":"2026-06-03T14:31:12.052000Z"}',
}


def access_router(accesses: AccessLog, service: str) -> Routes:
    """The routes below ``/v1/audit/<service>``, for a service that has no trees over a log."""
    routes = Routes(prefix=f"/v1/audit/{service}", tags=["audit"])
    add_accesses(routes, accesses)
    return routes


def add_accesses(routes: Routes, accesses: AccessLog) -> None:
    """Add the routes to those of a log's trees."""

    @routes.get(
        "/accesses",
        summary="List what auditors read",
        responses=responses(200, "A page", {"items": [_ACCESS]}, AccessPage),
    )
    async def list_accesses(request: Request, query: NumberedPage) -> Response:
        """Every request of the role `auditor` to this service, recorded before it was answered, the oldest first.

        Of a query only the values of `after`, `at`, `format`, `from`, `known_at`, `limit`, `position`, `to` and `until` are
        kept: others may tell of a person.
        """
        provider = allowed(request, READERS, "read who audited").provider
        found = await accesses.listed(provider, query.after, query.limit + 1)
        return page(request, found, query.limit, lambda each: each.access.number, _shown)

    @routes.get(
        "/accesses/checkpoint",
        summary="Read a signed head of what auditors read",
        responses=responses(200, "A head", _HEAD, AccessHead),
    )
    async def read_access_checkpoint(request: Request, query: NoParameters) -> Response:  # noqa: ARG001 - refuses parameters
        """Signed now, by the keys at `/v1/audit/{log}/key`, over the lines of all requests: keep it,
        and a later change of them is proved.
        """
        provider = allowed(request, READERS, "read who audited").provider
        return json_answer({"note": (await accesses.head(provider)).decode()})


def _shown(each: RecordedAccess) -> dict[str, Any]:
    return msgspec.structs.asdict(each.access) | {"line": each.line.decode()}
