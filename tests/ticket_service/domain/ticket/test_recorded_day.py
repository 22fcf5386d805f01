"""The recorded day at the level of the domain: every ticket's commands are accepted, every refusal is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest
import yaml

from fristwerk_language.events import Actor, Recorded, streams
from fristwerk_language.events.customers import BookedAddon, DeviceRegistered
from fristwerk_language.events.tickets import AcknowledgementSent
from fristwerk_language.examples import example
from tests.ticket_service.domain.conftest import STORIES, Agreements
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.errors import NotAcceptable, NotAllowed, Refusal
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.commands import Command, CreateTicket
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Caller, Context
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.intake import Versions, open_ticket, serving_contract
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.worklist import is_workable, sort_key

DAY = yaml.safe_load((Path(__file__).parents[3] / "cases" / "recorded_day.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 8, 1, tzinfo=UTC)
STATUS: dict[int, type[Refusal]] = {403: NotAllowed, 422: NotAcceptable}
BY_WORD = {kind.word: kind for kind in commands.TicketCommand.__subclasses__()}
INSTANTS = {"start", "started_at", "received_at", "at"}
FINAL_STATES = {
    "infoniqa": {
        "lohnlauf": "resolved",
        "import": "in_progress",
        "jahresabschluss": "in_progress",
        "rueckfrage": "in_progress",
        "druck": "in_progress",
    },
    "fluxpunkt": {"frage": "new", "absturz": "in_progress"},
    "hamburg": {"hh_stoerung": "new", "woking_fault": "new", "letzter_tag": "new", "tag_danach": "new"},
    "digidesk": {"offline": "resolved", "modul": "resolved", "umbau": "resolved"},
    "liveagent": {"ausfall": "resolved", "mails": "resolved", "regel": "open"},
}


class Desk:
    """One provider's tickets as the domain knows them."""

    def __init__(self, provider: str, terms: Any) -> None:
        self.story = DAY[provider]
        self.agreement = terms(provider)
        self.zone = ZoneInfo(self.story["timezone"])
        self.customers = dict(self._customers())
        self.contracts = dict(self._contracts())
        self.tickets: dict[str, Ticket] = {}
        self.acknowledged: dict[str, dict[str, bool]] = {}

    def play(self) -> None:
        for _, what, name, step in sorted(self._steps(), key=lambda each: each[0]):
            match what:
                case "create":
                    self.create(name, step)
                case "then" if "worklist" in step:
                    assert self.worklist(step["worklist"]) == step["worklist"]
                case "then" if "decide" not in step:
                    self.command(name, step)
                case "refused":
                    self.refused(step)
                case _:
                    assert "decide" in step, "billing's decisions are not the ticket service's"

    def create(self, name: str, body: dict[str, Any]) -> None:
        facts = self.opened(body)
        self._apply(name, facts, self.instant(body["received_at"]), "agent")
        sent = [fact.event for fact in facts if isinstance(fact.event, AcknowledgementSent)]
        self.acknowledged[name] = msgspec.to_builtins(sent[0]) if sent else {}

    def opened(self, body: dict[str, Any]) -> list[Any]:
        command = msgspec.convert({"reference": "X", **self._read(body)}, CreateTicket)
        held = self.contracts.get(command.customer)
        serving = serving_contract(command, [(held, self.agreement)] if held else [])
        calendars = dict.fromkeys((each for _, each in self.agreement.calendar_names), 1)
        return open_ticket(
            command,
            self.customers[command.customer],
            serving[0] if serving else None,
            Versions(agreement=1, calendars=calendars),
            self._context(command.customer, "agent", command.received_at),
        )

    def command(self, name: str, step: dict[str, Any]) -> None:
        ticket, at = self.tickets[name], self.instant(step["at"])
        facts = decide(ticket, self._parsed(step), self._context(ticket.customer, step["as"], at))
        self._apply(name, facts, at, step["as"])

    def refused(self, step: dict[str, Any]) -> None:
        ticket = step.get("ticket")
        with pytest.raises(STATUS[step["status"]]) as refusal:
            self.opened(step["body"]) if ticket is None else self.command(ticket, step)
        error: Any = refusal.value
        if "pointers" in step:
            assert [pointer for pointer, _ in error.errors] == step["pointers"]

    def worklist(self, names: list[str]) -> list[str]:
        assert all(is_workable(self.tickets[name]) for name in names)
        return sorted(names, key=lambda name: sort_key(self.tickets[name], self.tickets[name].group, self.agreement))

    def instant(self, text: str) -> datetime:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=self.zone)).astimezone(UTC)

    def _steps(self) -> Iterator[tuple[datetime, str, str, Any]]:
        for name, ticket in self.story["tickets"].items():
            at = self.instant(ticket["create"]["received_at"])
            yield at, "create", name, ticket["create"]
            for step in ticket.get("then", []):
                at = self.instant(step["at"]) if "at" in step else at
                yield at, "then", name, step
        for step in self.story.get("refused", []):
            if step["post"].startswith("/v1/contracts"):
                continue
            yield self.instant(step["at"] if "at" in step else step["body"]["received_at"]), "refused", "", step

    def _parsed(self, step: dict[str, Any]) -> Command:
        parts = step["post"].removeprefix("/v1/").split("/")
        word = "/".join("{n}" if part.isdigit() else part for part in parts)
        body = self._read(step["body"])
        if "{n}" in word:
            body["number"] = next(int(part) for part in parts if part.isdigit())
        if word == "time-entries":
            body["entry"] = f"e-{step['at']}"
        elif word == "calls":
            body |= {"call": "call-1", "entry": "e-1", "from_number": body.pop("from")}
            body.pop("ticket")
        command: Any = msgspec.convert(body, BY_WORD[word])
        return cast("Command", command)

    def _read(self, body: dict[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = {key: self.instant(value) if key in INSTANTS else value for key, value in body.items()}
        if "customer" in read:
            read["customer"] = read["customer"].strip("{}")
        if "proposals" in read:
            read["proposals"] = [self.instant(each) for each in read["proposals"]]
        return read

    def _apply(self, name: str, facts: list[Any], at: datetime, role: str) -> None:
        ticket = self.tickets.get(name)
        for fact in facts:
            version = ticket.version + 1 if ticket is not None else 1
            envelope = msgspec.structs.replace(
                example("TicketCreated").envelope,
                stream=streams.TICKET.stream(name),
                version=version,
                occurred_at=at,
                actor=Actor(id=f"{role}-1", role=role),
            )
            ticket = evolve(ticket, Recorded(envelope=envelope, event=fact.event))
        assert ticket is not None
        self.tickets[name] = ticket

    def _context(self, customer: str, role: str, at: datetime) -> Context:
        caller = Caller(id=f"{role}-1", role=role, customer=customer if role == "customer" else None)
        contacts = {each["role"]: each["agent"] for each in self.story["customers"][customer].get("contacts", [])}
        return Context(
            now=NOW, occurred_at=at, actor=caller, agreement=self.agreement, contacts=contacts, dating=STORIES
        )

    def _customers(self) -> Iterator[tuple[str, Customer]]:
        for name, told in self.story["customers"].items():
            devices = tuple(
                DeviceRegistered(customer=name, device=each["serial"], **each) for each in told.get("devices", [])
            )
            yield name, Customer(id=name, kind=told["body"]["kind"], devices=devices)

    def _contracts(self) -> Iterator[tuple[str, Contract]]:
        for name, told in self.story["customers"].items():
            for signed in told.get("contracts", []):
                addons = tuple(
                    BookedAddon(addon=each["addon"], from_on=each["from"]) for each in signed.get("addons", [])
                )
                yield (
                    name,
                    Contract(
                        id=f"{name}.contract",
                        customer=name,
                        agreement=signed["agreement"],
                        agreement_version=1,
                        plan=signed["plan"],
                        package_hours=signed.get("package_hours"),
                        site=signed.get("site"),
                        group=signed.get("group"),
                        from_on=_date(signed["from"]),
                        until_on=None,
                        addons=addons,
                    ),
                )


def _date(value: object) -> date:
    assert isinstance(value, date)
    return value


@pytest.mark.parametrize("provider", DAY)
def test_the_day_is_played_as_it_was_recorded(provider: Any, terms: Agreements) -> None:
    desk = Desk(provider, terms)
    desk.play()
    assert {name: ticket.state for name, ticket in desk.tickets.items()} == FINAL_STATES[provider]
    for name, told in desk.story["tickets"].items():
        assert desk.tickets[name].entitled == told.get("entitled", True)
        if "acknowledged" in told:
            assert desk.acknowledged[name] == told["acknowledged"]
            assert msgspec.to_builtins(desk.tickets[name].acknowledged) == told["acknowledged"]


def test_the_vip_times_are_known_by_the_addon_in_force(terms: Agreements) -> None:
    desk = Desk("liveagent", terms)
    desk.play()
    assert desk.tickets["ausfall"].addons == ("dedicated_support",)
    assert desk.tickets["ausfall"].calendar == "liveagent-office"


def test_each_site_has_its_calendar(terms: Agreements) -> None:
    desk = Desk("hamburg", terms)
    desk.play()
    calendars = {name: ticket.calendar for name, ticket in desk.tickets.items()}
    assert calendars == {
        "hh_stoerung": "hamburg",
        "woking_fault": "woking",
        "letzter_tag": "hamburg",
        "tag_danach": "hamburg",
    }
    assert [each.purpose for each in desk.tickets["hh_stoerung"].callbacks] == ["failed_transfer"]
    assert desk.tickets["woking_fault"].callbacks[0].attempts == 1
