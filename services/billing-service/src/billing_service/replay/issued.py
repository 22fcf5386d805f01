"""Issued documents against both logs: each is computed again as of what was recorded when it was issued."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from billing_service.domain.audit.recomputation import divergence
from billing_service.domain.audit.records import AccountRecord, issued_record
from billing_service.domain.facts.published import PublishedAgreement, published_agreement
from billing_service.replay.collected_logs import CollectedLogs
from fristwerk_language.events import Recorded, decode
from fristwerk_platform.subscriptions import Feed

PAGE_LINES: Final = 1_000
PAGE_DOCUMENTS: Final = 20
"""Lines of billing's own log at once: a document may have some megabytes."""


def issued_differences(logs: CollectedLogs) -> Iterator[str]:
    """A sentence for each document that is not what its facts come to, in the order of providers and customers.

    Those that are not what their own digests say are named elsewhere.
    """
    published = {
        provider: dict(published_agreement(decode(line)) for line in lines.values())
        for provider, lines in logs.agreements.items()
    }
    for key in sorted(logs.issued.keys()):
        provider, _, customer = key.partition("\n")
        yield from _of_customer(logs, provider, customer, published.get(provider, {}))


def _of_customer(
    logs: CollectedLogs, provider: str, customer: str, published: Mapping[tuple[str, int], PublishedAgreement]
) -> Iterator[str]:
    documents = [issued_record(decode(line)) for line in logs.issued.lines(f"{provider}\n{customer}")]
    issued = {each.event.number: each for each in documents}
    rows = sorted((row for row in logs.accounts.values() if row.customer == customer), key=lambda row: row.account)
    about = logs.registrations.lines(customer)
    accounts = [
        AccountRecord(
            row=row,
            facts=_recorded({*logs.facts.lines(row.account), *about}),
            decisions=_recorded(logs.decisions.lines(row.account)),
        )
        for row in rows
    ]
    for each in documents:
        if (provider, each.event.number) in logs.unsound:
            continue
        found = divergence(each, accounts, published, issued)
        if found is not None:
            yield f"{found} (provider {provider}, issued {each.recorded.recorded_at.isoformat(timespec='seconds')})"


def _recorded(lines: set[bytes] | list[bytes]) -> list[Recorded]:
    return sorted((decode(line) for line in lines), key=lambda each: each.position)


async def issued_contradiction(tickets: Feed, own: Feed) -> str | None:
    """The first document that both logs, as they are now, do not come to. Raises SourceUnavailableError."""
    with CollectedLogs() as logs:
        await _collect(tickets, logs.read, PAGE_LINES)
        await _collect(own, logs.read_own, PAGE_DOCUMENTS)
        for provider, number in sorted(logs.unsound):
            return unsound(provider, number)
        return next(issued_differences(logs), None)


def unsound(provider: str, number: int) -> str:
    """What is said of a document that is not what its digest says."""
    return f"Document {number} of {provider} is not what its digest says."


async def _collect(feed: Feed, collect: Callable[[Sequence[bytes], int], None], at_once: int) -> None:
    """Collect a whole feed."""
    after = 0
    while True:
        page = await feed.page(after, at_once, 0)
        collect(page.lines, page.next)
        if page.next >= page.last or page.next <= after:
            return
        after = page.next
