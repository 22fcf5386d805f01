"""Contracts: given events, when a command, then facts or a refusal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.customers import (
    AddonBooked,
    AddonEnded,
    BookedAddon,
    ContractSigned,
    ContractTerminated,
    CustomerRegistered,
    PackagePurchased,
    PersonForgotten,
)
from fristwerk_language.terms import AgreementDocument, agreement_document, read_yaml
from ticket_service.domain.contract import decide as contracts
from ticket_service.domain.contract.commands import BookAddon, BuyPackage, EndAddon, Terminate
from ticket_service.domain.contract.evolve import apply
from ticket_service.domain.contract.signing import SignContract, WantedAddon, sign
from ticket_service.domain.contract.state import Contract, addons_in_force, in_force
from ticket_service.domain.customer.evolve import apply as apply_to_customer
from ticket_service.domain.errors import NotAcceptable, NotInThisState

AGREEMENTS = Path(__file__).parents[4] / "deploy/local/src/fristwerk_local/terms/agreements"
NEW_YEAR, MARCH, LAST_DAY = date(2026, 1, 1), date(2026, 3, 16), date(2026, 12, 31)
AT = datetime(2026, 3, 16, 8, tzinfo=UTC)
CUSTOMER = apply_to_customer(None, CustomerRegistered(customer="c-1", kind="company", name="Muster Treuhand AG"), AT)


def agreement(name: str) -> AgreementDocument:
    return agreement_document(read_yaml((AGREEMENTS / f"{name}.yaml").read_bytes()))


def signed(agreement_name: str, **keys: Any) -> ContractSigned:
    wanted: dict[str, Any] = {"agreement": agreement_name, "from_on": NEW_YEAR} | keys
    command = SignContract(**wanted)
    [fact] = sign(CUSTOMER, "k-1", command, agreement(agreement_name), 3)
    assert isinstance(fact.event, ContractSigned)
    assert fact.personal is None
    return fact.event


def refused(agreement_name: str, **keys: Any) -> NotAcceptable:
    with pytest.raises(NotAcceptable) as refusal:
        signed(agreement_name, **keys)
    return refusal.value


def given(*events: Any) -> Contract:
    contract = reduce(apply, events, None)
    assert contract is not None
    return contract


def all_inclusive(**keys: Any) -> ContractSigned:
    return signed("liveagent", plan="all_inclusive", **keys)


def test_a_contract_is_signed_under_the_version_in_force() -> None:
    assert signed("infoniqa", plan="m", package_hours=4, until_on=LAST_DAY) == ContractSigned(
        contract="k-1",
        customer="c-1",
        agreement="infoniqa",
        agreement_version=3,
        plan="m",
        package_hours=4,
        from_on=NEW_YEAR,
        until_on=LAST_DAY,
    )


def test_a_plan_with_several_package_sizes_needs_one_of_them() -> None:
    assert [pointer for pointer, _ in refused("infoniqa", plan="m").errors] == ["/package_hours"]
    assert refused("infoniqa", plan="m", package_hours=10).errors == [
        ("/package_hours", "a package has 4 or 8 or 16 hours, not 10")
    ]


def test_a_plan_with_one_package_size_has_it_without_being_told() -> None:
    assert signed("infoniqa", plan="l").package_hours == 24
    assert signed("infoniqa", plan="l", package_hours=24).package_hours == 24


def test_a_plan_with_one_package_size_has_no_other() -> None:
    assert [pointer for pointer, _ in refused("infoniqa", plan="l", package_hours=16).errors] == ["/package_hours"]


def test_a_plan_without_package_takes_no_package_hours() -> None:
    assert signed("infoniqa", plan="on_demand").package_hours is None
    assert refused("infoniqa", plan="on_demand", package_hours=4).errors == [
        ("/package_hours", "plan 'on_demand' has no package")
    ]


def test_a_plan_must_be_one_of_the_agreements() -> None:
    assert refused("infoniqa", plan="xl", package_hours=4).errors == [("/plan", "agreement infoniqa has no plan 'xl'")]


def test_a_contract_without_plan_is_refused_where_the_agreement_has_plans() -> None:
    assert [pointer for pointer, _ in refused("infoniqa").errors] == ["/plan"]


def test_a_contract_without_plan_is_taken_where_the_agreement_has_none() -> None:
    plain = agreement_document(
        {
            "agreement": "plain",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "calendar": "always",
            "severities": [{"id": "normal", "name": "Normal"}],
            "channels": ["email"],
        }
    )
    [fact] = sign(CUSTOMER, "k-1", SignContract(agreement="plain", from_on=NEW_YEAR), plain, 1)
    assert isinstance(fact.event, ContractSigned)
    assert fact.event.plan is None


def test_the_site_is_the_named_one_else_the_first() -> None:
    assert signed("hamburg", plan="maintenance", site="woking").site == "woking"
    assert signed("hamburg", plan="maintenance").site == "hamburg"
    assert signed("infoniqa", plan="l").site is None


@pytest.mark.parametrize(("name", "plan"), [("hamburg", "maintenance"), ("infoniqa", "l")])
def test_a_site_that_the_agreement_does_not_have_is_refused(name: str, plan: str) -> None:
    assert refused(name, plan=plan, site="luzern").errors == [("/site", f"agreement {name} has no site 'luzern'")]


def test_the_group_is_the_named_one_else_the_first_entitled() -> None:
    plan = "service_and_maintenance"
    assert signed("fluxpunkt", plan=plan, group="no_contract").group == "no_contract"
    assert signed("fluxpunkt", plan=plan).group == "contract"
    assert signed("infoniqa", plan="l").group is None


def test_a_contract_is_never_put_into_a_group_without_entitlement() -> None:
    groups = [{"id": "no_contract", "entitled": False}, {"id": "contract"}]
    terms = agreement_document(read_yaml((AGREEMENTS / "fluxpunkt.yaml").read_bytes()) | {"groups": groups})
    command = SignContract(agreement="fluxpunkt", plan="service_and_maintenance", from_on=NEW_YEAR)
    [fact] = sign(CUSTOMER, "k-1", command, terms, 1)
    assert isinstance(fact.event, ContractSigned)
    assert fact.event.group == "contract"


def test_a_group_that_the_agreement_does_not_have_is_refused() -> None:
    refusal = refused("fluxpunkt", plan="service_and_maintenance", group="vip")
    assert refusal.errors == [("/group", "agreement fluxpunkt has no group 'vip'")]


def test_a_contract_ends_on_its_first_day_at_the_earliest() -> None:
    assert signed("infoniqa", plan="l", until_on=NEW_YEAR).until_on == NEW_YEAR
    [(pointer, _)] = refused("infoniqa", plan="l", until_on=date(2025, 12, 31)).errors
    assert pointer == "/until"


def test_all_wrong_places_of_a_contract_are_named_at_once() -> None:
    refusal = refused("infoniqa", plan="xl", site="x", group="x", until_on=date(2025, 1, 1))
    assert [pointer for pointer, _ in refusal.errors] == ["/plan", "/site", "/group", "/until"]


def test_an_addon_signed_with_the_contract_starts_with_it_unless_it_says_when() -> None:
    support = WantedAddon(addon="dedicated_support")
    assert all_inclusive(addons=[support]).addons == [BookedAddon(addon="dedicated_support", from_on=NEW_YEAR)]
    later = WantedAddon(addon="dedicated_support", from_on=MARCH)
    assert all_inclusive(addons=[later]).addons == [BookedAddon(addon="dedicated_support", from_on=MARCH)]


def test_an_addon_on_another_plan_than_the_required_one_is_refused() -> None:
    refusal = refused("liveagent", plan="small", addons=[WantedAddon(addon="dedicated_support")])
    assert refusal.code == "addon-requires-plan"
    assert [pointer for pointer, _ in refusal.errors] == ["/addons/0/addon"]
    assert "requires plan 'all_inclusive'; the contract has plan 'small'" in refusal.detail


@pytest.mark.parametrize(
    ("addons", "pointers"),
    [
        ([WantedAddon(addon="sauna")], ["/addons/0/addon"]),
        ([WantedAddon(addon="dedicated_support")] * 2, ["/addons/1/addon"]),
        ([WantedAddon(addon="dedicated_support", from_on=date(2025, 12, 31))], ["/addons/0/from"]),
    ],
    ids=["unknown", "twice", "before the contract"],
)
def test_an_impossible_addon_is_refused(addons: list[WantedAddon], pointers: list[str]) -> None:
    assert [pointer for pointer, _ in refused("liveagent", plan="all_inclusive", addons=addons).errors] == pointers


def test_a_forgotten_person_signs_nothing() -> None:
    registered = CustomerRegistered(customer="c-2", kind="person")
    forgotten = apply_to_customer(apply_to_customer(None, registered, AT), PersonForgotten(customer="c-2"), AT)
    command = SignContract(agreement="infoniqa", plan="l", from_on=NEW_YEAR)
    with pytest.raises(NotInThisState) as refusal:
        sign(forgotten, "k-1", command, agreement("infoniqa"), 1)
    assert refusal.value.code == "customer-forgotten"


def test_the_command_is_read_from_the_words_of_the_interface() -> None:
    body = b'{"agreement": "liveagent", "plan": "all_inclusive", "from": "2026-06-01", "addons": [{"addon": "a"}]}'
    command = msgspec.json.decode(body, type=SignContract)
    assert (command.from_on, command.addons[0].from_on) == (date(2026, 6, 1), None)


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2025, 12, 31), False),
        (NEW_YEAR, True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_a_contract_holds_from_its_first_to_its_last_day(*, day: date, holds: bool) -> None:
    contract = given(all_inclusive(until_on=LAST_DAY), ContractTerminated(contract="k-1", until_on=date(2026, 6, 30)))
    assert in_force(contract, day) is holds


def test_a_contract_without_end_holds_on() -> None:
    assert in_force(given(all_inclusive()), date(2099, 1, 1))


def test_a_termination_names_the_last_day() -> None:
    [fact] = contracts.terminate(given(all_inclusive()), Terminate(until_on=LAST_DAY))
    assert fact.event == ContractTerminated(contract="k-1", until_on=LAST_DAY)


def test_the_same_termination_again_is_no_new_fact() -> None:
    contract = given(all_inclusive(), ContractTerminated(contract="k-1", until_on=LAST_DAY))
    assert contracts.terminate(contract, Terminate(until_on=LAST_DAY)) == []


@pytest.mark.parametrize("until", [date(2025, 12, 31), date(2027, 1, 1)])
def test_a_termination_lies_within_the_contract(until: date) -> None:
    with pytest.raises(NotAcceptable) as refusal:
        contracts.terminate(given(all_inclusive(until_on=LAST_DAY)), Terminate(until_on=until))
    assert refusal.value.errors[0][0] == "/until"


def test_a_further_package_is_bought_beside_the_plans_own() -> None:
    contract = given(signed("infoniqa", plan="m", package_hours=4))
    command = BuyPackage(hours=8, from_on=MARCH)
    [fact] = contracts.buy_package(contract, "p-1", command, agreement("infoniqa"))
    purchased = PackagePurchased(contract="k-1", package="p-1", hours=8, from_on=MARCH)
    assert fact.event == purchased
    assert apply(contract, purchased).packages == (purchased,)


@pytest.mark.parametrize(
    ("hours", "day", "pointer"), [(10, MARCH, "/hours"), (0, MARCH, "/hours"), (8, date(2025, 12, 31), "/from")]
)
def test_a_further_package_has_one_of_the_plans_sizes_and_a_day_of_the_contract(
    hours: int, day: date, pointer: str
) -> None:
    contract = given(signed("infoniqa", plan="m", package_hours=4))
    with pytest.raises(NotAcceptable) as refusal:
        contracts.buy_package(contract, "p-1", BuyPackage(hours=hours, from_on=day), agreement("infoniqa"))
    assert [place for place, _ in refusal.value.errors] == [pointer]


@pytest.mark.parametrize(("name", "plan"), [("infoniqa", "on_demand"), ("hamburg", "maintenance")])
def test_where_no_packages_are_sold_none_can_be_bought(name: str, plan: str) -> None:
    contract = given(signed(name, plan=plan))
    with pytest.raises(NotAcceptable) as refusal:
        contracts.buy_package(contract, "p-1", BuyPackage(hours=4, from_on=MARCH), agreement(name))
    assert refusal.value.code == "no-package-terms"


def test_an_addon_is_booked_later() -> None:
    contract = given(all_inclusive())
    [fact] = contracts.book_addon(contract, BookAddon(addon="dedicated_support", from_on=MARCH), agreement("liveagent"))
    assert fact.event == AddonBooked(contract="k-1", addon="dedicated_support", from_on=MARCH)


def test_a_later_addon_requires_its_plan_too() -> None:
    contract = given(signed("liveagent", plan="small"))
    with pytest.raises(NotAcceptable) as refusal:
        contracts.book_addon(contract, BookAddon(addon="dedicated_support", from_on=MARCH), agreement("liveagent"))
    assert (refusal.value.code, refusal.value.errors[0][0]) == ("addon-requires-plan", "/addon")


@pytest.mark.parametrize(
    ("addon", "day", "pointer"),
    [("sauna", MARCH, "/addon"), ("dedicated_support", date(2025, 12, 31), "/from")],
)
def test_an_impossible_later_addon_is_refused(addon: str, day: date, pointer: str) -> None:
    with pytest.raises(NotAcceptable) as refusal:
        contracts.book_addon(given(all_inclusive()), BookAddon(addon=addon, from_on=day), agreement("liveagent"))
    assert [place for place, _ in refusal.value.errors] == [pointer]


def test_an_addon_is_not_booked_twice_for_the_same_day() -> None:
    booked = AddonBooked(contract="k-1", addon="dedicated_support", from_on=NEW_YEAR)
    ended = AddonEnded(contract="k-1", addon="dedicated_support", until_on=MARCH)
    again = BookAddon(addon="dedicated_support", from_on=MARCH)
    for contract in (given(all_inclusive(), booked), given(all_inclusive(), booked, ended)):
        with pytest.raises(NotInThisState) as refusal:
            contracts.book_addon(contract, again, agreement("liveagent"))
        assert refusal.value.code == "addon-already-booked"


def test_an_ended_addon_can_be_booked_anew_and_each_booking_counts_on_its_days() -> None:
    contract = given(
        all_inclusive(),
        AddonBooked(contract="k-1", addon="dedicated_support", from_on=NEW_YEAR),
        AddonEnded(contract="k-1", addon="dedicated_support", until_on=MARCH),
    )
    command = BookAddon(addon="dedicated_support", from_on=date(2026, 6, 1))
    [fact] = contracts.book_addon(contract, command, agreement("liveagent"))
    assert isinstance(fact.event, AddonBooked)
    after = apply(contract, fact.event)
    days = [NEW_YEAR, MARCH, date(2026, 3, 17), date(2026, 5, 31), date(2026, 6, 1)]
    assert [bool(addons_in_force(after, day)) for day in days] == [True, True, False, False, True]


def test_of_several_bookings_of_an_addon_the_last_one_ends() -> None:
    june = date(2026, 6, 1)
    contract = given(
        all_inclusive(),
        AddonBooked(contract="k-1", addon="dedicated_support", from_on=NEW_YEAR),
        AddonEnded(contract="k-1", addon="dedicated_support", until_on=MARCH),
        AddonBooked(contract="k-1", addon="dedicated_support", from_on=june),
    )
    [fact] = contracts.end_addon(contract, EndAddon(addon="dedicated_support", until_on=LAST_DAY))
    assert isinstance(fact.event, AddonEnded)
    after = apply(contract, fact.event)
    assert [(each.from_on, each.until_on) for each in after.addons] == [(NEW_YEAR, MARCH), (june, LAST_DAY)]


def test_no_addon_outlives_its_contract() -> None:
    contract = given(
        all_inclusive(addons=[WantedAddon(addon="dedicated_support")]),
        ContractTerminated(contract="k-1", until_on=MARCH),
    )
    assert addons_in_force(contract, MARCH) == ["dedicated_support"]
    assert addons_in_force(contract, date(2026, 3, 17)) == []


def test_an_addon_ends_on_its_last_day() -> None:
    contract = given(all_inclusive(addons=[WantedAddon(addon="dedicated_support")]))
    command = EndAddon(addon="dedicated_support", until_on=MARCH)
    [fact] = contracts.end_addon(contract, command)
    ended = AddonEnded(contract="k-1", addon="dedicated_support", until_on=MARCH)
    assert fact.event == ended
    assert contracts.end_addon(apply(contract, ended), command) == []


def test_the_end_of_an_addon_can_be_brought_forward_and_not_put_off() -> None:
    contract = given(
        all_inclusive(addons=[WantedAddon(addon="dedicated_support")]),
        AddonEnded(contract="k-1", addon="dedicated_support", until_on=MARCH),
    )
    earlier = EndAddon(addon="dedicated_support", until_on=date(2026, 2, 28))
    assert contracts.end_addon(contract, earlier) != []
    with pytest.raises(NotInThisState) as refusal:
        contracts.end_addon(contract, EndAddon(addon="dedicated_support", until_on=LAST_DAY))
    assert refusal.value.code == "addon-ended"


def test_an_addon_that_was_never_booked_cannot_end() -> None:
    with pytest.raises(NotInThisState) as refusal:
        contracts.end_addon(given(all_inclusive()), EndAddon(addon="dedicated_support", until_on=MARCH))
    assert refusal.value.code == "addon-not-booked"


def test_an_addon_does_not_end_before_it_begins() -> None:
    contract = given(all_inclusive(addons=[WantedAddon(addon="dedicated_support", from_on=MARCH)]))
    with pytest.raises(NotAcceptable) as refusal:
        contracts.end_addon(contract, EndAddon(addon="dedicated_support", until_on=NEW_YEAR))
    assert [pointer for pointer, _ in refusal.value.errors] == ["/until"]
