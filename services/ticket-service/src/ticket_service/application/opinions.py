"""What customers say of the service beside their tickets, with their words for as long as nobody forgot the person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.terms import AgreementDocument
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.terms import Terms
from ticket_service.domain.contract.state import Contract, in_force
from ticket_service.domain.customer import opinions as domain
from ticket_service.domain.customer.opinion_commands import HoldSurvey, PlanSurvey
from ticket_service.domain.customer.state import Customer, Suggestion, Survey
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.decision_context import local_day

OpinionKind = Literal["survey", "suggestion"]
GroupBy = Literal["month", "customer", "agreement"]
WORDS: Final = ("text", "contact", "reason")
PART: Final = 50
"""So many customers are looked at at once."""
_OF: Final = {
    "SurveyHeld": "survey",
    "SurveyCalledOff": "survey",
    "SuggestionMade": "suggestion",
    "SuggestionDecided": "suggestion",
}


class ScoreRow(msgspec.Struct, frozen=True):
    """The scores of a group of surveys: how many, their mean to two places, and how often each was given."""

    group: str
    count: int
    mean: float
    scores: dict[int, int]


class Opinions:
    """Commands to a customer, and reads of what it said."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        terms: Terms,
        customers: Customers,
        known: StateCache[Customer],
        contracts: StateCache[Contract],
    ) -> None:
        self._log = log
        self._executor = executor
        self._terms = terms
        self._customers = customers
        self._known = known
        self._contracts = contracts

    async def plan(self, meta: CommandMetadata, customer: str, command: PlanSurvey) -> CommandResult:
        """A survey of the customer. Raises NotFound or a refusal."""
        agreement = await self._agreement(meta, customer)
        return await self.change(meta, customer, lambda state: domain.plan_survey(state, command, agreement))

    async def hold(self, meta: CommandMetadata, customer: str, command: HoldSurvey) -> CommandResult:
        """What the customer answered. Raises NotFound or a refusal."""
        agreement = await self._agreement(meta, customer)
        return await self.change(meta, customer, lambda state: domain.hold_survey(state, command, agreement))

    async def change(
        self, meta: CommandMetadata, customer: str, decide: Callable[[Customer], Sequence[DecidedEvent]]
    ) -> CommandResult:
        """Any other of these commands. Raises NotFound or a refusal."""
        return await self._customers.change(meta, customer, decide, lambda state: {"customer": state})

    async def of(self, provider: str, customer: str, kind: OpinionKind) -> list[dict[str, Any]]:
        """The customer's surveys or suggestions, each with the words that its events sealed. Raises NotFound."""
        return await self._with_words(await self._customers.customer(provider, customer), kind)

    async def page(
        self, provider: str, kind: OpinionKind, *, open_only: bool, after: str, limit: int
    ) -> list[dict[str, Any]]:
        """Those of all customers behind a cursor, by customer and number; with ``open_only`` those that are planned, or not
        decided. Customers are read only as far as the page reaches.
        """
        customer, _, number = after.partition(".")
        found: list[dict[str, Any]] = []
        async for loaded in self._asked_from(provider, customer):
            behind = int(number) if loaded.state.id == customer else 0
            wanted = {
                each.number
                for each in _things(loaded.state, kind)
                if each.number > behind and (each.open or not open_only)
            }
            if wanted:
                words = await self._with_words(loaded, kind)
                found += [each | {"customer": loaded.state.id} for each in words if each["number"] in wanted]
            if len(found) >= limit:
                break
        return found[:limit]

    async def _asked_from(self, provider: str, customer: str) -> AsyncIterator[Loaded[Customer]]:
        """The customers who were to be asked, or have suggested something, from one on, by their ids."""
        last = ""
        if customer:
            last = streams.CUSTOMER.stream(customer)
            own = await self._known.newest(last)
            if own is not None and own.provider == provider:
                yield own
        while part := await self._log.labelled_page(names.with_opinions(provider), last, PART):
            for each in await self._known.at(part):
                yield each
            last, _ = part[-1]

    async def scores(self, provider: str, since: date, until: date, group_by: GroupBy) -> list[ScoreRow]:
        """The scores of surveys that were held from one day to another (UTC, both inclusive), by group."""
        given = defaultdict[str, list[int]](list)
        for loaded in await self._known.at(await self._log.labelled(names.with_opinions(provider))):
            for each in loaded.state.surveys:
                if each.score is not None and each.held_at is not None and since <= each.held_at.date() <= until:
                    given[_group(loaded.state, each, each.held_at, group_by)].append(each.score)
        return [
            ScoreRow(
                group=group,
                count=len(scores),
                mean=round(sum(scores) / len(scores), 2),
                scores={score: scores.count(score) for score in sorted({*scores})},
            )
            for group, scores in sorted(given.items())
        ]

    async def _with_words(self, loaded: Loaded[Customer], kind: OpinionKind) -> list[dict[str, Any]]:
        words = defaultdict[int, dict[str, Any]](lambda: dict.fromkeys(WORDS))
        lines = [
            line.line
            async for page in self._log.stream_pages(streams.CUSTOMER.stream(loaded.state.id))
            for line in page
        ]
        for event in await self._executor.opened(lines, [loaded.state.subject]):
            if _OF.get(event["type"]) == kind:
                words[event["data"][kind]].update(event["personal"] or {})
        return [
            msgspec.to_builtins(each) | {"open": each.open} | words[each.number] for each in _things(loaded.state, kind)
        ]

    async def _agreement(self, meta: CommandMetadata, customer: str) -> AgreementDocument | None:
        """Under which the customer is served then: that of the contract which has held longest, else the default one."""
        provider = meta.principal.provider
        await self._customers.customer(provider, customer)
        found = await self._log.labelled(names.of_customer(customer))
        held: list[tuple[date, str, AgreementDocument]] = []
        for each in await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0])):
            state = each.state
            agreement = await self._terms.agreement_version(provider, state.agreement, state.agreement_version)
            if in_force(state, local_day(meta.occurred_at, agreement, state.site)):
                held.append((state.from_on, state.id, agreement))
        if held:
            return min(held, key=lambda each: each[:2])[2]
        terms = await self._terms.of(provider)
        try:
            return (await terms.agreement_at(await terms.default_agreement(), meta.occurred_at))[0]
        except NotAcceptable:
            return None


def _things(customer: Customer, kind: OpinionKind) -> Sequence[Survey | Suggestion]:
    return customer.surveys if kind == "survey" else customer.suggestions


def _group(customer: Customer, survey: Survey, held_at: datetime, group_by: GroupBy) -> str:
    match group_by:
        case "month":
            return f"{held_at:%Y-%m}"
        case "customer":
            return customer.id
        case "agreement":
            return survey.agreement or ""
