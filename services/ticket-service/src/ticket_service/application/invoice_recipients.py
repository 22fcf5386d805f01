"""To whom a customer's invoices are addressed: a company's data, a person's name while it can be
read, and afterwards what is kept of a person for invoices alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import msgspec
import structlog

from fristwerk_language.events import streams
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.consequences import Consequences, ForgettingOutcome
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.retention import Retention
from ticket_service.kept_recipients import KeptRecipients, Recipient, recipient_of

EVERY_SECONDS: Final = 3600.0
"""How often recipients whose term is over are looked for."""
_log = structlog.get_logger()


class InvoiceRecipients:
    """Says who recipients are, keeps them when persons are forgotten, and lets go of them."""

    def __init__(
        self,
        executor: CommandExecutor,
        customers: StateCache[Customer],
        consequences: Consequences,
        kept: KeptRecipients,
    ) -> None:
        self._executor = executor
        self._customers = customers
        self._consequences = consequences
        self._kept = kept

    async def recipient(self, provider: str, customer: str) -> Recipient | None:
        """Who invoices are addressed to; None for another provider's and where nobody knows any more."""
        loaded = await self._customers.newest(streams.CUSTOMER.stream(customer))
        if loaded is None or loaded.provider != provider:
            return None
        if loaded.state.name is not None:
            return recipient_of(msgspec.structs.asdict(loaded.state))
        personal = await self._executor.personal(loaded, loaded.state.subject)
        return recipient_of(personal) if "name" in personal else await self._kept.kept(customer)

    async def invoiced(self, provider: str, customer: str, issued_on: date) -> Recipient | None:
        """The recipient of a document that is issued on that day, who is kept from now on until its
        term is over. None as for ``recipient``: then nothing is noted.
        """
        recipient = await self.recipient(provider, customer)
        if recipient is not None:
            term = await self._consequences.retention_term(provider, customer)
            await self._kept.extend(customer, term.ends_on(issued_on))
        return recipient

    async def forgetting(self, provider: str, customer: Customer, today: date) -> ForgettingOutcome:
        """What forgetting the customer would have as consequences. Nothing is done."""
        invoiced_until = await self._kept.until(customer.id)
        return await self._consequences.of_forgetting(provider, customer, today, invoiced_until)

    async def keep(self, loaded: Loaded[Customer], kept: Retention | None) -> None:
        """Keep who the person is, where that can still be read and has to be kept."""
        personal = await self._executor.personal(loaded, loaded.state.subject)
        if kept is not None and "name" in personal:
            await self._kept.keep(loaded.state.id, recipient_of(personal), kept.until)

    async def expire(self, today: date) -> int:
        """Delete recipients whose last day was before ``today``; how many they were."""
        return await self._kept.expire(today)


class RecipientUpkeep:
    """Deletes, beside the requests, recipients whose term is over. Several processes may run it."""

    def __init__(self, recipients: InvoiceRecipients, now: Callable[[], datetime]) -> None:
        self._recipients = recipients
        self._now = now

    async def run(self) -> None:
        """Look at once, since a restored backup may have brought some back, and every hour."""
        while True:
            try:
                if ended := await self._recipients.expire(self._now().date()):
                    _log.info("kept_recipients_ended", recipients=ended)
            except Exception as error:  # noqa: BLE001 - whatever keeps the storage from answering, it is asked again
                _log.warning("kept_recipients_wait", exc_info=error)
            await asyncio.sleep(EVERY_SECONDS)
