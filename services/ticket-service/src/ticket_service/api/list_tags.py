"""ETags of lists: a poller is told that nothing has changed without the list being made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.auth import Principal
from fristwerk_platform.http.described_headers import ETAG, IF_NONE_MATCH
from ticket_service.application.ticket_lists import ListQuestion, Standing

QUARTER: Final = 900
"""Seconds: in every zone a day begins with a quarter of an hour."""
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What one of the ETags names is still so", "headers": (ETAG,), "content": {}}
}
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def kind_of(principal: Principal, asked: ListQuestion, standing: Standing) -> str:
    """What an answer rests on besides the time, in short."""
    return sha256(msgspec.json.encode([principal, asked, standing])).hexdigest()[:24]


def tag_of(kind: str, until: int) -> str:
    """The ETag of an answer that the time alone does not change before ``until``, in seconds of the epoch."""
    return f'W/"{kind}.{until}"'


def unchanged(request: Request, kind: str, now: datetime) -> Response | None:
    """304 where one of the ETags that the caller has names what would be answered now."""
    tags = request.headers.get(IF_NONE_MATCH, "").split(",")
    same = next((each.strip() for each in tags if still_holds(each, kind, now)), None)
    return None if same is None else Response(status_code=304, headers={ETAG: same})


def holds_until(ends: Iterable[int], now: datetime) -> int:
    """Until when, in seconds of the epoch, the time alone changes nothing: the first of the ``ends`` of what is shown, or a
    local day begins, with which another contract may give another place.
    """
    return min([(int(now.timestamp()) // QUARTER + 1) * QUARTER - 1, *ends])


def still_holds(tag: str, kind: str, now: datetime) -> bool:
    """Whether an ETag of the caller's names what would be answered now."""
    before, _, until = tag.strip().removeprefix("W/").strip('"').partition(".")
    return before == kind and _NUMBER.fullmatch(until) is not None and now.timestamp() <= int(until)
