"""The catalogue: given publications, when a document comes, then a new version, none, or a refusal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished, ClosedDay
from fristwerk_language.terms import (
    AgreementDocument,
    agreement_document,
    calendar_document,
    canonical,
    digest,
    read_yaml,
)
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.terms.comparison import DocumentChange, calendar_changes, diff
from ticket_service.domain.terms.evolve import apply as published_at
from ticket_service.domain.terms.publishing import (
    is_published,
    publication_warnings,
    publish_agreement,
    publish_calendar,
)
from ticket_service.domain.terms.state import Origin, Published, Version
from ticket_service.holidays import materialise

AGREEMENTS = Path(__file__).parents[4] / "deploy/local/src/fristwerk_local/terms/agreements"
NOTHING: Published[Any] = Published()
NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


def apply(published: Published[Version], event: Version, at: datetime = NOW) -> Published[Version]:
    """The versions after a publication at an instant, by default now."""
    return published_at(published, event, at, "admin-1")


def agreement(name: str = "infoniqa", **keys: Any) -> AgreementDocument:
    return agreement_document(read_yaml((AGREEMENTS / f"{name}.yaml").read_bytes()) | keys)


def shipped_calendar(name: str) -> CalendarPublished:
    document = read_yaml((AGREEMENTS.parent / "calendars" / f"{name}.yaml").read_bytes())
    return materialise(calendar_document(document), 1)


def calendar(version: int, *closed: tuple[str, str], **keys: Any) -> CalendarPublished:
    document = calendar_document(
        {"calendar": "office", "timezone": "Europe/Zurich", "hours": {"mon-fri": ["08:00-17:00"]}, "years": "2026"}
        | keys
    )
    return CalendarPublished(
        name="office",
        version=version,
        title=document.title,
        language=document.language,
        timezone=document.timezone,
        hours=document.hours,
        closed_days=[
            ClosedDay(on=date.fromisoformat(on), name=name, source="holidays CH-LU public", kind="holiday")
            for on, name in closed
        ],
        first_year=2026,
        last_year=2026,
        holidays_version="0.109",
        tzdata_version="2026a",
        document=canonical(document),
        digest="sha256:0",
    )


def test_the_first_agreement_becomes_version_one_with_its_digest() -> None:
    [fact] = publish_agreement(NOTHING, agreement(), {"infoniqa"}, NOW)
    data = canonical(agreement())
    assert fact.event == AgreementPublished(name="infoniqa", version=1, document=data, digest=digest(data))
    assert fact.personal is None


def test_publishing_the_same_agreement_again_makes_no_new_version() -> None:
    [fact] = publish_agreement(NOTHING, agreement(), {"infoniqa"}, NOW)
    assert isinstance(fact.event, AgreementPublished)
    published = apply(Published[AgreementPublished](), fact.event)
    assert is_published(published, agreement(), NOW)
    assert publish_agreement(published, agreement(), {"infoniqa"}, NOW) == []


def test_a_changed_agreement_becomes_the_next_version_and_supersedes_the_last() -> None:
    published: Published[AgreementPublished] = Published()
    for title in ("First", "Second", "First"):
        [fact] = publish_agreement(published, agreement(title=title), {"infoniqa"}, NOW)
        assert isinstance(fact.event, AgreementPublished)
        published = apply(published, fact.event)
    assert [each.version for each in published.versions] == [1, 2, 3]
    assert published.newest == published.version(3)
    assert [published.superseded_by(number, NOW) for number in (1, 2, 3)] == [3, 3, None]


def published_ahead() -> Published[AgreementPublished]:
    """The agreement as it is, and a dearer one announced for July."""
    published: Published[AgreementPublished] = Published()
    for keys in ({}, {"title": "July", "valid_from": "2026-07-01"}):
        [fact] = publish_agreement(published, agreement(**keys), {"infoniqa"}, NOW)
        assert isinstance(fact.event, AgreementPublished)
        published = apply(published, fact.event)
    return published


def test_a_version_published_ahead_supersedes_nothing_before_its_day() -> None:
    published, july = published_ahead(), datetime(2026, 7, 1, tzinfo=UTC)
    assert [published.in_force_at(at) for at in (NOW, july)] == [1, 2]
    assert [published.superseded_by(number, NOW) for number in (1, 2)] == [None, None]
    assert [published.superseded_by(number, july) for number in (1, 2)] == [2, None]


def test_publishing_what_is_in_force_again_makes_no_version_while_another_is_announced() -> None:
    published = published_ahead()
    assert publish_agreement(published, agreement(), {"infoniqa"}, NOW) == []
    assert publish_agreement(published, agreement(title="July", valid_from="2026-07-01"), {"infoniqa"}, NOW) == []
    assert len(publish_agreement(published, agreement(), {"infoniqa"}, NOW + timedelta(days=60))) == 1


def test_terms_are_not_published_for_days_that_have_been() -> None:
    published = published_ahead()
    with pytest.raises(NotAcceptable) as refusal:
        publish_agreement(published, agreement(title="June", valid_from="2026-06-02"), {"infoniqa"}, NOW)
    assert [pointer for pointer, _ in refusal.value.errors] == ["/valid_from"]
    assert publish_agreement(published, agreement(title="June", valid_from="2026-06-03"), {"infoniqa"}, NOW)


@pytest.mark.parametrize(
    ("target", "soft", "taken"),
    [
        ("4 hours", "2 business hours", False),
        ("30 hours", "1 business days", False),
        ("2 business hours", "4 hours", False),
        ("1 business days", "25 hours", False),
        ("1 business days", "24 hours", True),
        ("2 business hours", "1 hours", True),
        ("1 business days", "2 business hours", True),
    ],
)
def test_a_soft_target_that_could_be_later_than_the_target_is_refused(target: str, soft: str, *, taken: bool) -> None:
    line = {"metric": "first_response", "target": target, "soft": soft}
    document = agreement(service_levels=[{"metric": "resolution", "measure_only": True}, line])
    if taken:
        assert publish_agreement(NOTHING, document, {"infoniqa"}, NOW)
        return
    with pytest.raises(NotAcceptable) as refusal:
        publish_agreement(NOTHING, document, {"infoniqa"}, NOW)
    assert [pointer for pointer, _ in refusal.value.errors] == ["/service_levels/1/soft"]


def test_a_version_knows_when_it_was_published_and_by_whom() -> None:
    published = apply(Published[CalendarPublished](), calendar(1))
    assert published.origins == (Origin(NOW, "admin-1"),)


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_version_that_was_never_published_is_not_found(number: int) -> None:
    published = apply(Published[CalendarPublished](), calendar(1))
    with pytest.raises(NotFound) as refusal:
        published.version(number)
    assert refusal.value.code == "version-not-found"


def test_an_agreement_that_names_unknown_calendars_is_refused_at_each_place() -> None:
    with pytest.raises(NotAcceptable) as refusal:
        publish_agreement(NOTHING, agreement("liveagent"), {"always"}, NOW)
    assert refusal.value.code == "unknown-calendar"
    assert [pointer for pointer, _ in refusal.value.errors] == [
        "/calendar",
        "/calendars/dedicated_chat",
        "/calendars/dedicated_email",
        "/calendars/call",
        *(f"/service_levels/{number}/calendar" for number in (2, 3, 4, 7)),
    ]


@pytest.mark.parametrize(
    ("keys", "line", "warned"),
    [
        ({"calendar": "always"}, {"target": "2 business hours"}, True),
        ({"calendar": "always"}, {"target": "1 business days"}, True),
        ({"calendar": "always"}, {"target": "2 hours"}, False),
        ({"calendar": "always"}, {"target": "2 business hours", "calendar": "infoniqa"}, False),
        ({"calendar": "infoniqa"}, {"target": "2 business hours"}, False),
        ({"calendar": "infoniqa"}, {"target": "2 business hours", "calendar": "always"}, True),
        ({"calendars": {"email": "always"}}, {"target": "2 business hours"}, True),
        ({"calendars": {"email": "always"}}, {"target": "2 business hours", "channel": "email"}, True),
        ({"calendars": {"email": "always"}}, {"target": "2 business hours", "channel": "phone"}, False),
    ],
)
def test_business_time_on_a_calendar_that_never_closes_is_warned_of(keys: Any, line: Any, *, warned: bool) -> None:
    document = agreement(service_levels=[{"metric": "first_response"} | line], **keys)
    calendars = {name: shipped_calendar(name) for name in ("always", "infoniqa")}
    found = [each.pointer for each in publication_warnings(document, calendars)]
    assert found == (["/service_levels/0/target"] if warned else [])


def test_the_calendars_of_sites_must_exist_too() -> None:
    with pytest.raises(NotAcceptable) as refusal:
        publish_agreement(NOTHING, agreement("hamburg"), {"hamburg"}, NOW)
    assert refusal.value.errors == [("/sites/1/calendar", "there is no calendar 'woking'; publish it first")]


def test_a_calendar_is_published_as_it_was_materialised() -> None:
    first = calendar(1, ("2026-06-04", "Fronleichnam"))
    [fact] = publish_calendar(NOTHING, first)
    assert fact.event is first


def test_the_same_calendar_document_makes_no_new_version_even_if_the_library_has_moved_a_day() -> None:
    published = apply(Published[CalendarPublished](), calendar(1, ("2026-06-04", "Fronleichnam")))
    assert publish_calendar(published, calendar(2, ("2026-06-11", "Fronleichnam"))) == []


def test_a_changed_calendar_document_makes_the_next_version() -> None:
    published = apply(Published[CalendarPublished](), calendar(1))
    assert published.next_version == 2
    [fact] = publish_calendar(published, calendar(2, title="Longer hours", hours={"mon-fri": ["07:00-17:00"]}))
    assert isinstance(fact.event, CalendarPublished)
    assert apply(published, fact.event).newest == fact.event


def test_equal_documents_do_not_differ() -> None:
    assert diff(canonical(agreement()), canonical(agreement())) == []


def test_a_changed_value_is_named_with_its_place() -> None:
    old, new = canonical(agreement()), canonical(agreement())
    new["billing"]["package"]["overage_rate"] = "205.00"
    assert diff(old, new) == [DocumentChange(pointer="/billing/package/overage_rate", old="195.00", new="205.00")]


def test_a_line_put_in_front_is_one_change() -> None:
    old, new = canonical(agreement()), canonical(agreement())
    line = old["service_levels"][0] | {"channel": "phone"}
    new["service_levels"].insert(0, line)
    assert diff(old, new) == [DocumentChange(pointer="/service_levels/0", new=line)]


def test_a_line_taken_out_is_one_change_at_its_old_place() -> None:
    old, new = canonical(agreement()), canonical(agreement())
    line = new["service_levels"].pop(1)
    assert diff(old, new) == [DocumentChange(pointer="/service_levels/1", old=line)]


def test_a_changed_line_is_compared_key_by_key() -> None:
    old, new = canonical(agreement()), canonical(agreement())
    new["service_levels"][1]["target"] = "3 business hours"
    changed = DocumentChange(pointer="/service_levels/1/target", old="4 business hours", new="3 business hours")
    assert diff(old, new) == [changed]


def test_a_section_added_or_taken_away_is_one_change() -> None:
    old, new = canonical(agreement()), canonical(agreement())
    package = new["billing"].pop("package")
    assert diff(old, new) == [DocumentChange(pointer="/billing/package", old=package)]
    assert diff(new, old) == [DocumentChange(pointer="/billing/package", new=package)]


def test_keys_are_escaped_in_pointers() -> None:
    assert diff({"a/b~c": 1}, {"a/b~c": 2}) == [DocumentChange(pointer="/a~1b~0c", old=1, new=2)]


def test_the_differences_of_two_calendars_name_the_days_gained_and_lost() -> None:
    old = calendar(1, ("2026-06-04", "Fronleichnam"), ("2026-12-25", "Weihnachten"))
    new = calendar(2, ("2026-12-25", "Weihnachten"), ("2026-12-26", "Stephanstag"), closed_on="both")
    changes = calendar_changes(old, new)
    assert changes.changes == [DocumentChange(pointer="/closed_on", old="holiday", new="both")]
    assert [day.name for day in changes.closed_days_gained] == ["Stephanstag"]
    assert [day.name for day in changes.closed_days_lost] == ["Fronleichnam"]
