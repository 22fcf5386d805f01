"""The hash tree over HTTP: heads, tiles and proofs, which auditors and witnesses hold against the operator.

``checkpoint``, ``tile/…`` and ``tile/entries/…`` are C2SP's ``tlog-tiles``: static bytes under a prefix of their own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.auth import ALL_PROVIDERS
from fristwerk_platform.http import Routes, allowed, json_answer, responses
from fristwerk_platform.http.access_routes import add_accesses
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import NumberedPage, QueryParameters, page
from fristwerk_platform.transparency.access_log import AccessLog
from fristwerk_platform.transparency.proofs import Consistency, Inclusion, NoSuchTreePartError, TreeReads
from fristwerk_platform.transparency.store import Head
from fristwerk_proof.tiles import parsed_level, parsed_path

READERS: Final[frozenset[str]] = frozenset({"admin", "auditor", "service"})
CHECKERS: Final[frozenset[str]] = frozenset({"service"})
FOREVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A tile of hashes never changes, but only who may read the log may read its bundles."""
_ENTRIES: Final = "entries"
MAX_LINES: Final = 1_000
_PROOF: Final = "5d" * 32
_ORIGIN: Final = "fristwerk/4f1c8a2b9d3e5f60/hamburg/log"
_NOTE: Final = f"{_ORIGIN}\n1042\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 {_ORIGIN} Az3g…\n"


class InclusionQuery(QueryParameters):
    """Of which event."""

    position: int = Field(ge=1, le=2**62, description="The event's position in the log")


class ConsistencyQuery(QueryParameters):
    """Between which sizes of the tree."""

    from_: int = Field(alias="from", ge=0, le=2**62, description="How many events the older head covers")
    to: int = Field(ge=0, le=2**62, description="How many the newer one covers")


class HeadQuery(QueryParameters):
    """Which head."""

    at_least: int = Field(0, ge=0, le=2**62, description="The first head of at least so many events; 0: the newest")


class TreeKeys(msgspec.Struct):
    """The keys that sign the heads of a tree, as verifiers of C2SP's signed notes."""

    origin: str
    keys: list[str]


class SignedHead(msgspec.Struct):
    """A signed head. ``position`` is where in the log its last event stands; ``note`` is the signed text.

    ``stamp`` is an authority's time stamp over the note (RFC 3161, TimeStampResp in DER), null where none was asked for.
    """

    size: int
    position: int
    signed_at: datetime
    as_found: bool
    note: str
    stamp: Annotated[str | None, msgspec.Meta(extra_json_schema={"contentEncoding": "base64"})]


class CheckedLog(msgspec.Struct):
    """What came of hashing a log again: the sentence by which it is not what was hashed, null where it is."""

    contradiction: str | None


class HeadPage(msgspec.Struct):
    """Signed heads."""

    items: list[SignedHead]


class ExportQuery(QueryParameters):
    """Which of the tree's events."""

    after: int = Field(0, ge=0, le=2**62, description="How many of the tree's events are left out at its beginning")
    limit: int = Field(MAX_LINES, ge=1, le=MAX_LINES)


ShortPath = Annotated[str, Field(max_length=64)]
_KEYS: Final = {"origin": _ORIGIN, "keys": [f"{_ORIGIN}+0a1b2c3d+AUNz…"]}
_HEAD: Final = {
    "size": 1042,
    "position": 1042,
    "signed_at": "2026-06-03T14:31:12.052000Z",
    "as_found": False,
    "note": _NOTE,
    "stamp": None,
}
_CHECKED: Final = {"contradiction": None}
_INCLUSION: Final = {
    "position": 17,
    "index": 16,
    "leaf": _PROOF,
    "size": 1042,
    "root": _PROOF,
    "hashes": [_PROOF],
    "checkpoint": _NOTE,
}
_CONSISTENCY: Final = {"from_size": 1000, "to_size": 1042, "hashes": [_PROOF]}


def audit_router(reads: TreeReads, accesses: AccessLog) -> Routes:
    """The routes of one log's trees, below ``/v1/audit/<log>``, and of who read it. A caller reads the own provider's."""
    routes = Routes(prefix=f"/v1/audit/{reads.keeper.name}", tags=["audit"])
    _add_heads(routes, reads)
    _add_tiles(routes, reads)
    _add_proofs(routes, reads)
    _add_export(routes, reads)
    _add_check(routes, reads)
    add_accesses(routes, accesses)
    return routes


