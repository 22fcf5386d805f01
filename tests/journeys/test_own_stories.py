"""A story and terms of one's own, played into services that run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.journeys.conftest import StartStack

CALENDAR = """
calendar: nachts
timezone: America/New_York
hours: {mon-fri: ["22:00-06:00"]}
years: 2025-2027
"""
AGREEMENT = """
agreement: nachtdienst
timezone: America/New_York
currency: USD
calendar: nachts
severities: [{id: red, name: Red}, {id: green, name: Green}]
set_severity: [specialist]
channels: [phone]
service_levels:
  - {metric: next_response, severity: red, target: 1 business hours}
  - {metric: resolution, measure_only: true}
appointments: {cancellation: {notice_hours: 24}}
billing:
  plans: {night: {}}
  hourly: {rate: "80.00", increment_minutes: 15}
  cancellation_fee: {basis: preparation, decision: required}
"""
STORY = """
nacht:
  timezone: America/New_York
  publish: [calendars/nachts, agreements/nachtdienst]
  customers:
    eule: {body: {name: Owl Inc, kind: company}, contracts: [{agreement: nachtdienst, plan: night, from: 2026-01-01}]}
  tickets:
    alarm:
      create: {customer: eule, received_at: 2026-03-06 12:00, channel: phone, suggested_severity: green}
      entitled: true
      then:
        - {at: 2026-03-06 12:05, as: specialist, post: severity, body: {severity: red}}
        - {as: customer, post: appointments, body: {kind: visit, proposals: [2026-03-10 23:00]}}
        - {as: agent, post: appointments/1/booking, body: {start: 2026-03-10 23:00}}
        - at: 2026-03-06 23:10
          as: agent
          post: /v1/tickets/{alarm}/time-entries
          body: {start: 2026-03-06 23:00, minutes: 10, activity: preparation, agent: a, appointment: 1}
        - {at: 2026-03-06 23:20, as: agent, post: responses, body: {channel: phone, text: Done}}
        - {at: 2026-03-10 12:00, as: customer, post: appointments/1/cancellation, body: {by: customer}}
        - {as: billing, decide: cancellation, body: {decision: waive, reason: goodwill}}
        - {worklist: [alarm]}
      timers:
        - {metric: next_response, state: missed, started_at: "2026-03-06T17:00:00Z", missed_at: 2026-03-07T04:00:00Z}
  refused:
    - {at: 2026-03-06 12:06, as: agent, ticket: alarm, post: severity, body: {severity: green}, status: 403}
    - as: customer
      customer: eule
      post: "/v1/customers/{eule}/contracts"
      body: {agreement: nachtdienst, from: 2026-01-01}
      status: 403
  previews:
    eule:
      until: 2026-03-31
      lines:
        - {kind: cancellation, ticket: alarm, minutes: 15, amount: "20.00"}
        - {kind: waiver, ticket: alarm, amount: "-20.00"}
      net: "0.00"
    eule.contract: {until: 2026-03-05, lines: [], net: "0.00"}
"""


def test_a_story_of_ones_own_is_played_once_and_compared(start_stack: StartStack, tmp_path: Path) -> None:
    for kind, name, text in (("calendars", "nachts", CALENDAR), ("agreements", "nachtdienst", AGREEMENT)):
        (tmp_path / "terms" / kind).mkdir(parents=True)
        (tmp_path / "terms" / kind / f"{name}.yaml").write_text(dedent(text))
    story = tmp_path / "night.yaml"
    story.write_text(STORY)
    stack = start_stack("serve")
    stack.wait_for("ready: ")

    def told(command: str) -> tuple[int, str]:
        words = [
            command,
            str(story),
            "--var",
            str(stack.folder),
            "--port",
            str(stack.port),
            "--terms",
            str(tmp_path / "terms"),
        ]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "fristwerk_local", *words], capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    code, shown = told("play")
    assert "Everything came out as night says." in shown, shown
    assert code == 0

    story.write_text(STORY.replace('net: "0.00"\n', 'net: "1.00"\n', 1))
    code, shown = told("check")
    assert "nacht/eule, preview: net is 0.00 instead of 1.00" in shown, shown
    assert code == 1
