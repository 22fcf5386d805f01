"""Collects a bundle from running services, as an auditor reads them: over HTTP, with a token of one provider.

How a request is made is given, so that the command of the operator and the verifier of a stranger collect the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from fristwerk_proof import bundles, claims
from fristwerk_proof.claims import ServiceAnswer
from fristwerk_proof.drafts import BundleDraft
from fristwerk_proof.tiles import tiles_of

PAGE: Final = 1_000
LIST_PAGE: Final = 200
SETTLED: Final = timedelta(seconds=2)
"""What was recorded so long ago has been committed."""
WAITS: Final = 120
"""How often a service that is behind is asked again, twice a second."""
_PERSISTENT: Final = 3
"""How often a service that is busy is asked again."""
_OVERDUE: Final = "fristwerk_alarms_overdue "
Collected = Literal["ticket", "sla", "billing"]
_SERVICE_OF: Final[dict[str, Collected]] = {"tickets": "ticket", "billing": "billing"}


class CollectError(Exception):
    """A bundle cannot be collected. The message is a sentence."""


Fetch = Callable[[Collected, str], Awaitable[ServiceAnswer]]
"""Asks a service for a path; follows nothing, raises CollectError where it does not answer."""
Say = Callable[[str, int, int], None]
"""Reports progress: of what, how many, of how many."""


async def collect(
    fetch: Fetch, provider: str, out: Path, *, now: Callable[[], datetime], until: date | None, say: Say
) -> None:
    """Write a provider's bundle to ``out``; what was interrupted goes on where it was. Raises CollectError.

    ``until`` takes the newest heads that were signed up to the end of that day (UTC).
    """
    folder = out.with_name(f"{out.name}.partial")
    draft = BundleDraft(folder)
    collecting = _Collecting(fetch, draft, say)
    if draft.moment is None:
        draft.begin(await _moment(fetch, provider, now, until))
    moment = draft.moment
    assert moment is not None, "it has begun"
    if moment["provider"] != provider or moment["until"] != (until and until.isoformat()):
        raise CollectError(f"{folder} holds the beginning of another bundle; delete it first.")
    for log in bundles.LOGS:
        await collecting.log(log, moment["logs"][log])
    await collecting.notices()
    await collecting.claims(moment)
    made = {"made_at": _written(now())}
    bundles.pack(draft.content, out, moment | made)
    _remove(folder)


class _Collecting:
    """Fills a draft. Each step goes on where an earlier one was interrupted."""

    def __init__(self, fetch: Fetch, draft: BundleDraft, say: Say) -> None:
        self._fetch = fetch
        self._draft = draft
        self._say = say

    async def log(self, log: str, head: dict[str, Any]) -> None:
        """A log's lines, hashes, heads and keys."""
        service, prefix, size = _SERVICE_OF[log], f"/v1/audit/{log}", head["size"]
        self._draft.write(bundles.keys_of(log), json.dumps(head["keys"], indent=1).encode())
        name = bundles.events_of(log)
        index = self._draft.cursor(name) or 0
        self._draft.add(name, [], index)
        while index < size:
            wanted = urlencode({"after": index, "limit": min(PAGE, size - index)})
            lines = (await _read(self._fetch, service, f"{prefix}/export?{wanted}")).content.splitlines()
            if not lines:
                raise CollectError(f"The log {log} ends at {index} events, but its head covers {size}.")
            index += len(lines)
            self._draft.add(name, lines, index)
            self._say(f"events of {log}", index, size)
        tiles = list(tiles_of(size))
        for number, tile in enumerate(tiles, start=1):
            stored = bundles.tile_of(log, tile.path)
            if not self._draft.has(stored):
                content = (await _read(self._fetch, service, f"{prefix}/tile/{tile.path}")).content
                self._draft.write(stored, content)
            self._say(f"hashes of {log}", number, len(tiles))
        await self._heads(log, size)

    async def _heads(self, log: str, size: int) -> None:
        name = bundles.checkpoints_of(log)
        after = self._draft.cursor(name) or 0
        self._draft.add(name, [], after)
        while after < size:
            query = urlencode({"after": after, "limit": LIST_PAGE})
            page = await _json(self._fetch, _SERVICE_OF[log], f"/v1/audit/{log}/heads?{query}")
            found = [each for each in page["items"] if each["size"] <= size]
            if not found:
                raise CollectError(f"The log {log} no longer has the head of {size} events.")
            after = found[-1]["size"]
            self._draft.add(name, [_line(each) for each in found], after)
            self._say(f"heads of {log}", after, size)

    async def notices(self) -> None:
        """The SLA service's notices, as stored."""
        name = bundles.NOTICES
        after = self._draft.cursor(name) or 0
        while not self._draft.is_complete(name):
            page = await _read(self._fetch, "sla", f"/v1/events?{urlencode({'after': after, 'limit': PAGE})}")
            after, last = (int(page.headers[f"fristwerk-{each}-position"]) for each in ("next", "last"))
            lines = [claims.stored_line(each) for each in page.content.splitlines()]
            self._draft.add(name, lines, after, complete=after >= last)
            self._say("notices", after, last)

    async def claims(self, moment: dict[str, Any]) -> None:
        """The terms that were published, and what the services show."""
        subjects = claims.subjects_in(self._draft.content / bundles.events_of("tickets"), moment["known_at"])
        for kind, name, version, document in subjects.terms:
            stored = bundles.terms_of(kind, quote(name, safe=""), version)
            self._draft.write(stored, json.dumps(document, indent=1, ensure_ascii=False).encode())
        as_of = urlencode({"known_at": moment["known_at"]})
        due = urlencode({"known_at": moment["known_at"], "until": moment["last_day"]})
        await self._each(
            bundles.TIMERS, "sla", subjects.tickets, "ticket", lambda each: f"/v1/tickets/{each}/timers?{as_of}"
        )
        await self._each(
            bundles.CHARGES,
            "billing",
            subjects.customers,
            "customer",
            lambda each: f"/v1/customers/{each}/preview?{due}",
        )
        numbers = [str(each) async for each in self._numbers(moment["known_at"])]
        await self._each(bundles.INVOICES, "billing", numbers, "invoice", lambda each: f"/v1/invoices/{each}")

    async def _each(
        self, name: str, service: Collected, subjects: list[str], what: str, path: Callable[[str], str]
    ) -> None:
        """What a service shows of each subject, in pages that are small enough to repeat."""
        done = self._draft.cursor(name) or 0
        self._draft.add(name, [], done)
        for start in range(done, len(subjects), LIST_PAGE):
            page = subjects[start : start + LIST_PAGE]
            lines = [_line({what: each} | claims.shown(await self._asked(service, path(each)))) for each in page]
            self._draft.add(name, lines, start + len(page))
            self._say(f"{what}s", start + len(page), len(subjects))

    async def _asked(self, service: Collected, path: str) -> ServiceAnswer:
        """An answer, or a refusal that says something of the subject itself."""
        return await _read(self._fetch, service, path, {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})

    async def _numbers(self, known_at: str) -> AsyncIterator[int]:
        after = 0
        while True:
            query = urlencode({"after": after, "limit": LIST_PAGE})
            items = (await _json(self._fetch, "billing", f"/v1/invoices?{query}"))["items"]
            for each in items:
                if datetime.fromisoformat(each["recorded_at"]) <= datetime.fromisoformat(known_at):
                    yield each["number"]
            if len(items) < LIST_PAGE:
                return
            after = items[-1]["number"]