def _add_heads(routes: Routes, reads: TreeReads) -> None:
    @routes.get("/key", summary="Read the keys that sign heads", responses=responses(200, "Keys", _KEYS, TreeKeys))
    async def read_tree_keys(request: Request) -> Response:
        """In the form of C2SP's signed notes, the one in use first. Keep a copy: it is what heads are checked with."""
        origin = reads.keeper.origin(_provider(request))
        return json_answer({"origin": origin, "keys": [str(each) for each in reads.keeper.keys.verifiers(origin)]})

    @routes.get("/checkpoint", summary="Read a signed head", responses=_text(_NOTE))
    async def read_checkpoint(request: Request, query: HeadQuery) -> Response:
        """The newest one, or the first of at least a size."""
        with _found():
            head = await reads.head(_provider(request), query.at_least)
        return Response(head.note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})

    @routes.get(
        "/heads", summary="List the signed heads", responses=responses(200, "A page", {"items": [_HEAD]}, HeadPage)
    )
    async def list_heads(request: Request, query: NumberedPage) -> Response:
        """The oldest first; `as_found` heads cover events from before there was a tree."""
        found = await reads.heads(_provider(request), query.after, query.limit + 1)
        stamps = await reads.stamps(_provider(request), found)
        return page(
            request, found, query.limit, lambda each: each.size, lambda each: _shown(each, stamps.get(each.size))
        )


def _add_tiles(routes: Routes, reads: TreeReads) -> None:
    @routes.get("/tile/{level}/{path}", summary="Read a tile of hashes", responses=_bytes("Hashes of 32 bytes"))
    async def read_tile(request: Request, level: ShortPath, path: ShortPath) -> Response:
        """`level` is a number, or `entries` for the events themselves; `path` is such as `x001/234` or `x001/234.p/5`."""
        provider = _provider(request)
        with _found():
            number, width = parsed_path(path)
            if level == _ENTRIES:
                content = await reads.entries(provider, number, width)
            else:
                content = await reads.tile(provider, parsed_level(level), number, width)
        return Response(content, media_type="application/octet-stream", headers=FOREVER)


def _add_proofs(routes: Routes, reads: TreeReads) -> None:
    @routes.get(
        "/inclusion",
        summary="Prove that an event is in the log",
        responses=responses(200, "Proof", _INCLUSION, Inclusion),
    )
    async def prove_inclusion(request: Request, query: InclusionQuery) -> Response:
        """In the newest signed head (RFC 9162, section 2.1.3)."""
        with _found():
            return json_answer(await reads.inclusion(_provider(request), query.position))

    @routes.get(
        "/consistency",
        summary="Prove that the log only grew",
        responses=responses(200, "Proof", _CONSISTENCY, Consistency),
    )
    async def prove_consistency(request: Request, query: ConsistencyQuery) -> Response:
        """Between two heads (RFC 9162, section 2.1.4)."""
        with _found():
            return json_answer(await reads.consistency(_provider(request), query.from_, query.to))


def _add_export(routes: Routes, reads: TreeReads) -> None:
    @routes.get(
        "/export", summary="Read the stored events as they were hashed", responses=_bytes("Lines"), is_long=True
    )
    async def export_events(request: Request, query: ExportQuery) -> Response:
        """One line each, in the order of the tree, without positions, as far as a head is signed: line n is leaf n.

        Go on with `after` and as many as came, until none come.
        """
        lines = await reads.lines(_provider(request), query.after, query.limit)
        return Response(b"".join(each + b"\n" for each in lines), media_type="application/octet-stream")


def _add_check(routes: Routes, reads: TreeReads) -> None:
    @routes.get(
        "/check",
        summary="Hash the whole log again now",
        responses=responses(200, "Result", _CHECKED, CheckedLog),
        is_long=True,
    )
    async def check_log(request: Request) -> Response:
        """For the services that follow the log, before they make anything anew from it; `contradiction` names the event.

        Who asks while it is done shares the run that begins next.
        """
        if allowed(request, CHECKERS, "check the log").provider != ALL_PROVIDERS:
            raise Problem(403, "The log is every provider's; this token is of one of them.")
        return json_answer(CheckedLog(await reads.keeper.check_log_now()))


@contextmanager
def _found() -> Iterator[None]:
    """What the tree does not have is 404."""
    try:
        yield
    except (ValueError, NoSuchTreePartError) as error:
        raise Problem(404, str(error), code="tree-part-not-found") from error


def _provider(request: Request) -> str:
    principal = allowed(request, READERS, "read proofs")
    if principal.provider == ALL_PROVIDERS:
        raise Problem(403, "A tree is one provider's; this token is of all of them.")
    return principal.provider


def _shown(head: Head, stamp: bytes | None) -> dict[str, Any]:
    return {
        "size": head.size,
        "position": head.position,
        "signed_at": head.signed_at,
        "as_found": head.as_found,
        "note": head.note.decode(),
        "stamp": None if stamp is None else base64.b64encode(stamp).decode(),
    }


def _text(example: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "A signed note", "content": {"text/plain": {"example": example, "model": str}}}}


def _bytes(description: str) -> dict[int | str, dict[str, Any]]:
    content = {"schema": {"type": "string", "format": "binary"}, "example": "…"}
    return {200: {"description": description, "content": {"application/octet-stream": content}}}
