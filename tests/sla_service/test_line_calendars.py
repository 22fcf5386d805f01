"""A line of the service levels may name its own calendar: business time by a channel that never closes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.tickets import TermsMigrated
from fristwerk_language.terms import TermsError, agreement_document
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.explanation.explanation import explain
from sla_service.domain.reports.scenario import Scenario
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.service_levels import service_levels
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import used_seconds

LINE = {"metric": "first_response", "target": "2 business hours"}
OFFICE = LINE | {"calendar": "digidesk"}
SATURDAY = "2026-07-04 11:00"
CHAT: dict[str, Any] = {"calendar": "always", "calendars": {}, "channels": ["chat"]}
Agreed = Callable[..., Callable[..., Any]]


def opened(agreed: Agreed, line: Any, received_at: str = SATURDAY, **created: Any) -> Any:
    document = CHAT | {"calendar": "always"}
    story = agreed(line, **document)(received_at, channel="chat", **created)
    story.recorded[0] = msgspec.structs.replace(
        story.recorded[0], event=msgspec.structs.replace(story.recorded[0].event, calendar="always")
    )
    return story


def due(story: Any) -> str:
    at = story.timer("first_response").due_at
    return str(at.astimezone(story.zone).strftime("%a %H:%M"))


def test_two_business_hours_by_chat_around_the_clock_run_on_office_hours(agreed: Agreed) -> None:
    assert due(opened(agreed, LINE)) == "Sat 13:00"
    story = opened(agreed, OFFICE, line_calendars={"digidesk": 1})
    assert due(story) == "Mon 11:00"
    assert story.timer("first_response").calendar == "digidesk@1"


def test_business_time_of_the_shipped_liveagent_agreement_is_office_hours_by_chat_too(story: Any) -> None:
    vip: dict[str, Any] = {
        "calendar": "always",
        "channel": "chat",
        "addons": ["dedicated_support"],
        "plan": "all_inclusive",
    }
    assert due(story("liveagent", SATURDAY, severity="standard", **vip)) == "Mon 11:00"
    assert due(story("liveagent", SATURDAY, severity="critical", **vip)) == "Sat 12:00"
    unclassified = story("liveagent", SATURDAY, **vip)
    assert (due(unclassified), unclassified.timer("first_response").target) == ("Sat 12:00", "1 hours")


def test_time_is_used_and_explained_on_the_lines_calendar(
    agreed: Agreed, terms: PublishedTerms, calendars: Callable[[str], Calendar]
) -> None:
    story = opened(agreed, OFFICE, line_calendars={"digidesk": 1})
    timer = story.timer("first_response")
    monday = datetime(2026, 7, 6, 8, 30, tzinfo=UTC)
    assert used_seconds(timer, calendars("digidesk"), monday) == 90 * 60
    steps = explain(timer, read_timeline(story.recorded), terms, monday)
    assert "outside_hours" in {each.rule for each in steps}


def test_the_version_that_the_ticket_recorded_counts_and_a_migration_brings_another(
    agreed: Agreed, terms: PublishedTerms, published: Any
) -> None:
    event = published["calendars/digidesk"]
    terms.publish(msgspec.structs.replace(event, version=2, hours={"tue": ["10:00-18:00"]}))
    story = opened(agreed, OFFICE, line_calendars={"digidesk": 1})
    opened(agreed, OFFICE)
    assert due(story) == "Mon 11:00"
    story.at("2026-07-04 12:00", TermsMigrated(agreement_version=1, calendar_version=1, reason="x"))
    assert due(story) == "Mon 11:00", "another version of the ticket's own calendar leaves the line's alone"
    migrated = TermsMigrated(agreement_version=1, calendar_version=1, reason="x", line_calendars={"digidesk": 2})
    story.at("2026-07-04 13:00", migrated)
    assert due(story) == "Tue 12:00"


def test_a_simulation_follows_a_line_to_its_calendar(agreed: Agreed, terms: PublishedTerms) -> None:
    story = opened(agreed, LINE)
    tried = terms.agreement("test", 1).document.model_copy(deep=True)
    document = agreement_document(tried.model_dump(mode="json") | {"service_levels": [OFFICE]})
    scenario = Scenario(levels=service_levels(document))
    [timer] = scenario.timers(read_timeline(story.recorded), terms).timers
    assert timer.due_at == datetime(2026, 7, 6, 9, tzinfo=UTC)
    own = opened(agreed, OFFICE, line_calendars={"digidesk": 1})
    replaced = Scenario(calendars={"digidesk": "always"})
    [timer] = replaced.timers(read_timeline(own.recorded), terms).timers
    assert timer.due_at == datetime(2026, 7, 4, 11, tzinfo=UTC)


@pytest.mark.parametrize("line", [{"target": "2 hours"}, {"metric": "effort_notice", "target": "60 worked minutes"}])
def test_a_line_that_counts_on_no_calendar_names_none(line: Any) -> None:
    document = {
        "agreement": "test", "timezone": "UTC", "currency": "EUR", "calendar": "always", "channels": ["chat"],
        "severities": [{"id": "high", "name": "High"}],
    }  # fmt: skip
    with pytest.raises(TermsError) as refusal:
        agreement_document(document | {"service_levels": [{"metric": "resolution", "calendar": "office"} | line]})
    assert [pointer for pointer, _ in refusal.value.errors] == ["/service_levels/0/calendar"]
