"""Kept histories and timelines: what is kept is used while it is whole, and read again where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from fristwerk_language.events import tickets
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.projections.growing_timelines import LONG, GrowingTimelines
from sla_service.projections.recent_histories import RecentHistories


def long_story(agreed: Callable[..., Any]) -> Any:
    ticket = agreed({"metric": "follow_up", "target": "1 business days"})("2026-06-05 14:00")
    for minute in range(LONG + 8):
        ticket.at(f"2026-06-05T14:{minute + 1:02}:00+00:00", tickets.ProgressReported(channel="email"))
    return ticket


def long_history(agreed: Callable[..., Any]) -> Any:
    return long_story(agreed).recorded


def test_a_long_history_is_read_on_and_one_with_another_end_anew(agreed: Callable[..., Any]) -> None:
    recorded = long_history(agreed)
    kept = GrowingTimelines()
    kept.read("t", recorded[: LONG + 2])
    first = kept._kept["t"].timeline
    assert kept.read("t", recorded) == read_timeline(recorded)
    assert kept._kept["t"].timeline is first

    shorter = recorded[: LONG + 1]
    assert kept.read("t", shorter) == read_timeline(shorter)
    assert kept._kept["t"].timeline is not first


def test_a_late_event_and_a_repeated_one_are_read_anew(agreed: Callable[..., Any]) -> None:
    recorded = long_history(agreed)
    late = [*recorded[:5], *recorded[6:], recorded[5]]
    kept = GrowingTimelines()
    kept.read("t", late[:-1])
    assert kept.read("t", late) == read_timeline(late)
    assert kept.read("t", [*late, late[-1]]) == read_timeline(late)


def test_what_a_mark_takes_back_is_read_anew(agreed: Callable[..., Any]) -> None:
    ticket = long_story(agreed)
    ticket.at("2026-06-05T15:00:00+00:00", tickets.CustomerMessageReceived(channel="portal"))
    kept = GrowingTimelines()
    assert len(kept.read("t", ticket.recorded).messages) == 1
    mark = tickets.NoAnswerNeeded(message=len(ticket.recorded), state="open")
    ticket.at("2026-06-05T15:10:00+00:00", mark)
    assert kept.read("t", ticket.recorded).messages == ()


def test_kept_timelines_stay_within_their_bound(agreed: Callable[..., Any]) -> None:
    recorded = long_history(agreed)
    kept = GrowingTimelines(max_events=2 * len(recorded))
    for ticket in ("a", "b", "a", "c"):
        kept.read(ticket, recorded)
    assert list(kept._kept) == ["a", "c"]


def test_a_kept_history_is_used_only_where_it_ends_just_before_the_new_events(agreed: Callable[..., Any]) -> None:
    recorded = long_history(agreed)
    kept = RecentHistories()
    assert kept.before({"t": recorded[:1]}) == {"t": ()}
    kept.keep({"t": recorded[:3]})
    assert kept.before({"t": recorded[3:5]}) == {"t": recorded[:3]}
    assert kept.before({"t": recorded[4:5]}) == {}
    assert kept.before({"other": recorded[3:5]}) == {}


def test_kept_histories_stay_within_their_bound(agreed: Callable[..., Any]) -> None:
    recorded = [msgspec.structs.replace(each, line=b"line") for each in long_history(agreed)[:3]]
    kept = RecentHistories(max_bytes=2 * 3 * len(b"line"))
    for ticket in ("a", "b", "a", "c"):
        kept.keep({ticket: recorded})
    assert list(kept._kept) == ["a", "c"]
