"""Late cancellations where the agreement has no price for them, or their appointment was never booked (R6, R7)."""

from __future__ import annotations

from typing import Any

from fristwerk_language.events import tickets
from tests.billing_service.conftest import Story

PACKAGE = {"increment_minutes": 15, "overage_rate": "195.00"}
CANCELLATION = {"cancellation": {"notice_hours": 24, "written": True}}


def agreement(**billing: Any) -> dict[str, Any]:
    given = {
        "plans": {"m": {"package_hours": [1, 2]}},
        "package": PACKAGE,
        "cancellation_fee": {"decision": "required"},
    }
    return {"appointments": CANCELLATION, "billing": given | billing}


def test_a_late_cancellation_without_an_hourly_rate_has_no_price_and_its_preparation_is_not_billed() -> None:
    story = Story(agreement(), plan="m", package_hours=1)
    story.late_cancellation("T", 60)

    statement = story.rate()

    assert [each for each in statement.lines if each.kind == "cancellation"] == []
    assert ["T" in each.detail and "appointment 1" in each.detail for each in statement.violations] == [True]
    assert [(each.minutes, each.reason) for each in statement.not_rated] == [(60, "preparation")]


def test_preparation_of_an_appointment_that_was_never_booked_is_not_billed() -> None:
    story = Story(agreement(hourly={"rate": "120.00", "increment_minutes": 15}))
    story.log("T", "2026-05-08 10:00", 60, activity="preparation", appointment=1)
    story.tell("T", tickets.AppointmentCancelled(appointment=1, by="customer"), "2026-05-12 08:00")

    statement = story.rate()

    assert statement.lines == ()
    assert statement.open_decisions == ()
    assert [(each.minutes, each.reason) for each in statement.never_charged] == [(60, "cancelled_in_time")]