async def _moment(fetch: Fetch, provider: str, now: Callable[[], datetime], until: date | None) -> dict[str, Any]:
    """As of when a bundle is made: heads of both logs, and an instant before everything that they do not cover."""
    known_at = now() - SETTLED
    if until is not None:
        known_at = min(known_at, _end_of(until))
    logs: dict[str, Any] = {}
    for log in bundles.LOGS:
        service = _SERVICE_OF[log]
        published = await _json(fetch, service, f"/v1/audit/{log}/key")
        head = await _head(fetch, log, until)
        logs[log] = {"origin": published["origin"], "size": head["size"], "keys": published}
        tail = await _read(fetch, service, f"/v1/events?{urlencode({'after': head['position'], 'limit': PAGE})}")
        recorded = [datetime.fromisoformat(json.loads(each)["recorded_at"]) for each in tail.content.splitlines()]
        known_at = min([known_at, *(each - timedelta(milliseconds=1) for each in recorded)])
        if log == "tickets":
            if not head["size"]:
                raise CollectError(f"No head covers an event of {provider} yet; it takes some ten seconds.")
            await _caught_up(fetch, int(tail.headers["fristwerk-last-position"]))
    return {
        "provider": provider,
        "until": until and until.isoformat(),
        "known_at": _written(known_at),
        "last_day": known_at.date().isoformat(),
        "logs": logs,
    }


