"""Kept timelines: what is kept is read on while it is whole, and read again where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fristwerk_language.events import Recorded, tickets
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.projections.recent_timelines import TICKET_EVENTS, RecentTimelines, read_ticket


@pytest.fixture
def story(agreed: Callable[..., Any]) -> Any:
    ticket = agreed({"metric": "follow_up", "target": "1 business days"})("2026-06-05 14:00")
    for minute in range(8):
        ticket.at(f"2026-06-05T14:{minute + 1:02}:00+00:00", tickets.ProgressReported(channel="email"))
    return ticket


def keeping(recorded: list[Recorded]) -> RecentTimelines:
    kept = RecentTimelines()
    kept.keep({"t": read_ticket(recorded)})
    return kept


def test_a_kept_timeline_is_read_on_and_is_the_one_read_at_once(story: Any) -> None:
    recorded = story.recorded
    kept = keeping(recorded[:3])
    read = kept.take({"t": recorded[3:5], "other": recorded[:1]})
    assert list(read) == ["t"]
    kept.keep(read)
    assert kept.take({"t": recorded[5:]})["t"].growing.timeline() == read_timeline(recorded)


def test_what_says_when_a_ticket_changed_last_is_that_of_the_newest_event(story: Any) -> None:
    recorded = story.recorded
    (read,) = keeping(recorded[:3]).take({"t": recorded[3:]}).values()
    whole = read_ticket(recorded)
    for name in ("provider", "events", "version", "occurred_at", "recorded_at", "position"):
        assert getattr(read, name) == getattr(whole, name)
    assert read.growing.created == whole.growing.created


def test_a_kept_timeline_is_used_only_where_it_ends_just_before_the_new_events(story: Any) -> None:
    recorded = story.recorded
    assert keeping(recorded[:3]).take({"t": recorded[4:5]}) == {}, "another process has applied what lies between"
    assert keeping(recorded[:3]).take({"t": recorded[2:4]}) == {}


def test_what_must_be_read_before_what_was_read_or_takes_it_back_is_left_to_be_read_again(story: Any) -> None:
    story.at("2026-06-05T15:00:00+00:00", tickets.CustomerMessageReceived(channel="portal"))
    known = len(story.recorded)
    story.at("2026-06-05T14:03:30+00:00", tickets.ProgressReported(channel="email"))
    assert keeping(story.recorded[:known]).take({"t": story.recorded[known:]}) == {}
    story.at("2026-06-05T15:10:00+00:00", tickets.NoAnswerNeeded(message=known, state="open"))
    assert keeping(story.recorded[:-1]).take({"t": story.recorded[-1:]}) == {}


def test_what_was_read_for_a_transaction_is_not_kept_before_it_is_committed(story: Any) -> None:
    recorded = story.recorded
    kept = keeping(recorded[:3])
    assert kept.take({"t": recorded[3:5]})
    assert kept.take({"t": recorded[3:5]}) == {}
    assert kept.take({"t": recorded[5:]}) == {}


def test_kept_timelines_stay_within_their_bound(story: Any) -> None:
    recorded = story.recorded
    kept = RecentTimelines(max_events=2 * (len(recorded) + TICKET_EVENTS))
    for ticket in ("a", "b", "a", "c"):
        kept.keep({ticket: read_ticket(recorded)})
    assert list(kept._kept) == ["a", "c"]
    kept.take({"a": recorded[:1]})
    kept.keep({ticket: read_ticket(recorded) for ticket in ("d", "e")})
    assert list(kept._kept) == ["d", "e"]
