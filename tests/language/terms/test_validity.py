"""Validity: which of several published versions is in force at an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from fristwerk_language.terms import Publication, Validity

PUBLISHED = datetime(2026, 6, 3, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def publication(version: int, at: datetime = PUBLISHED, valid_from: date | None = None) -> Publication:
    return Publication(version=version, published_at=at, valid_from=valid_from, timezone="Europe/Zurich")


def test_the_first_version_covers_everything_before_it_whatever_day_it_names() -> None:
    validity = Validity([publication(1, valid_from=date(2026, 7, 1))])
    assert validity.version_at(datetime(1, 1, 1, tzinfo=UTC)) == 1


def test_a_version_without_a_day_is_in_force_from_its_publication_on() -> None:
    validity = Validity([publication(1, PUBLISHED - timedelta(days=90)), publication(2)])
    assert [validity.version_at(at) for at in (PUBLISHED - SECOND, PUBLISHED)] == [1, 2]


def test_a_version_comes_into_force_at_its_local_midnight() -> None:
    validity = Validity([publication(1), publication(2, valid_from=date(2026, 7, 1))])
    midnight = datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert [validity.version_at(at) for at in (midnight - SECOND, midnight)] == [1, 2]


def test_what_was_announced_comes_into_force_whatever_was_published_in_between() -> None:
    announced = publication(2, valid_from=date(2026, 7, 1))
    validity = Validity([publication(1), announced, publication(3, PUBLISHED + timedelta(days=1))])
    days = (PUBLISHED, PUBLISHED + timedelta(days=2), datetime(2026, 7, 2, tzinfo=UTC))
    assert [validity.version_at(at) for at in days] == [1, 3, 2]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_of_two_versions_for_one_day_the_later_published_holds(order: tuple[int, ...]) -> None:
    july = date(2026, 7, 1)
    publications = [publication(1), publication(2, valid_from=july), publication(3, valid_from=july)]
    validity = Validity(publications[number] for number in order)
    assert validity.version_at(datetime(2026, 7, 2, tzinfo=UTC)) == 3
