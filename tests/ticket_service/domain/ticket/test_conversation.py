"""Messages, answers, progress, questions, the ticket's number, feedback."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.tickets import (
    Assigned,
    CostApprovalRequested,
    CustomerMessageReceived,
    FeedbackReceived,
    InformationReceived,
    InformationRequested,
    ProgressReported,
    Resolved,
    Responded,
    TicketNumberCommunicated,
    TimeLogged,
    WorkStarted,
)
from tests.ticket_service.domain.conftest import NOW, GivenTicket
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.commands import (
    CommunicateNumber,
    GiveFeedback,
    ReceiveInformation,
    ReceiveMessage,
    ReportProgress,
    RequestInformation,
    Respond,
    TimeSpent,
)

AT = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)


def test_an_answer_opens_a_new_ticket_and_its_text_is_sealed(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(Respond(channel="email", text="Wir schauen es an."))
    outcome.then(Responded(channel="email")).sealing({"text": "Wir schauen es an."})
    assert (outcome.ticket.state, outcome.ticket.last_response_at) == ("open", AT)


def test_an_internal_note_is_no_answer(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(Respond(channel="email", text="Kollege fragt nach", visible=False))
    outcome.then(Responded(channel="email", visible=False))
    assert outcome.ticket.last_response_at is None


def test_an_answer_does_not_end_the_wait_for_the_customer(given: GivenTicket) -> None:
    outcome = given("infoniqa", InformationRequested()).when(Respond(channel="email", text="Noch da?"))
    assert outcome.ticket.state == "waiting_customer"


@pytest.mark.parametrize("channel", ["email", "phone", "callback"])
def test_the_vendor_answers_on_the_agreements_channels_and_by_calling_back(given: GivenTicket, channel: str) -> None:
    given("liveagent").when(Respond(channel=channel, text="Hallo")).then(Responded(channel=channel))


def test_an_answer_by_another_channel_is_refused(given: GivenTicket) -> None:
    given("infoniqa").when(Respond(channel="fax", text="Hallo")).refused(NotAcceptable, "not-acceptable", "/channel")


def test_a_blank_answer_answers_nothing(given: GivenTicket) -> None:
    given("infoniqa").when(Respond(channel="email", text=" \n")).refused(NotAcceptable, "not-acceptable", "/text")


def test_a_customers_message_is_recorded(given: GivenTicket) -> None:
    outcome = given("infoniqa", Responded(channel="email")).when(
        ReceiveMessage(channel="portal", text="Geht noch nicht"), by="customer"
    )
    outcome.then(CustomerMessageReceived(channel="portal")).sealing({"text": "Geht noch nicht"})
    assert outcome.ticket.last_customer_message_at == AT


def test_staff_may_enter_a_customers_message(given: GivenTicket) -> None:
    given("infoniqa").when(ReceiveMessage(channel="email", text="Hallo")).then(CustomerMessageReceived(channel="email"))


def test_a_message_by_a_channel_the_agreement_does_not_have_is_refused(given: GivenTicket) -> None:
    given("hamburg").when(ReceiveMessage(channel="portal", text="x"), by="customer").refused(
        NotAcceptable, "not-acceptable", "/channel"
    )


@pytest.mark.parametrize(
    "command", [ReceiveInformation(text="Version 7"), ReceiveMessage(channel="email", text="Version 7")]
)
def test_information_or_a_message_ends_the_wait_for_the_customer(given: GivenTicket, command: Any) -> None:
    outcome = given("infoniqa", InformationRequested()).when(command, by="customer")
    assert outcome.ticket.state == "open"


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (WorkStarted(agent="agent-3"), "in_progress"),
        (CostApprovalRequested(approval=1, estimate_minutes=90), "waiting_approval"),
    ],
)
def test_a_customers_message_interrupts_nothing_else(given: GivenTicket, before: Any, state: str) -> None:
    outcome = given("digidesk", before).when(ReceiveMessage(channel="email", text="Und?"), by="customer")
    assert outcome.ticket.state == state


def test_a_question_waits_for_the_customer(given: GivenTicket) -> None:
    outcome = given("infoniqa", Assigned(agent="agent-3")).when(RequestInformation(question="Welche Version?"))
    outcome.then(InformationRequested()).sealing({"question": "Welche Version?"})
    assert outcome.ticket.state == "waiting_customer"


def test_information_may_come_unasked(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(ReceiveInformation(text="Nachtrag"), by="customer")
    outcome.then(InformationReceived()).sealing({"text": "Nachtrag"})
    assert outcome.ticket.state == "new"


def test_a_question_and_an_information_say_something(given: GivenTicket) -> None:
    given("infoniqa").when(RequestInformation(question="")).refused(NotAcceptable, "not-acceptable", "/question")
    given("infoniqa").when(ReceiveInformation(text="")).refused(NotAcceptable, "not-acceptable", "/text")


def test_progress_is_reported_by_the_agreed_channels(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(ReportProgress(channel="phone", text="Läuft"))
    outcome.then(ProgressReported(channel="phone")).sealing({"text": "Läuft"})
    assert outcome.ticket.last_progress_at == AT


def test_progress_may_say_for_when_work_is_planned_and_how_much_is_done(given: GivenTicket) -> None:
    told = ReportProgress(channel="phone", text="Halb", planned_for=date(2026, 6, 12), percent=50)
    outcome = given("infoniqa").when(told)
    outcome.then(ProgressReported(channel="phone", planned_for=date(2026, 6, 12), percent=50))
    assert (outcome.ticket.planned_for, outcome.ticket.progress_percent) == (date(2026, 6, 12), 50)

    later = given("infoniqa", *(each.event for each in outcome.facts)).when(
        ReportProgress(channel="phone", text="Fast", percent=90)
    )
    assert (later.ticket.planned_for, later.ticket.progress_percent) == (date(2026, 6, 12), 90)


def test_a_report_that_is_entered_late_changes_no_newer_plan(given: GivenTicket) -> None:
    planned = ProgressReported(channel="phone", planned_for=date(2026, 6, 12), percent=50)
    ticket = given("infoniqa").having(planned, at=AT)
    told = ReportProgress(channel="phone", text="Halb", planned_for=date(2026, 6, 1), percent=10)
    outcome = ticket.when(told, at=AT - timedelta(hours=1))
    assert (outcome.ticket.planned_for, outcome.ticket.progress_percent) == (date(2026, 6, 12), 50)
    assert outcome.ticket.last_progress_at == AT


def test_progress_by_a_channel_not_agreed_for_it_is_refused(given: GivenTicket) -> None:
    given("infoniqa").when(ReportProgress(channel="portal", text="Läuft")).refused(
        NotAcceptable, "not-acceptable", "/channel"
    )


def test_without_channels_for_progress_every_channel_is_one(given: GivenTicket) -> None:
    given("digidesk").when(ReportProgress(channel="portal", text="Läuft")).then(ProgressReported(channel="portal"))


def test_the_number_is_communicated_with_a_classification(given: GivenTicket) -> None:
    outcome = given("hamburg").when(CommunicateNumber(classification="hardware", channel="phone"))
    outcome.then(TicketNumberCommunicated(classification="hardware", channel="phone"))
    assert outcome.ticket.classification == "hardware"


def test_the_number_without_classification_or_by_another_channel_is_refused(given: GivenTicket) -> None:
    given("hamburg").when(CommunicateNumber(classification="", channel="fax")).refused(
        NotAcceptable, "not-acceptable", "/channel", "/classification"
    )


def test_a_customer_gives_feedback_of_which_only_the_score_is_open(given: GivenTicket) -> None:
    outcome = given("hamburg", Resolved()).when(GiveFeedback(score=4, text="Danke, Hanna"), by="customer")
    outcome.then(FeedbackReceived(score=4)).sealing({"text": "Danke, Hanna"})
    assert outcome.ticket.feedback_score == 4


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_lies_between_one_and_five(given: GivenTicket, score: int) -> None:
    given("hamburg").when(GiveFeedback(score=score), by="customer").refused(NotAcceptable, "not-acceptable", "/score")


@pytest.mark.parametrize(("agreement", "channel"), [("hamburg", "in_person"), ("digidesk", "email")])
def test_feedback_is_given_by_a_channel_of_the_surveys_or_else_of_the_agreement(
    given: GivenTicket, agreement: str, channel: str
) -> None:
    given(agreement, Resolved()).when(GiveFeedback(score=5, channel=channel)).then(
        FeedbackReceived(score=5, channel=channel)
    )


def test_feedback_by_a_channel_that_has_no_surveys_is_refused(given: GivenTicket) -> None:
    given("hamburg", Resolved()).when(GiveFeedback(score=5, channel="email")).refused(
        NotAcceptable, "not-acceptable", "/channel"
    )


SPENT = TimeSpent(entry="e-1", minutes=15, activity="maintenance", performer="partner")


def test_what_an_answer_took_is_a_time_entry_that_ends_with_it(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(Respond(channel="email", text="So geht es", spent=SPENT))
    logged = TimeLogged(
        entry="e-1",
        start=AT - timedelta(minutes=15),
        minutes=15,
        activity="maintenance",
        agent="agent-3",
        performer="partner",
    )
    outcome.then(Responded(channel="email"), logged).sealing({"text": "So geht es"}, None)


def test_what_a_message_took_is_a_time_entry_from_its_arrival_on(given: GivenTicket) -> None:
    message = ReceiveMessage(channel="email", text="Hallo", spent=SPENT)
    for at, start in ((AT, AT), (NOW, NOW - timedelta(minutes=15))):
        facts = given("infoniqa").when(message, at=at).facts
        assert [getattr(fact.event, "start", None) for fact in facts] == [None, start]


@pytest.mark.parametrize(
    ("changes", "by", "pointer"),
    [
        ({"activity": "maintenence"}, "agent", "/activity"),
        ({"minutes": 24 * 60 + 1}, "agent", "/minutes"),
        ({}, "customer", "/minutes"),
    ],
)
def test_such_an_entry_is_checked_as_any_other(
    given: GivenTicket, changes: dict[str, Any], by: str, pointer: str
) -> None:
    message = ReceiveMessage(channel="email", text="Hallo", spent=msgspec.structs.replace(SPENT, **changes))
    given("infoniqa", created={"received_at": AT - timedelta(days=3)}).when(message, by=by).refused(
        NotAcceptable, "not-acceptable", pointer
    )
