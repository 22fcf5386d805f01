"""Traces: every line leads back to events and clauses, and its steps come to its amount."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from billing_service.domain.explanation.messages import amount, number, sentences
from billing_service.domain.explanation.trace import resting_on, trace
from billing_service.domain.invoice import invoice
from billing_service.domain.money import Money
from fristwerk_language.events import customers, tickets
from fristwerk_language.terms import AgreementDocument
from tests.billing_service.conftest import Story


def names(line: Any) -> Any:
    return [step.name for step in trace(line).steps]


@pytest.fixture
def muster(story: type[Story], shipped: dict[str, AgreementDocument]) -> Any:
    account = story(shipped["infoniqa"], plan="m", package_hours=4)
    account.log("a", "2026-06-05 09:00", 50)
    account.log("a", "2026-06-05 10:15", 170)
    account.log("b", "2026-06-30 10:20", 50)
    account.late_cancellation("c", 90)
    account.decide(account.rate().open_decisions[0], "charge", "2026-06-01 10:00")
    return account


def test_a_line_leads_back_to_its_events_and_clauses(muster: Any) -> None:
    statement = muster.rate("2026-06-30")
    allowance = next(line for line in statement.lines if line.kind == "allowance" and line.ticket == "a")
    told = trace(allowance)
    assert told.sources == ("ticket-a-2", "ticket-a-3")
    assert told.clauses == ("/billing/package",)
    assert (told.agreement, told.agreement_version) == ("infoniqa", 1)
    assert [step.rule for step in told.steps] == ["R1", "R1", "R3"]
    assert told.steps[1].figures["minutes"] == 225
    assert resting_on(statement.lines, "ticket-a-2") == (allowance,)
    msgspec.json.encode(told)


def test_the_last_step_of_every_line_comes_to_its_amount(
    muster: Any, shipped: dict[str, AgreementDocument], story: type[Story]
) -> None:
    with_addon = story(
        shipped["liveagent"],
        plan="all_inclusive",
        addons=[customers.BookedAddon(addon="dedicated_support", from_on=date(2026, 6, 16))],
    )
    lines = [*muster.rate("2026-06-30").lines, *with_addon.rate("2026-07-31").lines]
    assert {line.kind for line in lines} == {"allowance", "overage", "cancellation", "addon"}
    for line in lines:
        assert trace(line).steps[-1].figures["amount"] == line.amount


def test_overage_is_told_in_sentences_as_the_country_writes(muster: Any) -> None:
    line = next(line for line in muster.rate("2026-06-30").lines if line.kind == "overage")
    assert sentences(trace(line).steps, "de-CH") == [
        "Erfasste Arbeit: 30.06.2026 50 min, zusammen 50 Minuten.",
        "50 Minuten werden einmal im 15-Minuten-Takt aufgerundet: 60 Minuten.",
        "Von 60 Minuten bleiben nach 15 aus Kontingenten 45, verrechnet im 15-Minuten-Takt: 45 Minuten.",
        "45 Minuten zu CHF 195.00 je Stunde ergeben CHF 146.25.",
    ]
    assert sentences(trace(line).steps, "en-GB")[-1] == "45 minutes at CHF 195.00 an hour come to CHF 146.25."


def test_a_late_cancellation_is_told(muster: Any) -> None:
    line = next(line for line in muster.rate("2026-06-30").lines if line.kind == "cancellation")
    first, *_, last = sentences(trace(line).steps, "de-CH")
    assert first == (
        "Termin 1 am 12.05.2026 07:00 UTC wurde am 12.05.2026 06:00 UTC abgesagt, weniger als 24 Stunden vorher."
    )
    assert last == "90 Minuten zu CHF 195.00 je Stunde ergeben CHF 292.50."


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
def test_a_waived_missed_appointment_and_a_minimum_are_told(story: type[Story], language: str) -> None:
    account = story(
        {"appointments": {"cancellation": {"notice_hours": 24, "written": True}}}
        | {"billing": {"hourly": {"rate": "60.00", "increment_minutes": 15}, "minimum_charge": {"amount": "100.00"}}}
    )
    account.versions[1] = account.versions[1].model_copy(
        update={"billing": account.versions[1].billing.model_copy(update={"cancellation_fee": _fee()})}
    )
    account.ticket("T")
    booked = tickets.AppointmentBooked(appointment=1, start=account.instant("2026-05-12 09:00"))
    account.tell("T", booked, "2026-05-01 09:00")
    account.log("T", "2026-05-08 10:00", 60, activity="preparation", appointment=1)
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-05-12 10:00")
    account.log("T", "2026-05-13 10:00", 60)
    fee = next(line for line in account.rate().lines if line.kind == "cancellation")
    account.decide(fee.charge, "waive", "2026-05-14 10:00", reason="bus strike")
    told = {line.kind: sentences(trace(line).steps, language)[0] for line in account.rate().lines}
    german = language == "de-DE"
    assert told["cancellation"].endswith("wurde versäumt." if german else "was missed.")
    assert told["waiver"].startswith("clerk-1 verzichtet auf EUR 60,00" if german else "clerk-1 decided not to charge")
    assert told["minimum_top_up"] == (
        "EUR 60,00 liegen unter der Mindestpauschale EUR 100,00: EUR 40,00 kommen hinzu."
        if german
        else "EUR 60.00 are less than the minimum of EUR 100.00: EUR 40.00 are added."
    )


def test_a_difference_is_told_from_the_whole(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 10, entry="e")
    billed = account.rate("2026-05-31").lines
    account.log("T", "2026-05-04 11:00", 40)
    (more,) = invoice.difference(account.rate().lines, billed)
    assert names(more) == ["entries", "rounded", "priced", "changed"]
    assert sentences(trace(more).steps, "de-DE")[-1] == (
        "Von insgesamt EUR 120,00 sind EUR 30,00 bereits verrechnet: es bleiben EUR 90,00."
    )
    (gone,) = invoice.difference((), billed)
    assert names(gone)[-1] == "withdrawn"
    assert sentences(trace(gone).steps, "en-GB")[-1] == (
        "EUR 30.00 were invoiced before and are no longer owed: EUR -30.00."
    )


def test_factors_weights_and_coverage_are_told(story: type[Story]) -> None:
    prepaid = {
        "plans": {"m": {"package_hours": [1]}},
        "package": {"increment_minutes": 15, "overage_rate": "180.00"},
        "hourly": {"rate": "100.00", "increment_minutes": 30},
        "coverage": [{"activity": "maintenance", "billable": False}],
    }
    account = story({"billing": prepaid}, plan="m", package_hours=1)
    account.ticket("T", type="quick_normal")
    account.log("T", "2026-05-04 10:00", 10)
    account.log("T", "2026-05-04 11:00", 10, activity="maintenance")
    account.log("T", "2025-05-04 11:00", 10)
    told = {line.kind: sentences(trace(line).steps, "en-GB") for line in account.rate().lines}
    assert told["allowance"][2:] == [
        "The rate factor 1.5 weights 15 minutes to 22.5.",
        "Of 22.5 minutes packages give 22.5 (c-1/2026-01-01).",
    ]
    assert told["hourly"][2:] == [
        "The rate of EUR 100.00 an hour times the factor 1.5 is EUR 150.00.",
        "30 minutes at EUR 150.00 an hour come to EUR 75.00.",
    ]
    assert told["free"][1] == "The coverage rule /billing/coverage/0 makes this work free of charge."


@pytest.mark.parametrize(
    ("language", "written"), [("de-CH", "CHF 1’234.50"), ("de-DE", "CHF 1.234,50"), ("en-GB", "CHF 1,234.50")]
)
def test_amounts_are_written_as_the_country_writes_them(language: str, written: str) -> None:
    assert amount(Money(Decimal("1234.50"), "CHF"), language) == written
    assert number(1234, language) == written[4:9]


def _fee() -> Any:
    from fristwerk_language.terms.billing import CancellationFeeTerms

    return CancellationFeeTerms()
