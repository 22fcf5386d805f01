"""Why a deadline is what it is: steps as data, and the same in German and English sentences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.tickets import (
    CallbackAttempted,
    CallbackRequested,
    CustomerMessageReceived,
    InformationReceived,
    InformationRequested,
    Reopened,
    Resolved,
)
from fristwerk_language.terms import parse_span
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.explanation.explanation import explain, sentences
from sla_service.domain.explanation.explanation_steps import ExplanationStep, deadline_with_steps, steps_until
from sla_service.domain.explanation.labels import Language
from sla_service.domain.timers.timeline_reader import read_timeline

Story = Callable[..., Any]
Agreed = Callable[..., Any]
NOW = datetime(2026, 7, 31, tzinfo=UTC)
PROMISE = (
    "Erste Antwort: 2 Stunden Supportzeit nach der Vereinbarung infoniqa v1, Zeile 1, Schweregrad kritisch; "
    "Kalender infoniqa v1."
)


def steps_of(ticket: Any, metric: str, now: datetime = NOW) -> tuple[ExplanationStep, ...]:
    return explain(ticket.timers(metric)[-1], read_timeline(ticket.recorded), ticket.terms, now)


def words(ticket: Any, metric: str, lang: Language = "en", now: datetime = NOW) -> list[str]:
    return list(sentences(steps_of(ticket, metric, now), lang, ticket.zone))


def lohnlauf(story: Story, calendar: str) -> Any:
    ticket = story("infoniqa", "2026-06-03 16:30", calendar=calendar).severity("2026-06-03 16:40", "kritisch")
    return ticket.answer("2026-06-05 09:00")


def test_why_is_this_due_friday_half_past_nine_in_german(story: Story) -> None:
    assert words(lohnlauf(story, "infoniqa"), "first_response", "de") == [
        PROMISE,
        "Eingang: Mittwoch, 3. Juni 2026, 16:30 Uhr (Europe/Zurich).",
        "Mittwoch, 3. Juni, 16:30 bis 17:00 Uhr: offen, 30 min verbraucht.",
        "Donnerstag, 4. Juni: geschlossen, Fronleichnam, Kanton LU (holidays 0.109).",
        "Freitag, 5. Juni, 08:00 bis 09:30 Uhr: offen, 90 min verbraucht.",
        "Fällig: Freitag, 5. Juni 2026, 09:30 Uhr.",
        "Eingehalten: Freitag, 5. Juni 2026, 09:00 Uhr.",
    ]


def test_why_is_this_due_friday_half_past_nine_in_english(story: Story) -> None:
    assert words(lohnlauf(story, "infoniqa"), "first_response") == [
        "First response: 2 business hours by the agreement infoniqa v1, line 1, severity kritisch; calendar infoniqa v1.",
        "Received: Wednesday 3 June 2026, 16:30 (Europe/Zurich).",
        "Wednesday 3 June, 16:30 to 17:00: open, 30 min used.",
        "Thursday 4 June: closed, Fronleichnam, canton LU (holidays 0.109).",
        "Friday 5 June, 08:00 to 09:30: open, 90 min used.",
        "Due: Friday 5 June 2026, 09:30.",
        "Met: Friday 5 June 2026, 09:00.",
    ]


def test_the_same_sentence_of_the_terms_read_to_the_letter(story: Story) -> None:
    assert words(lohnlauf(story, "infoniqa-literal"), "first_response", "de")[2:] == [
        "Das liegt außerhalb der Supportzeiten: Die Frist läuft ab Donnerstag, 4. Juni, 08:00 Uhr.",
        "Mittwoch, 3. Juni: geschlossen, weil ein Feiertag folgt: Tag vor Fronleichnam, Kanton LU (holidays 0.109).",
        "Donnerstag, 4. Juni, 08:00 bis 10:00 Uhr: offen, 120 min verbraucht.",
        "Warnung (75%): Donnerstag, 4. Juni, 09:30 Uhr.",
        "Fällig: Donnerstag, 4. Juni 2026, 10:00 Uhr.",
        "Verletzt: Donnerstag, 4. Juni 2026, 10:00 Uhr; erledigt erst Freitag, 5. Juni, 09:00 Uhr.",
    ]


def test_the_steps_are_data_with_instants_rules_events_and_clauses(story: Story) -> None:
    target, started, used, holiday, more, due, met = steps_of(lohnlauf(story, "infoniqa"), "first_response")
    assert (target.rule, target.clause) == ("target", "agreements/infoniqa@1#/service_levels/0")
    assert (started.rule, started.event, started.text) == ("started", "e-1", "TicketCreated")
    assert (used.rule, used.seconds, more.seconds) == ("open", 1800, 5400)
    assert (holiday.rule, holiday.on, holiday.clause) == ("holiday", date(2026, 6, 4), "calendars/infoniqa@1")
    assert [(each.name, each.source, each.kind) for each in holiday.closed_by] == [
        ("Fronleichnam", "holidays 0.109 CH-LU public", "holiday")
    ]
    assert (due.at, met.event) == (datetime(2026, 6, 5, 7, 30, tzinfo=UTC), "e-3")
    encoded = msgspec.to_builtins(holiday)
    assert encoded["at"] == "2026-06-03T22:00:00Z"
    assert "event" not in encoded, "what is not there is not shown"


def test_a_start_outside_hours_names_the_opening_and_the_weekend(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-06 11:00", severity="kritisch")
    assert words(ticket, "first_response")[1:5] == [
        "Received: Saturday 6 June 2026, 11:00 (Europe/Zurich).",
        "That is outside the opening hours: the clock starts on Monday 8 June, 08:00.",
        "Saturday 6 June to Sunday 7 June: closed, weekend.",
        "Monday 8 June, 08:00 to 10:00: open, 120 min used.",
    ]
    assert [step.rule for step in steps_of(ticket, "first_response")][2] == "outside_hours"


def test_a_bridge_day_and_an_attempt_that_reached_nobody(story: Story) -> None:
    ticket = story("hamburg", "2026-05-13 15:50", calendar="hamburg", type="malfunction")
    ticket.at("2026-05-13 16:00", CallbackRequested(callback=1, purpose="failed_transfer"))
    ticket.at("2026-05-18 09:10", CallbackAttempted(callback=1, reached=False), role="specialist")
    found = words(ticket, "callback", "de")
    assert "Freitag, 15. Mai: geschlossen, Brückentag (Christi Himmelfahrt), Bundesland HH (holidays 0.109)." in found
    assert found[1] == "Rückruf zugesagt: Mittwoch, 13. Mai 2026, 16:00 Uhr (Europe/Berlin)."
    assert found[-2:] == [
        "Montag, 18. Mai, 09:10 Uhr: rechtzeitig versucht, niemand erreicht.",
        "Eingehalten: Montag, 18. Mai 2026, 09:10 Uhr.",
    ]


def test_a_day_closed_by_hand_a_night_and_a_lunch_break(calendars: Callable[[str], Calendar]) -> None:
    _, steps = deadline_with_steps(
        calendars("digidesk"), parse_span("2 business hours"), datetime(2026, 12, 23, 15, 30, tzinfo=UTC)
    )
    found = sentences(steps, "de", calendars("digidesk").hours.zone)
    assert "Donnerstag, 24. Dezember: geschlossen, Heiligabend (von Hand eingetragen)." in found
    _, steps = deadline_with_steps(
        calendars("infoniqa"), parse_span("9 business hours"), datetime(2026, 6, 9, 6, 0, tzinfo=UTC)
    )
    assert list(sentences(steps, "en", calendars("infoniqa").hours.zone)) == [
        "Tuesday 9 June, 08:00 to 12:00: open, 4 h used.",
        "Break until 13:00.",
        "Tuesday 9 June, 13:00 to 17:00: open, 4 h used.",
        "Closed until Wednesday 10 June, 08:00.",
        "Wednesday 10 June, 08:00 to 09:00: open, 60 min used.",
        "Due: Wednesday 10 June 2026, 09:00.",
    ]


def test_business_days_are_counted_one_by_one(calendars: Callable[[str], Calendar]) -> None:
    office = calendars("liveagent-office")
    _, steps = deadline_with_steps(office, parse_span("2 business days"), datetime(2026, 7, 3, 13, 0, tzinfo=UTC))
    assert list(sentences(steps, "de", office.hours.zone)) == [
        "Samstag, 4. Juli, bis Sonntag, 5. Juli: geschlossen, Wochenende.",
        "Montag, 6. Juli: Arbeitstag 1.",
        "Dienstag, 7. Juli: Arbeitstag 2.",
        "Fällig: Dienstag, 7. Juli 2026, 15:00 Uhr.",
    ]
    _, steps = deadline_with_steps(office, parse_span("1 business days"), datetime(2026, 7, 3, 16, 0, tzinfo=UTC))
    assert list(sentences(steps, "en", office.hours.zone)) == [
        "That is outside the opening hours: the clock starts on Monday 6 July, 09:00.",
        "Saturday 4 July to Sunday 5 July: closed, weekend.",
        "Monday 6 July: business day 1.",
        "Due: Monday 6 July 2026, 17:00.",
    ]


def test_elapsed_hours_are_counted_around_the_clock_through_the_change_of_the_clocks(
    calendars: Callable[[str], Calendar],
) -> None:
    office = calendars("liveagent-office")
    due, steps = deadline_with_steps(office, parse_span("24 hours"), datetime(2026, 3, 28, 14, 0, tzinfo=UTC))
    assert due == datetime(2026, 3, 29, 14, 0, tzinfo=UTC)
    assert sentences(steps, "de", office.hours.zone)[0] == (
        "Samstag, 28. März, 15:00 bis Sonntag, 29. März, 16:00 Uhr: rund um die Uhr gezählt, 24 h verbraucht."
    )


def test_a_change_of_the_clocks_is_told_where_business_time_runs_through_it() -> None:
    nights = Calendar.of_parts(
        name="nights", timezone="Europe/Berlin", week={"sat": ["22:00-02:30"]}, first_year=2026, last_year=2026
    )
    _, steps = deadline_with_steps(nights, parse_span("4 business hours"), datetime(2026, 3, 28, 21, 0, tzinfo=UTC))
    assert sentences(steps, "en", nights.hours.zone)[:2] == (
        "Saturday 28 March, 22:00 to Sunday 29 March, 03:00: open, 4 h used.",
        "Sunday 29 March, 03:00: the clocks go forward by 60 min (moved forward, as it does not exist: 02:30).",
    )


def test_pauses_changes_and_reopening_are_told(agreed: Agreed) -> None:
    lines = (
        {"metric": "resolution", "severity": "high", "target": "2 business hours"},
        {"metric": "resolution", "target": "6 business hours"},
    )
    ticket = agreed(*lines)("2026-06-08 10:00", severity="low").at("2026-06-08 10:30", InformationRequested())
    ticket.at("2026-06-08 11:00", InformationReceived()).severity("2026-06-08 11:30", "high")
    ticket.at("2026-06-08 12:00", Resolved()).at("2026-06-08 13:00", Reopened())
    assert words(ticket, "resolution", now=datetime(2026, 6, 8, 11, 10, tzinfo=UTC)) == [
        "Resolution: 2 business hours by the agreement test v1, line 1, severity high; calendar digidesk v1.",
        "Received: Monday 8 June 2026, 10:00 (Europe/Berlin).",
        "Monday 8 June, 11:00: a wait ended; the deadline moves from Monday 8 June, 16:00 to Monday 8 June, 16:30.",
        "Monday 8 June, 11:30: severity set; the deadline moves from Monday 8 June, 16:30 to Monday 8 June, 12:30.",
        "Monday 8 June, 13:00: ticket reopened; the deadline moves from Monday 8 June, 12:30 to Monday 8 June, 13:30.",
        "Monday 8 June, 10:00 to 10:30: open, 30 min used.",
        "Monday 8 June, 10:30 to 11:00: waiting for the customer, the clock stands still, 30 min not counted.",
        "Monday 8 June, 11:00 to 12:00: open, 60 min used.",
        "Monday 8 June, 12:00 to 13:00: resolved, the clock stands still, 60 min not counted.",
        "Monday 8 June, 13:00 to 13:30: open, 30 min used.",
        "Due: Monday 8 June 2026, 13:30.",
        "Running.",
    ]


def test_a_pause_that_goes_on_is_told_without_an_end(agreed: Agreed) -> None:
    ticket = agreed({"metric": "resolution", "target": "2 business hours"})("2026-06-08 10:00")
    ticket.at("2026-06-08 10:30", InformationRequested())
    assert words(ticket, "resolution", "de")[-3:] == [
        "Montag, 8. Juni, 10:30 bis jetzt: wartet auf den Kunden, die Frist ruht, 0 min nicht gezählt.",
        "Fällig: Montag, 8. Juni 2026, 12:00 Uhr.",
        "Ruht seit Montag, 8. Juni 2026, 10:30 Uhr; die Frist verschiebt sich um die Wartezeit.",
    ]


def test_what_only_measures_and_what_was_cancelled_say_so(agreed: Agreed) -> None:
    lines = ({"metric": "resolution", "measure_only": True}, {"metric": "next_response", "target": "2 business hours"})
    ticket = agreed(*lines)("2026-06-08 10:00").answer("2026-06-08 10:20")
    ticket.at("2026-06-08 10:30", CustomerMessageReceived(channel="email")).at("2026-06-08 11:00", Resolved())
    assert words(ticket, "resolution")[0] == (
        "Resolution: only measured, without a target, by the agreement test v1, line 1; calendar digidesk v1."
    )
    told = words(ticket, "next_response", "de")
    assert told[1] == "Nachricht des Kunden: Montag, 8. Juni 2026, 10:30 Uhr (Europe/Berlin)."
    assert told[-1] == "Aufgehoben: Montag, 8. Juni 2026, 11:00 Uhr."


def test_the_strictest_target_and_the_last_answer_are_named(story: Story, agreed: Agreed) -> None:
    ticket = story("infoniqa", "2026-06-08 10:00")
    assert words(ticket, "first_response")[1] == "Until a severity is set, the strictest target holds."
    followed = agreed({"metric": "follow_up", "target": "1 hours", "after": "both"})("2026-06-08 10:00").answer(
        "2026-06-08 11:00"
    )
    assert (
        words(followed, "follow_up", "de")[1]
        == "Letzte Antwort an den Kunden: Montag, 8. Juni 2026, 11:00 Uhr (Europe/Berlin)."
    )


def test_an_effort_notice_lists_the_work_that_used_it_up(story: Story) -> None:
    ticket = story("digidesk", "2026-06-23 10:00").work("2026-06-23 10:30", 40, "technical_change")
    ticket.work("2026-06-23 12:00", 20, "module_enquiry").work("2026-06-24 10:30", 40, "technical_change")
    assert words(ticket, "effort_notice", "de") == [
        "Hinweis auf Mehraufwand: 1 Stunde Arbeit nach der Vereinbarung digidesk v1, Zeile 3; Kalender digidesk v1.",
        "Erste kostenpflichtige Arbeit: Dienstag, 23. Juni 2026, 10:30 Uhr (Europe/Berlin).",
        "Dienstag, 23. Juni, 10:30 bis 11:10 Uhr: 40 min Arbeit (technical_change).",
        "Mittwoch, 24. Juni, 10:30 bis 11:10 Uhr: 40 min Arbeit (technical_change).",
        "Warnung (75%): Mittwoch, 24. Juni, 10:35 Uhr.",
        "Fällig: Mittwoch, 24. Juni 2026, 10:50 Uhr.",
        "Verletzt: Mittwoch, 24. Juni 2026, 10:50 Uhr.",
    ]


@pytest.mark.parametrize("lang", ["de", "en"])
def test_weekdays_without_hours_and_exceptional_hours_have_their_sentences(lang: Language) -> None:
    shop = Calendar.of_parts(
        name="shop",
        timezone="Europe/Berlin",
        week={day: ["09:00-18:00"] for day in ("tue", "wed", "thu", "fri")},
        exceptional={date(2026, 6, 2): [], date(2026, 6, 3): ["09:00-12:00"]},
        first_year=2026,
        last_year=2026,
    )
    start = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    steps = steps_until(shop, parse_span("4 business hours"), start, datetime(2026, 6, 4, 8, 0, tzinfo=UTC))
    assert (
        list(sentences(steps, lang, shop.hours.zone))
        == {
            "de": [
                "Das liegt außerhalb der Supportzeiten: Die Frist läuft ab Mittwoch, 3. Juni, 09:00 Uhr.",
                "Montag, 1. Juni: geschlossen, keine Supportzeiten an diesem Wochentag.",
                "Dienstag, 2. Juni: geschlossen, Ausnahme: shop.",
                "Mittwoch, 3. Juni, 09:00 bis 12:00 Uhr: offen (shop), 3 h verbraucht.",
                "Geschlossen bis Donnerstag, 4. Juni, 09:00 Uhr.",
                "Donnerstag, 4. Juni, 09:00 bis 10:00 Uhr: offen, 60 min verbraucht.",
            ],
            "en": [
                "That is outside the opening hours: the clock starts on Wednesday 3 June, 09:00.",
                "Monday 1 June: closed, no opening hours on this weekday.",
                "Tuesday 2 June: closed, exception: shop.",
                "Wednesday 3 June, 09:00 to 12:00: open (shop), 3 h used.",
                "Closed until Thursday 4 June, 09:00.",
                "Thursday 4 June, 09:00 to 10:00: open, 60 min used.",
            ],
        }[lang]
    )


def test_an_explanation_says_where_the_entitlement_rests_on_a_receipt_dated_back(story: Story) -> None:
    def told(**created: Any) -> list[str]:
        return words(story("infoniqa", "2026-06-03 16:30", **created), "first_response")

    said = "The receipt (email) is dated back to Wednesday 3 June 2026, 16:30: when it was entered, nothing entitled any more."
    assert told(entitled_by_dating=True)[2] == said
    assert said not in told()
