"""Moving many tickets to other terms: in the background, each by a command of its own, and to the
end whatever happens.

Each ticket's command has a key made of migration and ticket, so that going on after a crash never
moves a ticket twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
import structlog

from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import STORAGE_FAILURES, AnsweredBefore, CommandError, CommandMetadata, RetryLaterError
from fristwerk_platform.event_log import IdempotencyKey
from ticket_service.application.application import Application
from ticket_service.domain.errors import NotAcceptable, NotFound, Refusal
from ticket_service.domain.ticket.commands import MigrateTerms
from ticket_service.domain.ticket.state import Ticket
from ticket_service.terms_migration_ledger import MigrationLedger, MigrationOutcome, TermsKind, TermsMigration

AT_ONCE: Final = 16
"""How many tickets are moved side by side; their appends share a transaction."""
RETRY_SECONDS: Final = 1.0
_log = structlog.get_logger()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for: exactly one of agreement and calendar."""

    agreement: str | None
    calendar: str | None
    from_version: int
    to_version: int
    reason: str


class Migrations:
    """Takes migrations on, and carries them out in ``run``."""

    def __init__(
        self,
        application: Application,
        ledger: MigrationLedger,
        now: Callable[[], datetime],
        new_id: Callable[[datetime], str],
    ) -> None:
        self._newest_reads = application.newest_reads
        self._terms = application.terms
        self._tickets = application.tickets
        self.ledger = ledger
        self._now = now
        self._new_id = new_id
        self._wanted = asyncio.Event()

    async def ordered(self, meta: CommandMetadata, order: Order) -> TermsMigration:
        """The migration that does it: a new one, or one that is doing the same already.

        Raises NotAcceptable.
        """
        kind, name = await self._checked(meta.principal.provider, order)
        migration = TermsMigration(
            migration=self._new_id(meta.now),
            provider=meta.principal.provider,
            kind=kind,
            name=name,
            from_version=order.from_version,
            to_version=order.to_version,
            reason=order.reason,
            requested_by=meta.principal.sub,
            role=meta.principal.role,
            correlation_id=meta.correlation_id,
            requested_at=meta.now,
        )
        return await self.ledger.plan(migration, await self._concerned(migration))

    def wake(self) -> None:
        """Wake ``run``: there is something to do."""
        self._wanted.set()

    async def run(self) -> None:
        """Carry out unfinished migrations, the oldest first, until cancelled."""
        while True:
            self._wanted.clear()
            try:
                while (migration := await self.ledger.unfinished()) is not None:
                    await self._go_on(migration)
            except Exception as error:  # noqa: BLE001 - whatever keeps the storage from answering, it is asked again
                _log.warning("migration_waits", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await self._wanted.wait()

    async def _checked(self, provider: str, order: Order) -> tuple[TermsKind, str]:
        """Kind and name of the document.

        Raises NotAcceptable for versions that do not exist, or are the same.
        """
        if (order.agreement is None) == (order.calendar is None):
            sentence = "name either an agreement or a calendar"
            raise NotAcceptable(f"Nothing is migrated: {sentence}.", [("/agreement", sentence)])
        kind: TermsKind = "calendar" if order.agreement is None else "agreement"
        name = order.agreement or order.calendar or ""
        try:
            published = await (self._terms.agreement if kind == "agreement" else self._terms.calendar)(provider, name)
        except NotFound as error:
            raise NotAcceptable(error.detail, [(f"/{kind}", error.detail)]) from error
        errors = [
            (f"/{field}", f"there is no version {version} of the {kind} {name}")
            for field, version in (("from_version", order.from_version), ("to_version", order.to_version))
            if not 1 <= version <= len(published.versions)
        ]
        if order.from_version == order.to_version:
            errors.append(("/to_version", "is the version that the tickets have"))
        if errors:
            raise NotAcceptable(f"Nothing is migrated: {errors[0][1]}.", errors)
        return kind, name

    async def _concerned(self, migration: TermsMigration) -> list[str]:
        """The tickets to move: those on that version, unless they are closed for good."""
        agreement = migration.name if migration.kind == "agreement" else None
        found = await self._newest_reads.tickets_under(migration.provider, agreement)
        return [each.id for each in found if _version(each, migration) == migration.from_version and _is_open(each)]

    async def _go_on(self, migration: TermsMigration) -> None:
        tickets = await self.ledger.pending(migration.migration, AT_ONCE)
        if not tickets:
            await self.ledger.finish(migration.migration, self._now())
            return
        outcomes = await asyncio.gather(*(self._moved(migration, ticket) for ticket in tickets))
        await self.ledger.note(migration.migration, outcomes)

    async def _moved(self, migration: TermsMigration, ticket: str) -> tuple[str, MigrationOutcome, str | None]:
        """Move one ticket and say what became of it.

        Raises RetryLaterError, or what the storage raises, if it is to be tried again.
        """
        try:
            why_not = await self._move(migration, ticket)
        except STORAGE_FAILURES:
            raise
        except Exception as error:  # noqa: BLE001 - one ticket must not keep the others from being moved
            why_not = _why_not(ticket, error)
        return ticket, "done" if why_not is None else "failed", why_not

    async def _move(self, migration: TermsMigration, ticket: str) -> str | None:
        """Move one ticket; returns why it stays where it is, if it does."""
        meta = _meta(migration, ticket, self._now())
        state = (await self._tickets.newest(meta.principal, ticket)).state
        present = _version(state, migration)
        if present == migration.to_version:
            return None
        if present != migration.from_version:
            return f"The ticket {state.reference} has come to version {present} meanwhile."
        version = {f"{migration.kind}_version": migration.to_version}
        await self._tickets.execute(meta, ticket, MigrateTerms(**version, reason=migration.reason))
        return None


def _why_not(ticket: str, error: Exception) -> str | None:
    """The sentence that says why a ticket was not moved; None if it was, before a crash.

    Raises RetryLaterError.
    """
    match error:
        case AnsweredBefore():
            return None
        case RetryLaterError():
            raise error
        case Refusal() | CommandError():
            return error.detail
        case _:
            _log.error("ticket_not_migrated", ticket=ticket, exc_info=error)
            return f"The service failed on this ticket: {type(error).__name__}."


def _meta(migration: TermsMigration, ticket: str, now: datetime) -> CommandMetadata:
    """The command's surroundings: in the name of whoever gave the order, under a key of migration
    and ticket.
    """
    asked = f"{migration.kind} {migration.name} {migration.from_version} {migration.to_version}"
    return CommandMetadata(
        principal=Principal(sub=migration.requested_by, role=migration.role, provider=migration.provider),
        now=now,
        occurred_at=now.replace(microsecond=0),
        occurred_at_given=False,
        correlation_id=migration.correlation_id,
        key=IdempotencyKey(
            scope=f"terms-migration {migration.migration}",
            key=ticket,
            request_digest=sha256(asked.encode()).hexdigest(),
        ),
    )


def _version(ticket: Ticket, migration: TermsMigration) -> int | None:
    """The version of the migration's document that the ticket has; None where it has another
    document.
    """
    if migration.kind == "agreement":
        return ticket.agreement_version if ticket.agreement == migration.name else None
    return ticket.calendar_version if ticket.calendar == migration.name else None


def _is_open(ticket: Ticket) -> bool:
    return ticket.state != "closed"
