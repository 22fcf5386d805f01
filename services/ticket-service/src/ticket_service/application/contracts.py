"""Commands about contracts; one that is signed or ended moves the open tickets of its customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, time
from typing import Any

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.events.customers import ContractSigned
from fristwerk_language.terms import AgreementDocument, zone
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from ticket_service.application.command_executor import CommandExecutor, Decision, PlannedChange
from ticket_service.application.consequences import Consequences
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.domain.confirmation import check_accepted
from ticket_service.domain.contract import decide as domain
from ticket_service.domain.contract.commands import BookAddon, BuyPackage, EndAddon, Terminate
from ticket_service.domain.contract.evolve import signed
from ticket_service.domain.contract.signing import SignContract, sign
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.contract.visibility import contract_for_customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound

ContractView = Callable[[Contract], dict[str, Any]]


def contract_seen_by(principal: Principal) -> Callable[[Contract], Contract | dict[str, Any]]:
    """The contract as its caller may see it."""
    return contract_for_customer if principal.role == "customer" else _whole


def _whole(contract: Contract) -> Contract:
    return contract


class Contracts:
    """The commands, one method each."""

    def __init__(
        self,
        executor: CommandExecutor,
        terms: Terms,
        customers: Customers,
        tickets: Tickets,
        known: StateCache[Contract],
        consequences: Consequences,
    ) -> None:
        self._consequences = consequences
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._tickets = tickets
        self._known = known

    async def contract(self, provider: str, contract: str) -> Loaded[Contract]:
        """The contract's newest state. Raises NotFound, for another provider's as well."""
        return _own(provider, contract, await self._known.newest(streams.CONTRACT.stream(contract)))

    async def sign(self, meta: CommandMetadata, customer: str, command: SignContract) -> CommandResult:
        """Sign a contract under the terms in force and, in the same transaction, move the
        customer's open tickets to their present place.

        ``If-Match`` names the customer's version.
        """
        provider = meta.principal.provider
        contract = self._executor.new_id(meta.now)
        stream = streams.CONTRACT.stream(contract)

        async def decide(_: Loaded[Contract] | None) -> Decision[Contract]:
            # The open tickets that the contract moves are looked up by what signing has decided.
            loaded = await self._customers.customer(provider, customer)
            check_version(meta, loaded.version)
            agreement, version = await self._terms_signed(provider, command, meta.occurred_at)
            facts = sign(loaded.state, contract, command, agreement, version)
            signature = facts[0].event
            assert isinstance(signature, ContractSigned), "signing is one event"
            moved = await self._tickets.placed_by(meta, signed(signature), "contract-signed")
            return Decision(facts=facts, body=_shown, subject=stream, occurred_at=meta.occurred_at, also=moved)

        return await self._executor.execute(meta, self._known, stream, decide)

    async def _terms_signed(
        self, provider: str, command: SignContract, signed_at: datetime
    ) -> tuple[AgreementDocument, int]:
        """The version in force when the contract is signed, or, where it begins later, on its first
        day.
        """
        terms = await self._terms.of(provider)
        agreement, version = await terms.agreement_at(command.agreement, signed_at)
        first = datetime.combine(command.from_on, time(), zone(agreement.timezone_at(command.site)))
        if first <= signed_at:
            return agreement, version
        return await terms.agreement_at(command.agreement, first)

    async def terminate(
        self, meta: CommandMetadata, contract: str, command: Terminate, accepted: Sequence[str] = ()
    ) -> CommandResult:
        """Set a contract's last day and, in the same transaction, move the customer's open tickets
        to their present place. Raises NotConfirmed with the consequences that were not ``accepted``
        by name.
        """
        loaded = await self.contract(meta.principal.provider, contract)
        if domain.terminate(loaded.state, command):
            hanging = await self._consequences.of_termination(loaded.provider, contract)
            check_accepted(f"Ending contract {contract}", hanging, accepted)

        async def moved(state: Contract) -> Sequence[PlannedChange]:
            ending = msgspec.structs.replace(state, until_on=command.until_on)
            return await self._tickets.placed_by(meta, ending, "contract-ended")

        return await self._change(meta, contract, lambda state, _: domain.terminate(state, command), _shown, moved)

    async def buy_package(self, meta: CommandMetadata, contract: str, command: BuyPackage) -> CommandResult:
        """Buy a further package."""

        def decide(state: Contract, agreement: AgreementDocument) -> Sequence[DecidedEvent]:
            return domain.buy_package(state, self._executor.new_id(meta.now), command, agreement)

        def body(state: Contract) -> dict[str, Any]:
            bought = state.packages[-1]
            return _shown(state) | {"package": {"id": bought.package, "hours": bought.hours, "from": bought.from_on}}

        return await self._change(meta, contract, decide, body)

    async def book_addon(self, meta: CommandMetadata, contract: str, command: BookAddon) -> CommandResult:
        """Book an add-on."""
        return await self._change(
            meta,
            contract,
            lambda state, agreement: domain.book_addon(state, command, agreement),
            lambda state: _shown(state) | _addon(state, command.addon),
        )

    async def end_addon(self, meta: CommandMetadata, contract: str, command: EndAddon) -> CommandResult:
        """Set an add-on's last day."""
        return await self._change(
            meta,
            contract,
            lambda state, _: domain.end_addon(state, command),
            lambda state: _shown(state) | _addon(state, command.addon),
        )

    async def _change(
        self,
        meta: CommandMetadata,
        contract: str,
        decide: Callable[[Contract, AgreementDocument], Sequence[DecidedEvent]],
        body: ContractView,
        moved: Callable[[Contract], Awaitable[Sequence[PlannedChange]]] | None = None,
    ) -> CommandResult:
        stream = streams.CONTRACT.stream(contract)

        async def decision(loaded: Loaded[Contract] | None) -> Decision[Contract]:
            own = _own(meta.principal.provider, contract, loaded)
            check_version(meta, own.version)
            state = own.state
            agreement = await self._terms.agreement_version(own.provider, state.agreement, state.agreement_version)
            facts = decide(state, agreement)
            also = await moved(state) if facts and moved is not None else ()
            return Decision(facts=facts, body=body, subject=stream, occurred_at=meta.occurred_at, also=also)

        return await self._executor.execute(meta, self._known, stream, decision)


def _own(provider: str, contract: str, loaded: Loaded[Contract] | None) -> Loaded[Contract]:
    if loaded is None or loaded.provider != provider:
        raise NotFound("contract-not-found", f"There is no contract {contract}.")
    return loaded


def _shown(state: Contract) -> dict[str, Any]:
    return {"contract": state}


def _addon(state: Contract, name: str) -> dict[str, Any]:
    booked = next(each for each in reversed(state.addons) if each.addon == name)
    return {"addon": {"id": name} | msgspec.to_builtins(booked)}
