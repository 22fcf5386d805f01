"""Work in the background keeps to its share of a processor, however long a round takes."""

from __future__ import annotations

import pytest

from fristwerk_platform.pacing import Pace

PACE = Pace(rests=30, least_rests=9, short=0.5, long=60)


@pytest.mark.parametrize(
    ("took", "rest"),
    [(0.001, 0.5), (0.1, 3.0), (1.0, 30.0), (2.0, 60.0), (6.0, 60.0), (10.0, 90.0), (3_600.0, 32_400.0)],
)
def test_a_rest_is_many_times_as_long_as_the_work_and_never_less_than_nine_times(took: float, rest: float) -> None:
    assert PACE.rest_seconds(took) == pytest.approx(rest)
