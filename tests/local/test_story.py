"""Stories: how a file becomes steps in order, with instants, names and keys."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from fristwerk_local.story import (
    DecideCharge,
    Post,
    ProviderStory,
    Publish,
    Refused,
    StoryError,
    TicketOutcome,
    WorklistIs,
    read_story,
)
from fristwerk_local.terminal_output import RECORDED_DAY


def provider_of(tmp_path: Path, text: str) -> ProviderStory:
    file = tmp_path / "story.yaml"
    file.write_text(dedent(text), "utf-8")
    [provider] = read_story(file).providers
    return provider


def posts(provider: ProviderStory) -> list[tuple[str, str | None]]:
    return [(step.path, step.body.get("occurred_at")) for step in provider.steps if isinstance(step, Post)]


def test_the_recorded_day_is_a_story_of_five_providers_in_order_of_time() -> None:
    story = read_story(RECORDED_DAY)

    assert [provider.name for provider in story.providers] == [
        "infoniqa",
        "fluxpunkt",
        "hamburg",
        "digidesk",
        "liveagent",
    ]
    assert story.step_count == 108
    infoniqa = story.providers[0]
    assert infoniqa.steps[0] == Publish(key="infoniqa/calendars/infoniqa", document="calendars/infoniqa")
    decisions = [step for step in infoniqa.steps if isinstance(step, DecideCharge)]
    assert [(step.kind, step.ticket, step.role) for step in decisions] == [
        ("cancellation", "jahresabschluss", "billing")
    ]
    worklists = [step for step in story.providers[1].steps if isinstance(step, WorklistIs)]
    assert worklists[0].tickets == ("absturz", "frage")


def test_steps_of_several_tickets_are_played_in_order_of_time(tmp_path: Path) -> None:
    provider = provider_of(
        tmp_path,
        """
        p:
          timezone: Europe/Berlin
          tickets:
            late:
              create: {customer: c, received_at: 2026-06-03 10:00}
              then: [{at: 2026-06-03 10:30, as: agent, post: responses, body: {}}]
            early:
              create: {customer: c, received_at: 2026-06-03 09:00}
              then: [{at: "2026-06-03T08:15:00Z", as: agent, post: work, body: {}}]
        """,
    )

    assert posts(provider) == [
        ("/v1/tickets", None),
        ("/v1/tickets", None),
        ("/v1/tickets/{early}/work", "2026-06-03T08:15:00+00:00"),
        ("/v1/tickets/{late}/responses", "2026-06-03T10:30:00+02:00"),
    ]


def test_a_step_without_a_time_follows_the_one_above_it_at_the_same_instant(tmp_path: Path) -> None:
    provider = provider_of(
        tmp_path,
        """
        p:
          timezone: Europe/Berlin
          tickets:
            t:
              create: {customer: c, received_at: 2026-06-03 09:00}
              then:
                - {as: agent, post: work, body: {}}
                - {at: 2026-06-03 11:00, as: agent, post: responses, body: {}}
                - {worklist: [t]}
            other:
              create: {customer: c, received_at: 2026-06-03 11:00}
        """,
    )

    assert [step.key for step in provider.steps] == [
        "p/tickets/t",
        "p/tickets/t/1",
        "p/tickets/t/2",
        "p/tickets/t/3",
        "p/tickets/other",
    ]
    assert posts(provider)[1] == ("/v1/tickets/{t}/work", "2026-06-03T09:00:00+02:00")


def test_naive_times_in_a_body_get_the_zones_offset_and_dates_stay_dates(tmp_path: Path) -> None:
    provider = provider_of(
        tmp_path,
        """
        p:
          timezone: Europe/London
          customers:
            c: {body: {name: C}, contracts: [{agreement: a, from: 2026-01-01}]}
          tickets:
            t:
              create: {customer: c, received_at: 2026-01-12 09:00}
              then:
                - at: 2026-07-01 10:00
                  as: customer
                  post: appointments
                  body: {proposals: [2026-07-25 09:00, "2026-12-01T09:00:00+01:00"], on: 2026-07-25, text: am 3.6. um 9}
        """,
    )

    bodies = [step.body for step in provider.steps if isinstance(step, Post)]
    assert bodies[1]["from"] == "2026-01-01"
    assert bodies[2]["received_at"] == "2026-01-12T09:00:00+00:00"
    assert bodies[3] == {
        "occurred_at": "2026-07-01T10:00:00+01:00",
        "proposals": ["2026-07-25T09:00:00+01:00", "2026-12-01T09:00:00+01:00"],
        "on": "2026-07-25",
        "text": "am 3.6. um 9",
    }


def test_a_refused_command_without_a_time_is_tried_at_the_end(tmp_path: Path) -> None:
    provider = provider_of(
        tmp_path,
        """
        p:
          timezone: Europe/Berlin
          tickets:
            t: {create: {customer: c, received_at: 2026-06-03 09:00}}
          refused:
            - {as: agent, post: /v1/tickets, body: {customer: c}, status: 422, pointers: [/channel]}
            - {at: 2026-06-03 08:00, as: agent, ticket: t, post: work, body: {}, status: 404}
        """,
    )

    early, created, late = provider.steps
    assert isinstance(early, Refused)
    assert early.status == 404
    assert isinstance(created, Post)
    assert isinstance(late, Refused)
    assert late.pointers == ("/channel",)
    assert "occurred_at" not in late.post.body


def test_what_must_come_out_is_kept_as_it_is_written(tmp_path: Path) -> None:
    provider = provider_of(
        tmp_path,
        """
        p:
          timezone: Europe/Berlin
          tickets:
            silent: {create: {customer: c, received_at: 2026-06-03 09:00}}
            t:
              create: {customer: c, received_at: 2026-06-03 09:00}
              entitled: false
              timers: [{metric: resolution, met_at: 2026-06-03T08:00:00Z}]
          previews: {c: {until: 2026-06-30, lines: [{kind: addon, month: 2026-06}]}}
        """,
    )

    assert provider.tickets["silent"] == TicketOutcome()
    assert provider.tickets["t"].timers == ({"metric": "resolution", "met_at": "2026-06-03T08:00:00Z"},)
    assert provider.previews == {"c": {"until": "2026-06-30", "lines": [{"kind": "addon", "month": "2026-06"}]}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("p: [", "not a story"),
        ("p: {}", "timezone"),
        ("p: {timezone: Europe/Paradise}", "Paradise"),
        ("p: {timezone: Europe/Berlin, tickets: {t: {create: {received_at: 2026-06-03 09:00}, than: []}}}", "than"),
        ("p: {timezone: Europe/Berlin, refused: [{as: agent, post: work, status: 409}]}", "p/refused/1"),
    ],
)
def test_a_file_that_is_no_story_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(StoryError, match=complaint):
        provider_of(tmp_path, text)
