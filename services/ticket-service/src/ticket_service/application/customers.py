"""Commands about customers, their devices and contacts; and who a customer is, for those who may
know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain
from typing import Any

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from fristwerk_platform.event_log import NO_NAMES, EventLog, NameChange
from ticket_service.application import names
from ticket_service.application.command_executor import CommandExecutor, Decision, PlannedChange
from ticket_service.application.consequences import ForgettingOutcome
from ticket_service.application.dedicated_agents import DedicatedAgents
from ticket_service.application.invoice_recipients import InvoiceRecipients
from ticket_service.application.phone_forms import written_forms
from ticket_service.application.state_cache import KeyedLocks, Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.turns import in_turn, next_turn
from ticket_service.domain.confirmation import check_accepted
from ticket_service.domain.customer import decide as domain
from ticket_service.domain.customer.commands import AssignContact, Register, RegisterDevice
from ticket_service.domain.customer.state import Customer, customer_of
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.personal_data import PersonalData, Sealed, subject_of
from ticket_service.queries.read_model import CustomerRow

CustomerView = Callable[[Customer], dict[str, Any]]


class Customers:
    """One method a command."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        dedicated_agents: DedicatedAgents,
        personal_data: PersonalData,
        known: StateCache[Customer],
        recipients: InvoiceRecipients,
        terms: Terms,
    ) -> None:
        self._terms = terms
        self._recipients = recipients
        self._log = log
        self._executor = executor
        self._dedicated_agents = dedicated_agents
        self._personal_data = personal_data
        self._known = known
        self._dedicating = KeyedLocks()

    async def customer(self, provider: str, customer: str) -> Loaded[Customer]:
        """The customer's newest state. Raises NotFound, for another provider's as well."""
        return _own(provider, customer, await self._known.newest(streams.CUSTOMER.stream(customer)))

    async def described(self, loaded: Loaded[Customer]) -> dict[str, Any]:
        """The customer with what is sealed in the log, until the person is forgotten."""
        personal = await self._executor.personal(loaded, loaded.state.subject)
        return _description(loaded.state, loaded.version, personal)

    async def described_rows(self, rows: Sequence[CustomerRow]) -> list[dict[str, Any]]:
        """Customers as they are listed, each with what is sealed in the log."""
        sealed = [Sealed(row.event, row.sealed) for row in rows if row.event is not None and row.sealed is not None]
        contents = await self._personal_data.open(sealed, [row.state.subject for row in rows])
        return [_description(row.state, row.version, contents.get(row.event or "", {})) for row in rows]

    async def with_phone(self, provider: str, phone: str) -> list[str]:
        """The ids of the customers whose contact has the number, in whatever form either is written,
        the first one first.
        """
        indexes = await self.phone_indexes(provider, phone)
        found = [await self._log.labelled(names.with_phone(each)) for each in indexes]
        return sorted({streams.CUSTOMER.subject(stream) for stream, _ in chain.from_iterable(found)})

    def phone_labels(self, provider: str, phone: str | None) -> tuple[str, ...]:
        """Under which a customer is found by the number of its contact, in the form in which that was
        given: one label, none for a number without digits.
        """
        number = normalised_phone(phone or "")
        return (names.with_phone(self._personal_data.phone_index(provider, number)),) if number else ()

    async def phone_indexes(self, provider: str, phone: str) -> tuple[str, ...]:
        """The keyed digests of every form in which a number may have been stored; none for a number
        without digits.
        """
        forms = written_forms(phone, await self._terms.country(provider))
        return tuple(self._personal_data.phone_index(provider, each) for each in forms)

    async def callers_like(self, provider: str, phone: str) -> str | None:
        """The matter in which a caller of that number is registered, the same for all of its forms;
        None for a number without digits.
        """
        indexes = await self.phone_indexes(provider, phone)
        return names.callers_like(provider, min(indexes)) if indexes else None

    async def sealed_labels(self, loaded: Loaded[Customer]) -> tuple[str, ...]:
        """The labels that a customer has by what its registration sealed; none once the person was
        forgotten.
        """
        personal = await self._executor.personal(loaded, loaded.state.subject)
        return self.phone_labels(loaded.provider, (personal.get("contact") or {}).get("phone"))

    async def sealed_text(self, provider: str, customer: str, text: str) -> str:
        """A text about the customer, sealed for a service that stores it; forgetting makes it
        unreadable. Raises NotFound.
        """
        state = (await self.customer(provider, customer)).state
        return await self._personal_data.seal_text(state.subject, text)

    async def opened_texts(self, provider: str, sealed: Sequence[str]) -> list[str | None]:
        """What each text says; None for another provider's, for what was forgotten, and for what is
        no sealed text.
        """
        present: list[str] = []
        for customer in {customer_of(subject_of(each)) for each in sealed}:
            loaded = await self._known.newest(streams.CUSTOMER.stream(customer))
            if loaded is not None and loaded.provider == provider:
                present.append(loaded.state.subject)
        opened = await self._personal_data.open_texts(sealed, present)
        return [opened.get(each) for each in sealed]

    async def register(self, meta: CommandMetadata, command: Register) -> CommandResult:
        """A new customer."""
        change = self.registration(meta, command)
        decision = Decision[Customer](
            facts=change.facts,
            body=_shown,
            subject=change.subject,
            occurred_at=change.occurred_at,
            names=change.names,
        )
        return await self._executor.conclude(meta, self._known, change.stream, None, decision)

    def registration(self, meta: CommandMetadata, command: Register) -> PlannedChange:
        """A new customer, to be stored together with what it is registered for."""
        customer = self._executor.new_id(meta.now)
        facts = domain.register(customer, command)
        phone = command.contact.phone if command.contact else None
        labels = self.phone_labels(meta.principal.provider, phone)
        return PlannedChange(
            stream=streams.CUSTOMER.stream(customer),
            after_version=0,
            subject=customer,
            facts=facts,
            occurred_at=meta.occurred_at,
            names=NameChange(labels=labels) if labels else NO_NAMES,
        )

    async def register_device(self, meta: CommandMetadata, customer: str, command: RegisterDevice) -> CommandResult:
        """A device of a customer."""

        def body(state: Customer) -> dict[str, Any]:
            device = state.device(command.serial)
            assert device is not None, "registered just now"
            return {"device": {"id": device.device} | msgspec.to_builtins(device)}

        def decide(state: Customer) -> list[DecidedEvent]:
            return domain.register_device(state, self._executor.new_id(meta.now), command)

        return await self.change(meta, customer, decide, body)

    async def assign_contact(self, meta: CommandMetadata, customer: str, command: AssignContact) -> CommandResult:
        """A member of staff takes a role for a customer.

        Raises NotInThisState for a dedicated agent whom the customer has not bought, or who serves
        another customer where the provider sells them exclusively.
        """
        contact = {"id": command.role, "role": command.role, "agent": command.agent}

        async def assign() -> CommandResult:
            names_changed = NO_NAMES
            if command.role == DEDICATED_AGENT:
                await self.customer(meta.principal.provider, customer)
                turn = await next_turn(self._log, names.dedicated_to(meta.principal.provider, command.agent))
                await self._dedicated_agents.check(meta.principal.provider, customer, command.agent, meta.now)
                names_changed = NameChange(claims=(turn.claim,))
            return await self.change(
                meta,
                customer,
                lambda state: domain.assign_contact(state, command),
                lambda _: {"contact": contact},
                names_changed,
            )

        async with self._dedicating.of(f"{meta.principal.provider}/{command.agent}"):
            return await in_turn(assign)

    async def forgetting(self, provider: str, customer: str, today: date) -> tuple[bool, ForgettingOutcome]:
        """Whether anything personal of the customer can still be read, and what forgetting it would
        have as consequences.

        Nothing is done. Raises NotFound.
        """
        state = (await self.customer(provider, customer)).state
        sealed = await self._personal_data.has_sealed(state.subject)
        if not domain.forget(state, sealed_since=sealed):
            return sealed, ForgettingOutcome([], None)
        return sealed, await self._recipients.forgetting(provider, state, today)

    async def forget(self, meta: CommandMetadata, customer: str, accepted: Sequence[str] = ()) -> CommandResult:
        """The person's key is deleted after the fact is stored; the projector deletes it again,
        should this fail between. The recipient of the person's invoices is kept before.

        Raises NotConfirmed with what hangs on it and was not ``accepted`` by name.
        """
        loaded = await self.customer(meta.principal.provider, customer)
        state, subject = loaded.state, loaded.state.subject
        sealed = await self._personal_data.has_sealed(subject)
        if domain.forget(state, sealed_since=sealed):
            hanging = await self._recipients.forgetting(loaded.provider, state, meta.now.date())
            check_accepted(f"Forgetting customer {customer}", hanging.consequences, accepted)
            await self._recipients.keep(loaded, hanging.kept)
        numbers = await self.sealed_labels(loaded)
        answer = await self.change(
            meta,
            customer,
            lambda state: domain.forget(state, sealed_since=sealed),
            _shown,
            NameChange(dropped_labels=numbers) if numbers else NO_NAMES,
        )
        await self._personal_data.forget(subject)
        return answer

    async def forget_again(self, subject: str, metadata: Callable[[str], CommandMetadata]) -> None:
        """Forget a subject that was forgotten before.

        The log may not know of it: then it is recorded, as ``metadata`` says for the customer's
        provider. Nobody is asked, as what hangs on it was accepted then; the recipient of invoices is
        kept as it was then.
        """
        customer = customer_of(subject)
        loaded = await self._known.newest(streams.CUSTOMER.stream(customer))
        if loaded is not None and loaded.state.subject == subject:
            numbers = await self.sealed_labels(loaded)
            meta = metadata(loaded.provider)
            hanging = await self._recipients.forgetting(loaded.provider, loaded.state, meta.now.date())
            await self._recipients.keep(loaded, hanging.kept)
            await self.change(
                meta,
                customer,
                lambda state: domain.forget(state, sealed_since=True) if state.subject == subject else [],
                _shown,
                NameChange(dropped_labels=numbers) if numbers else NO_NAMES,
            )
        await self._personal_data.forget(subject)

    async def change(
        self,
        meta: CommandMetadata,
        customer: str,
        decide: Callable[[Customer], Sequence[DecidedEvent]],
        body: CustomerView,
        change: NameChange = NO_NAMES,
    ) -> CommandResult:
        """Any command to a customer. Raises NotFound, and what ``decide`` raises."""

        async def decision(loaded: Loaded[Customer] | None) -> Decision[Customer]:
            own = _own(meta.principal.provider, customer, loaded)
            check_version(meta, own.version)
            state = own.state
            return Decision(
                facts=decide(state), body=body, subject=state.subject, occurred_at=meta.occurred_at, names=change
            )

        return await self._executor.execute(meta, self._known, streams.CUSTOMER.stream(customer), decision)


def _own(provider: str, customer: str, loaded: Loaded[Customer] | None) -> Loaded[Customer]:
    if loaded is None or loaded.provider != provider:
        raise no_customer(customer)
    return loaded


def no_customer(customer: str) -> NotFound:
    """The refusal of a customer whom the caller's provider does not have."""
    return NotFound("customer-not-found", f"There is no customer {customer}.")


def _shown(state: Customer) -> dict[str, Any]:
    return {"customer": state}


def _description(state: Customer, version: int, personal: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(state)
    sealed = {key: value for key, value in personal.items() if known.get(key) is None}
    return known | sealed | {"version": version}
