"""Agreement documents: what is taken, what it means, and what is refused where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fristwerk_language.terms import AgreementDocument, TermsError, agreement_document, canonical, digest

SMALLEST: dict[str, Any] = {
    "agreement": "support",
    "timezone": "Europe/Zurich",
    "currency": "CHF",
    "calendar": "office",
    "severities": [{"id": "high", "name": "High"}, {"id": "low", "name": "Low"}],
    "channels": ["email", "phone"],
}


def agreement(**keys: Any) -> AgreementDocument:
    return agreement_document(SMALLEST | keys)


def refused(**keys: Any) -> list[str]:
    with pytest.raises(TermsError) as refusal:
        agreement(**keys)
    assert all(sentence for _, sentence in refusal.value.errors)
    return [pointer for pointer, _ in refusal.value.errors]


def level(**keys: Any) -> dict[str, Any]:
    return {"service_levels": [{"metric": "first_response", "target": "2 business hours"} | keys]}


def billing(**keys: Any) -> dict[str, Any]:
    return {"billing": keys}


def test_the_smallest_agreement_has_the_documented_defaults() -> None:
    document = agreement()
    assert document.set_severity == ["agent", "specialist", "manager"]
    assert document.worklist.order == ["priority", "severity", "received_at"]
    assert document.entitlement == ["contract"]
    assert document.priority_change.requires == ["reason", "agreement"]
    assert document.lifecycle.bill_when == "logged"
    assert document.billing.rounding.scope == "ticket_day"
    assert (document.default, document.warn_at, document.unclassified, document.cost_approval) == (
        False,
        [],
        None,
        None,
    )


def test_the_canonical_form_of_the_smallest_agreement_reads_back() -> None:
    assert agreement_document(canonical(agreement())) == agreement()


def test_words_of_work_are_the_agreements_and_the_products_and_no_part_of_the_document() -> None:
    document = agreement(activities=["travel", "call"])

    assert document.known_activities == ("travel", "call", "message", "preparation", "remote_session")
    assert document == agreement_document(canonical(document))
    assert "known_activities" not in canonical(document)
    assert agreement().known_activities == ()


def test_the_documented_defaults_of_sections() -> None:
    document = agreement(
        groups=[{"id": "contract"}],
        service_levels=[{"metric": "follow_up", "target": "4 hours"}, {"metric": "resolution", "measure_only": True}],
        billing={
            "plans": {"m": {"package_hours": [4]}},
            "package": {"increment_minutes": 15, "overage_rate": "195.00"},
            "minimum_charge": {"amount": "100.00"},
            "cancellation_fee": {},
            "addons": {"dedicated": {"monthly_price": "1000.00"}},
        },
    )
    package = document.billing.package
    assert package is not None
    assert (package.overage_increment_minutes, package.term, package.carry_over) == (None, "contract_year", False)
    assert (package.after_expiry, package.rate_factor) == ("hourly", "weight")
    assert document.billing.minimum_charge is not None
    assert (document.billing.minimum_charge.scope, document.billing.minimum_charge.applies_to) == ("ticket", ["hourly"])
    assert document.billing.cancellation_fee is not None
    assert document.billing.cancellation_fee.decision == "automatic"
    assert document.billing.cancellation_fee.settle_from == "invoice"
    assert document.billing.addons["dedicated"].proration == "daily"
    assert (document.groups[0].entitled, document.groups[0].priority) == (True, 3)
    assert document.service_levels[0].after == "customer_message"
    assert document.service_levels[0].pausing_states == ()
    assert document.service_levels[1].pausing_states == ("waiting_customer", "waiting_approval", "awaiting_acceptance")


def test_the_normal_ticket_type_always_exists() -> None:
    normal = agreement(ticket_types=[{"id": "quick"}]).ticket_type("normal")
    assert normal is not None
    assert normal.rate_factor == 1
    assert agreement().ticket_type("quick") is None


def test_the_calendar_is_the_channels_then_the_sites_then_the_general_one() -> None:
    sites = [{"id": "hamburg", "calendar": "hh"}, {"id": "woking", "calendar": "wok"}]
    document = agreement(calendars={"phone": "phones"}, sites=sites)
    assert document.calendar_for("phone", "woking") == "phones"
    assert document.calendar_for("email", "woking") == "wok"
    assert document.calendar_for("email", None) == "hh"
    assert agreement().calendar_for("email", None) == "office"


def test_an_agreement_names_all_its_calendars_with_their_places() -> None:
    document = agreement(calendars={"phone": "phones"}, sites=[{"id": "hamburg", "calendar": "hh"}])
    assert document.calendar_names == (
        ("/calendar", "office"),
        ("/calendars/phone", "phones"),
        ("/sites/0/calendar", "hh"),
    )


@pytest.mark.parametrize(
    ("written", "other"),
    [
        (level(target="2 business hours"), level(target="120 business minutes")),
        (level(target="7200 seconds"), level(target="2 hours")),
        (level(target="1 business day"), level(target="1 business days")),
        (level(warn_at=["50%"]), level(warn_at=["50%"], attempt_counts=False)),
        (
            billing(hourly={"rate": 195, "increment_minutes": 30}),
            billing(hourly={"rate": "195.00", "increment_minutes": 30}),
        ),
        (
            billing(hourly={"rate": Decimal("195.5"), "increment_minutes": 30}),
            billing(hourly={"rate": "195.500", "increment_minutes": 30}),
        ),
        ({"ticket_types": [{"id": "a", "rate_factor": 2}]}, {"ticket_types": [{"id": "a", "rate_factor": "2.0"}]}),
        ({"ticket_types": [{"id": "a"}]}, {"ticket_types": [{"id": "a", "rate_factor": "1"}]}),
    ],
)
def test_two_ways_to_write_the_same_have_one_canonical_form(written: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical(agreement(**written)) == canonical(agreement(**other))
    assert digest(canonical(agreement(**written))) == digest(canonical(agreement(**other)))


def test_amounts_are_written_with_cents_and_factors_without_idle_zeros() -> None:
    document = agreement(
        ticket_types=[{"id": "a", "rate_factor": "1.50"}, {"id": "b", "rate_factor": "10"}],
        billing={
            "hourly": {"rate": "120", "increment_minutes": 1},
            "cash_rounding": "0.05",
            "minimum_charge": {"amount": 100},
        },
    )
    data = canonical(document)
    assert [each["rate_factor"] for each in data["ticket_types"]] == ["1.5", "10"]
    assert data["billing"]["hourly"]["rate"] == "120.00"
    assert (data["billing"]["cash_rounding"], data["billing"]["minimum_charge"]["amount"]) == ("0.05", "100.00")


def test_figures_may_be_marked_as_examples_wherever_they_stand_without_effect() -> None:
    marked = agreement(
        example=True,
        **level(example=True),
        cost_approval={"after_minutes": 60, "example": True},
        billing={"minimum_charge": {"amount": "100.00", "example": True}, "plans": {"m": {"example": True}}},
    )
    assert marked.cost_approval is not None
    assert marked.cost_approval.example


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("4 hours", "4 hours"),
        ("90 minutes", "90 minutes"),
        ("30 business minutes", "30 business minutes"),
        ("90 seconds", "90 seconds"),
        ("10 business days", "10 business days"),
    ],
)
def test_a_target_names_its_clock(target: str, text: str) -> None:
    assert str(agreement(**level(target=target)).service_levels[0].target) == text


@pytest.mark.parametrize(
    "target",
    ["2h", "two hours", "0 hours", "-1 hours", "1 days", "1 worked days", "1.5 hours", "2  hours", "5000 business days",
     "999999999 hours", 120, None, "2 business hours\n"],
)  # fmt: skip
def test_a_target_that_is_no_span_is_refused(target: Any) -> None:
    assert refused(**level(target=target)) == ["/service_levels/0/target"]


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"metric": "first_answer"}, "/service_levels/0/metric"),
        ({"severity": "urgent"}, "/service_levels/0/severity"),
        ({"type": "quick"}, "/service_levels/0/type"),
        ({"group": "contract"}, "/service_levels/0/group"),
        ({"channel": "fax"}, "/service_levels/0/channel"),
        ({"site": "woking"}, "/service_levels/0/site"),
        ({"plan": "m"}, "/service_levels/0/plan"),
        ({"addon": "dedicated"}, "/service_levels/0/addon"),
        ({"customer": "muster"}, "/service_levels/0/customer"),
        ({"measure_only": True}, "/service_levels/0/measure_only"),
        ({"target": "60 worked minutes"}, "/service_levels/0/target"),
        ({"metric": "effort_notice"}, "/service_levels/0/target"),
        (
            {"metric": "effort_notice", "target": "60 worked minutes", "pauses_in": ["waiting_customer"]},
            "/service_levels/0/metric",
        ),
        ({"soft": "10 worked minutes"}, "/service_levels/0/soft"),
        ({"soft": "2 business hours"}, "/service_levels/0/soft"),
        ({"soft": "3 business hours"}, "/service_levels/0/soft"),
        ({"after": "both"}, "/service_levels/0/after"),
        ({"attempt_counts": True}, "/service_levels/0/metric"),
        ({"completed_by": "specialist"}, "/service_levels/0/metric"),
        ({"metric": "callback", "completed_by": "boss"}, "/service_levels/0/completed_by"),
        ({"pauses_in": ["lunch"]}, "/service_levels/0/pauses_in/0"),
        ({"warn_at": ["100%"]}, "/service_levels/0/warn_at/0"),
        ({"warn_at": ["50%", "0%"]}, "/service_levels/0/warn_at/1"),
        ({"warn_at": ["10 worked minutes"]}, "/service_levels/0/warn_at/0"),
    ],
)
def test_an_impossible_service_level_is_refused_at_its_place(line: dict[str, Any], pointer: str) -> None:
    assert refused(**level(**line)) == [pointer]


def test_a_line_without_target_must_say_that_it_only_measures() -> None:
    assert refused(service_levels=[{"metric": "resolution"}]) == ["/service_levels/0/target"]


def test_a_soft_target_on_another_clock_is_taken() -> None:
    assert agreement(**level(target="1 business days", soft="24 hours")).service_levels[0].soft is not None


def test_warnings_are_percentages_or_spans() -> None:
    document = agreement(warn_at=["75%", "30 business minutes"])
    assert [str(each) for each in document.warn_at] == ["75%", "30 business minutes"]
    assert refused(warn_at=["10 worked minutes"]) == ["/warn_at/0"]
    effort = {"metric": "effort_notice", "target": "60 worked minutes", "warn_at": ["75%", "10 worked minutes"]}
    assert len(agreement(service_levels=[effort]).service_levels[0].warn_at or []) == 2
    assert refused(service_levels=[effort | {"warn_at": ["10 minutes"]}]) == ["/service_levels/0/warn_at/0"]


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [
        ({"calender": "office"}, "/calender"),
        ({"calendar": None}, "/calendar"),
        ({"calendar": "office@2"}, "/calendar"),
        ({"calendars": {"fax": "office"}}, "/calendars/fax"),
        ({"calendars": {"my chat": "office"}}, "/calendars/my chat"),
        ({"currency": "Franken"}, "/currency"),
        ({"language": "deutsch"}, "/language"),
        ({"timezone": "CEST"}, "/timezone"),
        ({"severities": []}, "/severities"),
        ({"severities": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]}, "/severities/1"),
        ({"severities": [{"id": "a"}]}, "/severities/0/name"),
        ({"set_severity": ["customer"]}, "/set_severity/0"),
        ({"set_severity": []}, "/set_severity"),
        ({"channels": []}, "/channels"),
        ({"channels": ["email", "email"]}, "/channels/1"),
        ({"progress_channels": ["fax"]}, "/progress_channels/0"),
        ({"ticket_types": [{"id": "a"}, {"id": "a"}]}, "/ticket_types/1"),
        ({"ticket_types": [{"id": "a", "appointment": "optional"}]}, "/ticket_types/0/appointment"),
        ({"ticket_types": [{"id": "a", "rate_factor": "0"}]}, "/ticket_types/0/rate_factor"),
        ({"ticket_types": [{"id": "a", "rate_factor": 1.5}]}, "/ticket_types/0/rate_factor"),
        ({"ticket_types": [{"id": "a", "rate_factor": "double"}]}, "/ticket_types/0/rate_factor"),
        ({"services": ["a", "a"]}, "/services/1"),
        ({"groups": [{"id": "a"}, {"id": "a"}]}, "/groups/1"),
        ({"groups": [{"id": "a", "priority": 6}]}, "/groups/0/priority"),
        ({"groups": [{"id": "a", "priority": True}]}, "/groups/0/priority"),
        ({"groups": [{"id": "a", "entitled": "no"}]}, "/groups/0/entitled"),
        ({"sites": [{"id": "a", "calendar": "x"}, {"id": "a", "calendar": "y"}]}, "/sites/1"),
        ({"entitlement": []}, "/entitlement"),
        ({"entitlement": ["friendship"]}, "/entitlement/0"),
        ({"priority_change": {"requires": ["bribe"]}}, "/priority_change/requires/0"),
        ({"intake": {"assign": "manually"}}, "/intake/assign"),
        ({"intake": {"acknowledgement": {"costs": True}}}, "/intake/acknowledgement/costs"),
        ({"worklist": {"order": ["due_at"]}}, "/worklist/order/0"),
        ({"worklist": {"order": []}}, "/worklist/order"),
        ({"worklist": {"order": ["severity", "severity"]}}, "/worklist/order/1"),
        ({"worklist": {"order": ["rank"]}}, "/worklist/rank"),
        ({"worklist": {"rank": [{"severity": "urgent"}]}}, "/worklist/rank/0/severity"),
        ({"unclassified": "laxest"}, "/unclassified"),
        ({"calls": {"transfer_to": "friend"}}, "/calls/transfer_to"),
        ({"callback": {"requires": ["number"]}}, "/callback/requires/0"),
        ({"voicemail": {}}, "/voicemail/creates"),
        ({"closing": {"requires": ["everything"]}}, "/closing/requires/0"),
        ({"escalation": {"fallback": "boss"}}, "/escalation/contact"),
        ({"appointments": {"proposals": {"minimum": 0}}}, "/appointments/proposals/minimum"),
        ({"appointments": {"season": {"from": "02-30", "until": "03-01"}}}, "/appointments/season/from"),
        ({"appointments": {"season": {"from_": "10-15", "until": "01-31"}}}, "/appointments/season/from"),
        ({"appointments": {"cancellation": {"notice_hours": "24"}}}, "/appointments/cancellation/notice_hours"),
        (
            {"appointments": {"cancellation": {"notice_hours": 24, "measure": "guessed"}}},
            "/appointments/cancellation/measure",
        ),
        ({"cost_approval": {"after_minutes": -1}}, "/cost_approval/after_minutes"),
        ({"lifecycle": {"acceptance": "optional"}}, "/lifecycle/acceptance"),
        ({"lifecycle": {"bill_when": "paid"}}, "/lifecycle/bill_when"),
        ({"dedicated_agent": {"addon": "support"}}, "/dedicated_agent/addon"),
        ({"surveys": {}}, "/surveys/channels"),
        (billing(plan="m"), "/billing/plan"),
        (billing(plans={"m": {"package_hours": [4]}}), "/billing/plans/m/package_hours"),
        (billing(plans={"m": {"package_hours": [0]}}), "/billing/plans/m/package_hours/0"),
        (billing(plans={"my plan": {}}), "/billing/plans/my plan"),
        (
            billing(
                plans={"m": {"package_hours": [4, 4]}}, package={"increment_minutes": 15, "overage_rate": "195.00"}
            ),
            "/billing/plans/m/package_hours",
        ),
        (billing(package={"increment_minutes": 15}), "/billing/package/overage_rate"),
        (billing(package={"increment_minutes": 15.0, "overage_rate": "1"}), "/billing/package/increment_minutes"),
        (billing(hourly={"rate": 195.0, "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "-1", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "1e3", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": " 195", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "195,00", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "1.0000001", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "١٩٥", "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": True, "increment_minutes": 30}), "/billing/hourly/rate"),
        (billing(hourly={"rate": "195", "increment_minutes": 0}), "/billing/hourly/increment_minutes"),
        (billing(rounding={"scope": "week"}), "/billing/rounding/scope"),
        (billing(minimum_charge={"amount": "0"}), "/billing/minimum_charge/amount"),
        (billing(minimum_charge={"amount": "1", "applies_to": []}), "/billing/minimum_charge/applies_to"),
        (billing(cancellation_fee={"settle_from": "package"}), "/billing/cancellation_fee/settle_from"),
        (billing(cancellation_fee={"decision": "maybe"}), "/billing/cancellation_fee/decision"),
        (billing(coverage=[{"activity": "help"}]), "/billing/coverage/0/billable"),
        (billing(coverage=[{"plan": "m", "billable": False}]), "/billing/coverage/0/plan"),
        (billing(coverage=[{"group": "x", "billable": False}]), "/billing/coverage/0/group"),
        (billing(addons={"a": {"monthly_price": "1", "requires_plan": "m"}}), "/billing/addons/a/requires_plan"),
        (billing(vat={"country": "FR"}), "/billing/vat/country"),
        (billing(vat={"country": "DE", "rate": "19"}), "/billing/vat/rate"),
        (billing(cash_rounding="0"), "/billing/cash_rounding"),
    ],
)
def test_an_unknown_key_value_or_combination_is_refused_at_its_place(keys: dict[str, Any], pointer: str) -> None:
    assert pointer in refused(**keys)


def test_several_wrong_places_are_named_at_once_in_the_order_of_the_document() -> None:
    assert refused(currency="x", channels=[], default="no") == ["/currency", "/default", "/channels"]


def test_a_long_value_is_quoted_shortened() -> None:
    with pytest.raises(TermsError) as refusal:
        agreement(**level(target="9" * 10_000))
    assert len(str(refusal.value)) < 300
