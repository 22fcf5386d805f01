"""The two kinds of work of a replay, for whichever process does them: reading a part, deriving a partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing
from functools import lru_cache
from pathlib import Path
from typing import IO, Final
from zlib import crc32

import msgspec

from fristwerk_language.events import TYPE_NAMES, Recorded, decode_tolerantly, streams
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_platform.cli import CliError
from fristwerk_platform.subscriptions import AppliedPositions, Feed, pages_between
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections import timer_fingerprints
from sla_service.projections.projector import derived_ticket
from sla_service.projections.writer import compiled_terms

OpenFeed = Callable[[], AbstractAsyncContextManager[Feed]]
"""Opens the ticket service's feed; where several processes read it, it can be pickled."""
MOST_PARTS: Final = 40
MOST_PARTITIONS: Final = 64
"""A longer log has longer parts and partitions instead of more: each part is put into a file for each partition."""
FILE_BUFFER_BYTES: Final = 64 * 1024
_PUBLISHED: Final = {TYPE_NAMES[each] for each in (AgreementPublished, CalendarPublished)}


class SourceShorterError(CliError):
    """Raised when the log ends before what the read model was made of: an old backup was restored. The message says so."""


class PartitionsApartError(CliError):
    """Raised where terms were published that not every partition is applied up to: whether a ticket
    beyond or before them was derived with them is left to chance. The message says what to do.
    """


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """From how many positions on a log is split: into parts, into partitions, and among processes."""

    part: int = 50_000
    partition: int = 20_000
    """So many positions' lines, some eight megabytes, are in memory at once."""
    process: int = 50_000
    """Another process is worth its start from so many on."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the work on a log, as far as it is ``applied``, is split; ``folder`` is where the lines of partitions are put."""

    applied: AppliedPositions
    folder: Path
    sizes: Sizes

    @property
    def position(self) -> int:
        """Beyond it nothing counts."""
        return self.applied.last

    @property
    def parts(self) -> list[LogPart]:
        """The log in parts, each of which reaches from one position to another."""
        length = max(self.sizes.part, -(-self.position // MOST_PARTS))
        return [
            LogPart(number=number, after=after, until=min(after + length, self.position))
            for number, after in enumerate(range(0, self.position, length))
        ]

    @property
    def partitions(self) -> int:
        """In how many files a part's tickets are put."""
        return min(1 + self.position // self.sizes.partition, MOST_PARTITIONS)


class LogPart(msgspec.Struct, frozen=True, kw_only=True):
    """The positions from ``after`` (exclusive) to ``until`` (inclusive)."""

    number: int
    after: int
    until: int


class DerivedPartition(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets a partition has, their digests, and by ticket a sentence for each that cannot be derived."""

    tickets: int
    fingerprints: dict[str, bytes]
    failures: dict[str, str]


class _Head(msgspec.Struct, frozen=True, gc=False):
    position: int
    type: str
    stream: str


class _Stream(msgspec.Struct, frozen=True, gc=False):
    stream: str


_head: Final = msgspec.json.Decoder(_Head)
_stream: Final = msgspec.json.Decoder(_Stream)


async def read_part(open_feed: OpenFeed, plan: Plan, part: LogPart) -> list[bytes]:
    """Put the lines of tickets into their partitions' files; returns the lines that publish terms, in their order.

    Raises SourceShorterError, SourceUnavailableError.
    """
    published: list[bytes] = []
    with ExitStack() as opened:
        files = [
            opened.enter_context((plan.folder / f"{number}-{part.number}").open("wb", FILE_BUFFER_BYTES))
            for number in range(plan.partitions)
        ]
        async with open_feed() as feed, aclosing(pages_between(feed, part.after, part.until)) as pages:
            async for page in pages:
                if page.last < plan.position:
                    raise SourceShorterError(
                        f"The log ends at position {page.last:,}, but the read model was made of {plan.position:,}."
                    )
                published += _sorted_out(page.lines, part.until, plan.applied, files)
    return published


def read_part_at_once(open_feed: OpenFeed, plan: Plan, part: LogPart) -> list[bytes]:
    """``read_part`` for a process that does nothing else meanwhile."""
    return asyncio.run(read_part(open_feed, plan, part))


def _sorted_out(
    lines: Sequence[bytes], until: int, applied: AppliedPositions, files: Sequence[IO[bytes]]
) -> Iterator[bytes]:
    """Write the lines of tickets that are applied; yields those that publish terms."""
    number = len(files)
    for line in lines:
        head = _head.decode(line)
        if head.position > until:
            return
        if streams.TICKET.includes(head.stream):
            if applied.include(head.stream, head.position):
                files[crc32(head.stream.encode()) % number].write(line + b"\n")
        elif head.type in _PUBLISHED:
            yield line


def write_published(plan: Plan, lines: Sequence[bytes]) -> None:
    """Keep what was published where every process finds it."""
    _published_file(plan.folder).write_bytes(b"\n".join(lines))


def derive_partition(plan: Plan, number: int) -> DerivedPartition:
    """Derive every ticket of a partition; its files are gone afterwards."""
    terms = _terms(plan.folder)
    fingerprints: dict[str, bytes] = {}
    failures: dict[str, str] = {}
    histories = _histories(plan, number)
    for stream, lines in histories.items():
        history = sorted(map(decode_tolerantly, lines), key=lambda each: each.version)
        try:
            ticket, fingerprint = derive(history, terms.get(history[0].envelope.provider, PublishedTerms()))
        except Exception as error:  # noqa: BLE001 - the service sets such a ticket aside and goes on; so does this
            failures[stream] = f"{stream} cannot be derived: {error}"
        else:
            fingerprints[ticket] = fingerprint
    return DerivedPartition(tickets=len(histories), fingerprints=fingerprints, failures=failures)


def derive(history: Sequence[Recorded], terms: PublishedTerms) -> tuple[str, bytes]:
    """A ticket's id and the digest of what its history gives. Raises what deriving it raises."""
    ticket = derived_ticket(history, terms)
    return ticket.derived.ticket, timer_fingerprints.derived_fingerprint(ticket)


def _histories(plan: Plan, number: int) -> dict[str, list[bytes]]:
    """The lines of each ticket stream in a partition."""
    found: dict[str, list[bytes]] = {}
    for part in plan.parts:
        file = plan.folder / f"{number}-{part.number}"
        for line in file.read_bytes().split(b"\n")[:-1]:
            found.setdefault(_stream.decode(line).stream, []).append(line)
        file.unlink()
    return found


@lru_cache(maxsize=1)
def _terms(folder: Path) -> Mapping[str, PublishedTerms]:
    """The published terms by provider, compiled once a process."""
    published: dict[str, list[Recorded]] = {}
    for recorded in map(decode_tolerantly, filter(None, _published_file(folder).read_bytes().split(b"\n"))):
        published.setdefault(recorded.envelope.provider, []).append(recorded)
    return {provider: compiled_terms(events) for provider, events in published.items()}


def _published_file(folder: Path) -> Path:
    return folder / "published"
