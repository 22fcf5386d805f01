"""Intervals merged, and parts of them taken away."""

from __future__ import annotations

import pytest

from sla_service.domain.calendar.intervals import without


@pytest.mark.parametrize(
    ("others", "rest"),
    [
        ([], ((10, 20),)),
        ([(0, 10), (20, 30)], ((10, 20),)),
        ([(12, 14)], ((10, 12), (14, 20))),
        ([(0, 12), (18, 30), (40, 50)], ((12, 18),)),
        ([(0, 30)], ()),
    ],
)
def test_what_lies_in_the_others_is_taken_away(
    others: list[tuple[int, int]], rest: tuple[tuple[int, int], ...]
) -> None:
    assert without([(10, 20)], others) == rest
