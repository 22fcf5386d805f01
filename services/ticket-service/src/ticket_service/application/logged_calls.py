"""The log of calls as it is read: lists, one call, and what was said, for as long as nobody forgot the caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from fristwerk_language.events import streams
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.domain.call.state import LoggedCall, SealedPart, TransferTry
from ticket_service.domain.customer.state import Customer, customer_of
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.personal_data import PersonalData, Sealed, subject_of
from ticket_service.queries.calls import CallFilter, CallRow

MOST_JOINED: Final = 20
"""So many other voicemails of a caller become one ticket together with the one that is named."""


class Said(msgspec.Struct, frozen=True):
    """The caller's number and the words left behind; None where there are none, or once the caller was forgotten."""

    number: str | None
    voicemail: str | None


class CallRead(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it is read. ``from`` and ``voicemail`` are null once the caller was forgotten; ``customer`` is the
    ticket's, else whose number called or was called. ``dedicated``: the number called is a contract's own, so that no
    queue was promised. ``for_agent`` is the dedicated agent whom it was for, or who stood in.
    """

    id: str
    from_: str | None = msgspec.field(name="from")
    to: str | None
    started_at: datetime
    minutes: int | None
    automatic: bool
    queued_at: datetime | None
    answered_at: datetime | None
    waited_seconds: int | None
    abandoned: bool
    dedicated: bool
    for_agent: str | None
    taken_by: str
    customer: str | None
    ticket: str | None
    reference: str | None
    dismissed_at: datetime | None
    transfers: tuple[TransferTry, ...]
    voicemail: str | None

    @property
    def cursor(self) -> str:
        """Its place in a list: by when it began, then by id."""
        return f"{int(self.started_at.timestamp()):012d}.{self.id}"


class LoggedCalls:
    """Reads calls."""

    def __init__(
        self,
        current: ConsistentReads,
        known: StateCache[LoggedCall],
        customers: Customers,
        terms: Terms,
        personal_data: PersonalData,
    ) -> None:
        self._current = current
        self._known = known
        self._customers = customers
        self._terms = terms
        self._personal_data = personal_data

    async def newest(self, provider: str, call: str) -> Loaded[LoggedCall]:
        """A call that was kept without a ticket, as the log tells it now. Raises NotFound."""
        return self.own(provider, call, await self._known.newest(streams.CALL.stream(call)))

    @staticmethod
    def own(provider: str, call: str, loaded: Loaded[LoggedCall] | None) -> Loaded[LoggedCall]:
        """Raises NotFound for a call that is not there, or another provider's."""
        if loaded is None or loaded.provider != provider:
            raise NotFound("call-not-found", f"There is no call {call} that was kept without a ticket.")
        return loaded

    async def said(self, loaded: Loaded[LoggedCall]) -> Said:
        """What was said in a call."""
        row = CallRow(state=loaded.state, customer=None, reference=None)
        return (await self._opened(loaded.provider, [row]))[0]

    async def page(self, provider: str, wanted: CallFilter, *, after: str, limit: int | None) -> list[CallRead]:
        """Calls in the order in which they began, behind a cursor."""
        rows = await (await self._current()).calls(provider, wanted, after=after, limit=limit)
        return self._shown(rows, await self._opened(provider, rows))

    async def one(self, provider: str, call: str) -> CallRead:
        """A call, on a ticket or not. Raises NotFound."""
        found = await self.page(provider, CallFilter(call=call), after="", limit=1)
        if not found:
            raise NotFound("call-not-found", f"There is no call {call}.")
        return found[0]

    async def waiting_voicemails(self, provider: str, number: str | None, but: str) -> list[str]:
        """The ids of the voicemails from a number that nobody has dealt with, in the order in which they were left, without
        that one call; the first ``MOST_JOINED``.
        """
        if number is None or not (numbers := await self.numbers(provider, number)):
            return []
        wanted = CallFilter(numbers=numbers, open=True, voicemail=True)
        found = await (await self._current()).calls(provider, wanted, after="", limit=MOST_JOINED + 1)
        return [each.state.id for each in found if each.state.id != but][:MOST_JOINED]

    async def numbers(self, provider: str, phone: str) -> tuple[str, ...]:
        """The keyed digests under which a number is looked up."""
        return await self._customers.phone_indexes(provider, phone)

    async def day(self, provider: str, day: date, now: datetime) -> tuple[datetime, datetime]:
        """When a local day begins and ends where the provider's default agreement counts its days; else in UTC."""
        terms = await self._terms.of(provider)
        try:
            agreement, _ = await terms.agreement_at(await terms.default_agreement(), now)
            zone = ZoneInfo(agreement.timezone)
        except NotAcceptable:
            zone = ZoneInfo("UTC")
        return datetime.combine(day, time.min, zone), datetime.combine(day + timedelta(days=1), time.min, zone)

    async def _opened(self, provider: str, rows: Sequence[CallRow]) -> list[Said]:
        parts = [part for row in rows for part in (row.state.said, row.state.voicemail) if part is not None]
        present = await self._present(provider, {subject_of(each.text) for each in parts})
        contents = await self._personal_data.open([Sealed(each.event, each.text) for each in parts], present)

        def text(part: SealedPart | None, name: str) -> str | None:
            return None if part is None else contents.get(part.event, {}).get(name)

        return [Said(text(row.state.said, "from"), text(row.state.voicemail, "text")) for row in rows]

    async def _present(self, provider: str, subjects: Iterable[str]) -> set[str]:
        """Of the subjects those that count now: a call's own, and a customer's who was not forgotten since."""
        present = set[str]()
        for subject in subjects:
            if streams.CALL.includes(subject):
                present.add(subject)
                continue
            customer: Customer = (await self._customers.customer(provider, customer_of(subject))).state
            present.add(customer.subject)
        return present

    @staticmethod
    def _shown(rows: Sequence[CallRow], said: Sequence[Said]) -> list[CallRead]:
        same = [each for each in LoggedCall.__struct_fields__ if each not in ("said", "voicemail")]
        return [
            CallRead(
                **{name: getattr(row.state, name) for name in same},
                from_=each.number,
                voicemail=each.voicemail,
                customer=row.customer,
                reference=row.reference,
            )
            for row, each in zip(rows, said, strict=True)
        ]
