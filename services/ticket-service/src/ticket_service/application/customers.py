"""Commands about customers and their contracts, and what intake must know of a customer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from shared.event_log import Answer, VersionConflictError
from shared.http import CommandMeta, check_version, command_answer
from shared.problems import Problem
from ticket_service.application.recording import Change, Recording
from ticket_service.application.streams import Loaded, Streams
from ticket_service.application.terms import Terms
from ticket_service.domain import contract as contracts
from ticket_service.domain import customer as customers
from ticket_service.domain.contract import Contract
from ticket_service.domain.customer import Customer
from ticket_service.domain.errors import NotFound
from ticket_service.domain.fact import Fact
from ticket_service.domain.signing import SignContract, sign
from ticket_service.personal_data import PersonalData


def customer_stream(customer: str) -> str:
    """The stream of a customer."""
    return f"customer-{customer}"


def contract_stream(contract: str) -> str:
    """The stream of a contract."""
    return f"contract-{contract}"


class Customers:
    """One method a command."""

    def __init__(
        self,
        recording: Recording,
        terms: Terms,
        personal_data: PersonalData,
        known_customers: Streams[Customer],
        known_contracts: Streams[Contract],
    ) -> None:
        self._recording = recording
        self._terms = terms
        self._personal_data = personal_data
        self._customers = known_customers
        self._contracts = known_contracts

    async def customer(self, provider: str, customer: str) -> Loaded[Customer]:
        """The customer's newest state. Raises NotFound, for another provider's as well."""
        loaded = await self._customers.newest(customer_stream(customer))
        if loaded is None or loaded.provider != provider:
            raise NotFound("customer-not-found", f"There is no customer {customer}.")
        return loaded

    async def contract(self, provider: str, contract: str) -> Loaded[Contract]:
        """The contract's newest state. Raises NotFound, for another provider's as well."""
        loaded = await self._contracts.newest(contract_stream(contract))
        if loaded is None or loaded.provider != provider:
            raise NotFound("contract-not-found", f"There is no contract {contract}.")
        return loaded

    async def register(self, meta: CommandMeta, command: customers.Register) -> Answer:
        """A new customer."""
        customer = self._recording.new_id()
        facts = customers.register(customer, command)
        return await self._change_customer(meta, customer, None, facts, lambda state: {"customer": state})

    async def register_unknown(self, meta: CommandMeta, command: customers.Register) -> str:
        """A caller nobody knows becomes a prospect; the id. Stored before, and not part of, the answer to come."""
        keyless = msgspec.structs.replace(meta, key=None, if_match=None)
        customer = self._recording.new_id()
        facts = customers.register(customer, command)
        await self._change_customer(keyless, customer, None, facts, lambda state: {"customer": state})
        return customer

    async def register_device(self, meta: CommandMeta, customer: str, command: customers.RegisterDevice) -> Answer:
        """A device of a customer."""
        loaded = await self.customer(meta.principal.provider, customer)
        facts = customers.register_device(loaded.state, self._recording.new_id(), command)

        def body(state: Customer) -> dict[str, Any]:
            device = state.device(command.serial)
            assert device is not None, "registered just now"
            return {"device": {"id": device.device} | msgspec.to_builtins(device)}

        return await self._change_customer(meta, customer, loaded, facts, body)

    async def assign_contact(self, meta: CommandMeta, customer: str, command: customers.AssignContact) -> Answer:
        """A member of staff takes a role for a customer."""
        loaded = await self.customer(meta.principal.provider, customer)
        facts = customers.assign_contact(loaded.state, command)
        contact = {"id": command.role, "role": command.role, "agent": command.agent}
        return await self._change_customer(meta, customer, loaded, facts, lambda _: {"contact": contact})

    async def forget(self, meta: CommandMeta, customer: str) -> Answer:
        """The person's key is deleted after the fact is stored; the projector deletes it again, should this fail between."""
        loaded = await self.customer(meta.principal.provider, customer)
        facts = customers.forget(loaded.state)
        answer = await self._change_customer(meta, customer, loaded, facts, lambda state: {"customer": state})
        await self._personal_data.forget(customer)
        return answer

    async def sign(
        self, meta: CommandMeta, customer: str, command: SignContract, also: Callable[[Contract], Any]
    ) -> Answer:
        """A contract under the agreement's newest version; ``also`` gives changes to tickets stored with it."""
        provider = meta.principal.provider
        loaded = await self.customer(provider, customer)
        agreement, version = await self._terms.newest_agreement(provider, command.agreement)
        contract = self._recording.new_id()
        facts = sign(loaded.state, contract, command, agreement, version)
        return await self._change_contract(meta, contract, None, facts, also)

    async def terminate(self, meta: CommandMeta, contract: str, command: contracts.Terminate) -> Answer:
        """A contract's last day."""
        loaded = await self.contract(meta.principal.provider, contract)
        return await self._change_contract(meta, contract, loaded, contracts.terminate(loaded.state, command))

    async def buy_package(self, meta: CommandMeta, contract: str, command: contracts.BuyPackage) -> Answer:
        """A further package."""
        loaded, agreement = await self._with_agreement(meta, contract)
        facts = contracts.buy_package(loaded.state, self._recording.new_id(), command, agreement)
        return await self._change_contract(meta, contract, loaded, facts)

    async def book_addon(self, meta: CommandMeta, contract: str, command: contracts.BookAddon) -> Answer:
        """An add-on."""
        loaded, agreement = await self._with_agreement(meta, contract)
        return await self._change_contract(
            meta, contract, loaded, contracts.book_addon(loaded.state, command, agreement)
        )

    async def end_addon(self, meta: CommandMeta, contract: str, command: contracts.EndAddon) -> Answer:
        """An add-on's last day."""
        loaded = await self.contract(meta.principal.provider, contract)
        return await self._change_contract(meta, contract, loaded, contracts.end_addon(loaded.state, command))

    async def _with_agreement(self, meta: CommandMeta, contract: str) -> tuple[Loaded[Contract], Any]:
        loaded = await self.contract(meta.principal.provider, contract)
        state = loaded.state
        terms = await self._terms.agreement_version(meta.principal.provider, state.agreement, state.agreement_version)
        return loaded, terms

    async def _change_customer(
        self,
        meta: CommandMeta,
        customer: str,
        loaded: Loaded[Customer] | None,
        facts: Sequence[Fact],
        body: Callable[[Customer], dict[str, Any]],
    ) -> Answer:
        stream = customer_stream(customer)
        version = loaded.version if loaded else 0
        if loaded is not None:
            check_version(meta, loaded.version)
            if not facts:
                return command_answer(body(loaded.state), [], status=200, version=version)
        change = Change(
            stream=stream, after_version=version, subject=customer, facts=facts, occurred_at=meta.occurred_at
        )
        lines = await self._recording.lines(meta, [change])
        after = self._customers.after(loaded, lines)
        answer = command_answer(body(after.state), lines, version=after.version)
        try:
            answer = await self._recording.store(meta, lines, answer)
        except VersionConflictError:
            raise changed_meanwhile(f"customer {customer}") from None
        self._customers.stored(stream, after)
        return answer

    async def _change_contract(
        self,
        meta: CommandMeta,
        contract: str,
        loaded: Loaded[Contract] | None,
        facts: Sequence[Fact],
        also: Callable[[Contract], Any] | None = None,
    ) -> Answer:
        stream = contract_stream(contract)
        version = loaded.version if loaded else 0
        if loaded is not None:
            check_version(meta, loaded.version)
            if not facts:
                return command_answer({"contract": loaded.state}, [], status=200, version=version)
        change = Change(
            stream=stream, after_version=version, subject=contract, facts=facts, occurred_at=meta.occurred_at
        )
        own = await self._recording.lines(meta, [change])
        after = self._contracts.after(loaded, own)
        more = await self._recording.lines(meta, await also(after.state)) if also else []
        answer = command_answer({"contract": after.state}, [*own, *more], version=after.version)
        try:
            answer = await self._recording.store(meta, [*own, *more], answer)
        except VersionConflictError:
            raise changed_meanwhile(f"contract {contract}") from None
        self._contracts.stored(stream, after)
        return answer


def changed_meanwhile(thing: str) -> Problem:
    """What to answer when somebody else was first again and again."""
    return Problem(503, f"The {thing} is being changed by others at the moment.", headers={"Retry-After": "1"})
