"""Stories drawn at random: a customer, sometimes a contract, and tickets with whatever may happen to them, as stored lines."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from fristwerk_language.events import Event, customers, tickets
from tests.differential.stored_lines import BEGINNING, VARIANTS, PublishedAgreements, stored

MAIL: Final = "email"


class StoryTeller:
    """Draws one story. What happens is plausible, but nothing is asked of the rules that decide on commands."""

    def __init__(self, terms: PublishedAgreements, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - stories, not secrets
        self.agreement, self.version = self.draw.choice(terms.versions)
        self.lines: list[str] = []
        self.versions: dict[str, int] = {}
        self.entries: list[str] = []
        self.addons: list[str] = []
        self.contract: str | None = None
        self.at = BEGINNING

    def tell(self) -> list[str]:
        """The stored lines of a story."""
        country = self.draw.choice([None, "DE", "CH", "GB", "AT"])
        kind: customers.CustomerKind = self.draw.choice(["company", "company", "person"])
        vat_id = "ATU1" if country == "AT" and kind == "company" else None
        registered = customers.CustomerRegistered(customer="k", kind=kind, country=country, vat_id=vat_id)
        self._add("customer-k", registered, role="admin")
        if self.draw.random() < 0.7:
            self._sign()
        for number in range(self.draw.randint(1, 3)):
            self._ticket(f"ticket-t{number}")
        return self.lines

    def _add(self, stream: str, event: Event, role: str = "agent") -> None:
        """Sometimes entered late: it occurred before what was recorded before it."""
        self.versions[stream] = version = self.versions.get(stream, 0) + 1
        late = timedelta(minutes=self.draw.choice([90, 60 * 30])) if version > 1 and self.draw.random() < 0.1 else None
        at = self.at if late is None else self.at - late
        self.lines.append(stored(stream, version, event, at, role, recorded_at=self.at))

    def _sign(self) -> None:
        billing = self.agreement.billing
        plan = self.draw.choice([None, *billing.plans])
        sizes = billing.plans[plan].package_hours if plan else []
        addons = [name for name, each in billing.addons.items() if each.requires_plan in (None, plan)]
        self.addons = [name for name in addons if self.draw.random() < 0.5]
        self.contract = "c"
        signed = customers.ContractSigned(
            contract="c",
            customer="k",
            agreement=self.agreement.agreement,
            agreement_version=self.version,
            plan=plan,
            package_hours=self.draw.choice(sizes) if sizes else None,
            addons=[customers.BookedAddon(addon=each, from_on=date(2026, 3, 15)) for each in self.addons],
            site=self.draw.choice([each.id for each in self.agreement.sites] or [None]),
            group=self.draw.choice([each.id for each in self.agreement.groups] or [None]),
            from_on=date(2026, 3, 1),
            until_on=self.draw.choice([None, date(2026, 4, 30)]),
        )
        self._add("contract-c", signed, role="admin")
        if sizes and self.draw.random() < 0.3:
            bought = customers.PackagePurchased(contract="c", package="p", hours=sizes[0], from_on=date(2026, 3, 20))
            self._add("contract-c", bought, role="admin")
        if self.draw.random() < 0.2:
            self._add(
                "contract-c", customers.ContractTerminated(contract="c", until_on=date(2026, 4, 15)), role="admin"
            )
        for addon in self.addons[:1]:
            self._add("contract-c", customers.AddonEnded(contract="c", addon=addon, until_on=date(2026, 5, 10)))

    def _ticket(self, stream: str) -> None:
        self.entries = []
        self.at = BEGINNING + timedelta(minutes=self.draw.randrange(60 * 24 * 30))
        agreement = self.agreement
        site = self.draw.choice([each.id for each in agreement.sites] or [None])
        channel = self.draw.choice(agreement.channels)
        entitled = self.contract is not None or self.draw.random() < 0.2
        created = tickets.TicketCreated(
            reference=f"REF-{stream}",
            customer="k",
            contract=self.contract,
            plan=self.draw.choice([None, *agreement.billing.plans]),
            site=site,
            addons=self.addons,
            agreement=agreement.agreement,
            agreement_version=self.version,
            calendar=agreement.calendar_for(channel, site),
            calendar_version=1,
            type=self.draw.choice(["normal", *(each.id for each in agreement.ticket_types)]),
            channel=channel,
            received_at=self.at,
            entitled=entitled,
            entitled_by=("contract" if self.contract else "warranty") if entitled else None,
            entitled_why="drawn",
            group=self.draw.choice([each.id for each in agreement.groups] or [None]),
            severity=self.draw.choice([None, *(each.id for each in agreement.severities)]),
        )
        self._add(stream, created)
        for event in self._life():
            role = self.draw.choice(["agent", "agent", "specialist", "customer"])
            self._add(stream, event, role)

    def _life(self) -> Iterator[Event]:
        """What happens to a ticket, most of it more than once; then it is resolved, and sometimes closed."""
        kinds: list[Callable[[], list[Event]]] = [self._talk, self._work, self._call, self._classify, self._deliver]
        kinds += [self._talk, self._work, self._appoint, self._approve, self._escalate, self._end]
        for number in range(self.draw.randint(2, 14)):
            for event in self.draw.choice(kinds)():
                self._pass_time()
                yield _numbered(event, number + 1)
        if self.draw.random() < 0.6:
            self._pass_time()
            yield tickets.Resolved()
            afterwards: list[list[Event]] = [[], [tickets.Closed()], self._talk(), self._work()]
            for after in self.draw.choice(afterwards):
                self._pass_time()
                yield after

    def _pass_time(self) -> None:
        self.at += timedelta(minutes=self.draw.choice([1, 10, 45, 60, 240, 60 * 24, 60 * 24 * 4]))

    def _talk(self) -> list[Event]:
        asked: list[Event] = [tickets.InformationRequested(), tickets.InformationReceived()]
        said: list[list[Event]] = [
            [tickets.CustomerMessageReceived(channel=MAIL)],
            [tickets.Responded(channel=MAIL, visible=self.draw.random() < 0.8)],
            [tickets.ProgressReported(channel=MAIL)],
            asked,
            asked[:1],
            [tickets.TicketNumberCommunicated(classification="x", channel=MAIL)],
        ]
        return self.draw.choice(said)

    def _work(self) -> list[Event]:
        if self.entries and self.draw.random() < 0.25:
            return [
                tickets.TimeLogCorrected(entry=self.draw.choice(self.entries), minutes=self.draw.choice([0, 20, 75]))
            ]
        activities = ["help", "training", "maintenance", "preparation"]
        return [tickets.WorkStarted(agent="agent-1"), self._logged(self.draw.choice(activities))]

    def _logged(self, activity: str, appointment: int | None = None) -> tickets.TimeLogged:
        self.entries.append(f"e-{len(self.lines)}-{len(self.entries)}")
        minutes = self.draw.choice([1, 10, 15, 31, 60, 95, 240])
        start = self.at - timedelta(minutes=self.draw.choice([0, minutes, 60 * 5]))
        return tickets.TimeLogged(
            entry=self.entries[-1],
            start=start,
            minutes=minutes,
            activity=activity,
            agent="agent-1",
            appointment=appointment,
        )

    def _call(self) -> list[Event]:
        call = tickets.CallReceived(call="call", started_at=self.at, minutes=7)
        failed = tickets.CallTransferAttempted(call="call", to="specialist", result="failed")
        asked = tickets.CallbackRequested(callback=0, purpose=self.draw.choice(["failed_transfer", "requested"]))
        then: list[Event] = [
            tickets.CallbackAttempted(callback=0, reached=False),
            tickets.CallbackCompleted(callback=0),
        ]
        return [call, failed, asked, *then[self.draw.randint(0, 2) :]]

    def _classify(self) -> list[Event]:
        types = ["normal", *(each.id for each in self.agreement.ticket_types)]
        changes: list[Event] = [
            tickets.SeveritySet(severity=self.draw.choice(self.agreement.severities).id),
            tickets.TypeChanged(type=self.draw.choice(types)),
            tickets.EffortNoticeSent(),
            tickets.Assigned(agent="agent-2"),
            tickets.TermsMigrated(
                agreement_version=self.draw.randint(1, len(VARIANTS)), calendar_version=1, reason="drawn"
            ),
        ]
        return [self.draw.choice(changes)]

    def _deliver(self) -> list[Event]:
        released: list[Event] = [tickets.Accepted(), tickets.ReleasedToProduction()]
        ends: list[list[Event]] = [released, [tickets.AcceptanceRefused()], []]
        return [tickets.Delivered(system="test"), *self.draw.choice(ends)]

    def _appoint(self) -> list[Event]:
        start = self.at + timedelta(days=self.draw.choice([1, 6]))
        ends: list[list[Event]] = [
            [],
            [tickets.AppointmentCancelled(appointment=0, by="customer", written=self.draw.random() < 0.7)],
            [tickets.AppointmentCancelled(appointment=0, by="vendor")],
            [tickets.AppointmentHeld(appointment=0)],
            [tickets.AppointmentMissed(appointment=0)],
        ]
        return [
            tickets.AppointmentRequested(appointment=0, kind="training", proposals=[start]),
            tickets.AppointmentBooked(appointment=0, start=start),
            self._logged("preparation", 0),
            *self.draw.choice(ends),
        ]

    def _approve(self) -> list[Event]:
        minutes = self.draw.choice([None, 30])
        ends: list[list[Event]] = [
            [],
            [tickets.CostApproved(approval=0, extra_minutes=minutes)],
            [tickets.CostRejected(approval=0)],
        ]
        return [tickets.CostApprovalRequested(approval=0, estimate_minutes=30), *self.draw.choice(ends)]

    def _escalate(self) -> list[Event]:
        raised = tickets.EscalationRaised(escalation=0, to="support_manager")
        both: list[Event] = [raised, tickets.EscalationClosed(escalation=0)]
        return both[: self.draw.randint(1, 2)]

    def _end(self) -> list[Event]:
        ends: list[list[Event]] = [[tickets.Resolved(), tickets.Reopened()], [tickets.Assigned(agent="agent-3")]]
        return self.draw.choice(ends)


def _numbered(event: Event, number: int) -> Event:
    """A callback, appointment, approval or escalation with its number within the ticket."""
    for name in ("callback", "appointment", "approval", "escalation"):
        if getattr(event, name, None) == 0:
            return msgspec.structs.replace(event, **{name: number})
    return event


def write_stories(file: Path, terms: Path, count: int, seed: int) -> None:
    """So many stories under the terms of a folder, in the form that ``derive.py`` reads."""
    published = PublishedAgreements(terms)
    stories = (json.dumps(StoryTeller(published, seed + number).tell()) for number in range(count))
    file.write_text("\n".join([json.dumps(published.lines), *stories]) + "\n", "utf-8")