async def _head(fetch: Fetch, log: str, until: date | None) -> dict[str, Any]:
    """The newest head, or the last one of a day; that of the empty tree where there is none."""
    empty = {"size": 0, "position": 0}
    if until is None:
        newest = await _read(fetch, _SERVICE_OF[log], f"/v1/audit/{log}/checkpoint", {HTTPStatus.NOT_FOUND})
        if newest.status == HTTPStatus.NOT_FOUND:
            return empty
        size = int(newest.content.split(b"\n")[1])
        page = await _json(
            fetch, _SERVICE_OF[log], f"/v1/audit/{log}/heads?{urlencode({'after': size - 1, 'limit': 1})}"
        )
        head: dict[str, Any] = page["items"][0]
        return head
    found, after = empty, 0
    while True:
        query = urlencode({"after": after, "limit": LIST_PAGE})
        items = (await _json(fetch, _SERVICE_OF[log], f"/v1/audit/{log}/heads?{query}"))["items"]
        for each in items:
            if datetime.fromisoformat(each["signed_at"]) > _end_of(until):
                return found
            found = each
        if len(items) < LIST_PAGE:
            return found
        after = items[-1]["size"]


async def _caught_up(fetch: Fetch, position: int) -> None:
    """Wait until both followers have applied the log up to a position, and what was missed was announced.

    Raises CollectError where they stay behind.
    """
    followers: tuple[Collected, ...] = ("sla", "billing")
    for service in followers:
        for _ in range(WAITS):
            answer = await fetch(service, "/health/ready")
            feeds = json.loads(answer.content).get("feeds", {})
            if feeds.get("ticket-service", {}).get("position", 0) >= position:
                break
            await asyncio.sleep(0.5)
        else:
            raise CollectError(f"The {service}-service has not applied the events up to position {position} yet.")
    for _ in range(WAITS):
        figures = (await fetch("sla", "/metrics")).content.decode().splitlines()
        waiting = [each.rpartition(" ")[2] for each in figures if each.startswith(_OVERDUE)]
        if all(not float(each) for each in waiting):
            return
        await asyncio.sleep(0.5)
    raise CollectError("The sla-service has not announced every missed deadline yet.")


async def _read(fetch: Fetch, service: Collected, path: str, also: set[HTTPStatus] | None = None) -> ServiceAnswer:
    """What a service has at a path. Raises CollectError for an answer that is neither 200 nor ``also``."""
    for _ in range(_PERSISTENT):
        answer = await fetch(service, path)
        if answer.status not in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
            break
        await asyncio.sleep(1)
    if answer.status == HTTPStatus.OK or (also and answer.status in also):
        return answer
    try:
        detail = str(json.loads(answer.content)["detail"])
    except (ValueError, KeyError, TypeError):
        detail = "without a reason"
    raise CollectError(f"The {service}-service answers {path.partition('?')[0]} with {answer.status}: {detail}")


async def _json(fetch: Fetch, service: Collected, path: str) -> Any:
    return json.loads((await _read(fetch, service, path)).content)


def _line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) - timedelta(milliseconds=1)


def _remove(folder: Path) -> None:
    for each in sorted(folder.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    folder.rmdir()
