"""Examples of what happens to tickets: a payroll run, an appointment, a printer and a shop that is offline."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fristwerk_language.events import relations, streams
from fristwerk_language.events import tickets as facts
from fristwerk_language.events.envelope import Actor
from fristwerk_language.examples.subjects import (
    AGENT,
    CALL,
    CUSTOMER,
    ENTRY,
    HANSA,
    MANAGER,
    MUSTER,
    MUSTER_CONTRACT,
    OFFLINE,
    PAYROLL,
    PRINTER,
    QUESTION,
    SECOND_ENTRY,
    SECOND_PRINTER,
    SESSION_ENTRY,
    SPECIALIST,
    TONER,
    VOICEMAIL,
    YEAR_END,
    Example,
    instant,
)

_PROVIDERS = {
    PAYROLL: "infoniqa",
    YEAR_END: "infoniqa",
    PRINTER: "hamburg",
    OFFLINE: "digidesk",
    QUESTION: "fluxpunkt",
    SECOND_PRINTER: "hamburg",
    TONER: "hamburg",
}
_WITH_PERSONAL_PART = {
    facts.TicketCreated,
    facts.SeveritySet,
    facts.TermsMigrated,
    facts.PriorityChanged,
    facts.Transferred,
    facts.CustomerMessageReceived,
    facts.Responded,
    facts.ProgressReported,
    facts.InformationRequested,
    facts.InformationReceived,
    facts.TimeLogged,
    facts.TimeLogCorrected,
    facts.CallReceived,
    facts.CallbackRequested,
    facts.CallbackAttempted,
    facts.CallbackCompleted,
    facts.VoicemailLeft,
    facts.AppointmentBooked,
    facts.AppointmentCancelled,
    facts.EffortNoticeSent,
    facts.CostApprovalRequested,
    facts.CostApproved,
    facts.CostRejected,
    facts.Delivered,
    facts.Accepted,
    facts.AcceptanceRefused,
    facts.EscalationRaised,
    facts.EscalationTaskAdded,
    facts.EscalationTaskDone,
    facts.EscalationClosed,
    facts.Resolved,
    facts.Reopened,
    facts.NoAnswerNeeded,
    facts.FeedbackReceived,
    relations.MergedInto,
    relations.SplitOff,
    relations.TicketMoved,
}


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    return (*_payroll(), *_year_end(), *_printer(), *_offline(), *_question(), *_relations())


def _payroll() -> tuple[Example, ...]:
    created = facts.TicketCreated(
        reference="INF-7K3Q-9F2M",
        customer=MUSTER,
        contract=MUSTER_CONTRACT,
        plan="m",
        agreement="luzern",
        agreement_version=1,
        calendar="luzern",
        calendar_version=2,
        type="normal",
        channel="email",
        received_at=instant(6, 3, 14, 30),
        entitled=True,
        entitled_by="contract",
        entitled_why=f"contract {MUSTER_CONTRACT} is in force on 2026-06-03",
        fields={"product": "Lohn"},
    )
    logged = facts.TimeLogged(entry=ENTRY, start=instant(6, 5, 7), minutes=50, activity="help", agent="agent-3")
    changed = facts.PriorityChanged(priority=1, agreement_channel="phone", agreement_at=instant(6, 3, 14, 45))
    migrated = facts.TermsMigrated(agreement_version=2, calendar_version=2)
    thanks = facts.NoAnswerNeeded(message=6, state="closed", reopened_at=instant(6, 8, 6))
    steps: tuple[tuple[datetime, Any, Actor], ...] = (
        (instant(6, 3, 14, 30), created, AGENT),
        (instant(6, 3, 14, 32), facts.SeveritySuggested(severity="kritisch"), CUSTOMER),
        (instant(6, 3, 14, 40), facts.SeveritySet(severity="kritisch"), AGENT),
        (instant(6, 3, 14, 46), changed, MANAGER),
        (instant(6, 3, 14, 47), facts.Assigned(agent="agent-3"), MANAGER),
        (instant(6, 4, 6), facts.CustomerMessageReceived(channel="portal"), CUSTOMER),
        (instant(6, 5, 7), facts.Responded(channel="email"), AGENT),
        (instant(6, 5, 7, 5), facts.InformationRequested(), AGENT),
        (instant(6, 5, 7, 20), facts.InformationReceived(), CUSTOMER),
        (instant(6, 5, 7, 22), facts.WorkStarted(agent="agent-3"), AGENT),
        (instant(6, 5, 7, 50), logged, AGENT),
        (instant(6, 5, 8), facts.TimeLogCorrected(entry=ENTRY, minutes=45), AGENT),
        (
            instant(6, 5, 8, 10),
            facts.ProgressReported(channel="email", planned_for=date(2026, 6, 8), percent=50),
            AGENT,
        ),
        (instant(6, 5, 8, 40), facts.Resolved(), AGENT),
        (instant(6, 8, 6), facts.Reopened(), CUSTOMER),
        (instant(6, 10, 8), facts.Closed(), AGENT),
        (instant(6, 11, 8), facts.FeedbackReceived(score=5), CUSTOMER),
        (instant(7, 1, 6), migrated, MANAGER),
        (instant(7, 1, 7), thanks, AGENT),
    )
    return _example(PAYROLL, 1, steps)


def _year_end() -> tuple[Example, ...]:
    requested = facts.AppointmentRequested(
        appointment=1,
        kind="year_end_closing",
        proposals=[instant(6, 25, 7), instant(6, 26, 7), instant(6, 29, 11)],
        notices=["Vorlaufzeiten können sich verlängern"],
    )
    cancelled = facts.AppointmentCancelled(appointment=1, by="customer", written=True)
    cleared = facts.EscalationTaskAdded(task=1, escalation=1, agent="agent-3", due_at=instant(6, 24, 11))
    raised = facts.EscalationRaised(escalation=1, to="customer_success_manager", agent="csm-7")
    steps: tuple[tuple[datetime, Any, Actor], ...] = (
        (instant(6, 10, 7, 10), requested, CUSTOMER),
        (instant(6, 10, 8, 5), facts.AppointmentBooked(appointment=1, start=instant(6, 25, 7)), AGENT),
        (instant(6, 24, 8), cancelled, CUSTOMER),
        (instant(6, 24, 9), raised, CUSTOMER),
        (instant(6, 24, 9, 30), facts.EscalationAssigned(escalation=1, agent="csm-7"), MANAGER),
        (instant(6, 24, 9, 40), cleared, MANAGER),
        (instant(6, 24, 11), facts.EscalationTaskDone(task=1), AGENT),
        (instant(6, 24, 12), facts.EscalationClosed(escalation=1), MANAGER),
        (instant(7, 2, 9), facts.AppointmentHeld(appointment=2), AGENT),
        (instant(7, 9, 9), facts.AppointmentMissed(appointment=3), AGENT),
    )
    return _example(YEAR_END, 3, steps)


def _printer() -> tuple[Example, ...]:
    received = facts.CallReceived(call=CALL, started_at=instant(5, 13, 13, 50), minutes=9, to="+49 40 000000")
    communicated = facts.TicketNumberCommunicated(classification="malfunction", channel="phone")
    steps: tuple[tuple[datetime, Any, Actor], ...] = (
        (instant(5, 13, 13, 50), received, AGENT),
        (instant(5, 13, 14), facts.CallTransferAttempted(call=CALL, to="specialist", result="failed"), AGENT),
        (instant(5, 13, 14), facts.CallbackRequested(callback=1, purpose="failed_transfer"), AGENT),
        (instant(5, 13, 14, 1), communicated, AGENT),
        (instant(5, 13, 14, 5), facts.Transferred(level="2"), AGENT),
        (instant(5, 18, 6, 50), facts.CallbackAttempted(callback=1, reached=False), SPECIALIST),
        (instant(5, 18, 7, 10), facts.CallbackCompleted(callback=1), SPECIALIST),
    )
    return _example(PRINTER, 2, steps)


def _offline() -> tuple[Example, ...]:
    by_phone = facts.OnBehalf(channel="phone", at=instant(6, 29, 11, 30))
    steps: tuple[tuple[datetime, Any, Actor], ...] = (
        (instant(6, 26, 14), facts.AcknowledgementSent(cost_notice=True), AGENT),
        (instant(6, 26, 14, 5), facts.TypeChanged(type="quick_high"), AGENT),
        (instant(6, 29, 8, 10), facts.EffortNoticeSent(), AGENT),
        (instant(6, 29, 8, 16), facts.CostApprovalRequested(approval=1, estimate_minutes=120), AGENT),
        (instant(6, 29, 8, 20), facts.CostApproved(approval=1, extra_minutes=60), CUSTOMER),
        (instant(6, 29, 8, 30), facts.RemoteSessionStarted(session=1, agent="agent-3"), AGENT),
        (instant(6, 29, 9), facts.RemoteSessionEnded(session=1, entry=SESSION_ENTRY), AGENT),
        (instant(6, 29, 9, 5), facts.Delivered(system="test"), AGENT),
        (instant(6, 29, 10), facts.AcceptanceRefused(), CUSTOMER),
        (instant(6, 29, 11, 32), facts.Accepted(on_behalf=by_phone), AGENT),
        (instant(6, 29, 11, 40), facts.ReleasedToProduction(), AGENT),
        (instant(6, 30, 7), facts.CostRejected(approval=2), CUSTOMER),
    )
    return _example(OFFLINE, 2, steps)


def _question() -> tuple[Example, ...]:
    steps: tuple[tuple[datetime, Any, Actor], ...] = (
        (instant(6, 19, 7), facts.PriorityDerived(priority=2, rule="group:contract"), AGENT),
        (instant(6, 19, 7, 5), facts.VoicemailLeft(call=VOICEMAIL), AGENT),
    )
    return _example(QUESTION, 2, steps)


def _relations() -> tuple[Example, ...]:
    """The printer was reported twice, and the order of toner in the first report is a matter of its own."""
    printer, second, toner = "HAM-4T9Q-2K7M", "HAM-8W3X-6P5R", "HAM-2B7C-9D4F"
    brought = relations.CarriedEntry(
        entry=SECOND_ENTRY, start=instant(5, 13, 14, 30), minutes=10, activity="help", agent="agent-3"
    )
    merged = relations.DuplicateMerged(ticket=SECOND_PRINTER, reference=second, entries=[brought])
    split = relations.SplitOff(ticket=TONER, reference=toner, entries=[SECOND_ENTRY])
    linked = relations.TicketLinked(ticket=TONER, reference=toner, kind="causes")
    unlinked = relations.TicketUnlinked(ticket=TONER, reference=toner, kind="causes")
    into = relations.MergedInto(ticket=PRINTER, reference=printer)
    origin = relations.SplitFrom(ticket=PRINTER, reference=printer, entries=[brought])
    moved = relations.TicketMoved(
        reference=toner,
        from_customer=HANSA,
        customer=MUSTER,
        sealed_for=MUSTER,
        contract=MUSTER_CONTRACT,
        plan="m",
        agreement="luzern",
        agreement_version=1,
        calendar="luzern",
        calendar_version=2,
        type="normal",
        entitled=True,
        entitled_by="contract",
        entitled_why=f"contract {MUSTER_CONTRACT} is in force on 2026-05-13",
    )
    return (
        *_example(SECOND_PRINTER, 3, ((instant(5, 18, 7, 45), into, AGENT),)),
        *_example(PRINTER, 9, ((instant(5, 18, 7, 45), merged, AGENT), (instant(5, 18, 7, 50), split, AGENT))),
        *_example(TONER, 2, ((instant(5, 18, 7, 50), origin, AGENT), (instant(5, 18, 7, 55), linked, AGENT))),
        *_example(TONER, 4, ((instant(5, 18, 8), unlinked, AGENT), (instant(5, 18, 9), moved, AGENT))),
    )


def _example(ticket: str, first_version: int, steps: tuple[tuple[datetime, Any, Actor], ...]) -> tuple[Example, ...]:
    """The steps as a stretch of the ticket's stream."""
    return tuple(
        Example(
            event=event,
            provider=_PROVIDERS[ticket],
            stream=streams.TICKET.stream(ticket),
            version=version,
            at=at,
            actor=actor,
            personal=type(event) in _WITH_PERSONAL_PART,
        )
        for version, (at, event, actor) in enumerate(steps, start=first_version)
    )
