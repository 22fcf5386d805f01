"""A caller is found by number, however the number was written."""

from __future__ import annotations

import pytest

from ticket_service.domain.phone import normalised_phone


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("+41 41 000 00 01", "+41410000001"),
        ("0041 41 000 00 01", "+41410000001"),
        ("+41 (0)41 000 00 01", "+41410000001"),
        ("0041 (0) 41 000 00 01", "+41410000001"),
        (" +49-40/000001 ", "+4940000001"),
        ("+44.1483.000001", "+441483000001"),
        ("+٤١ ٤١ ٠٠٠", "+4141000"),
        ("041 000 00 01", "0410000001"),
        ("(0)41 000 00 01", "0410000001"),
        ("4711", "4711"),
        ("00", "00"),
        ("unknown", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_a_number_has_one_form(written: str, normalised: str) -> None:
    assert normalised_phone(written) == normalised


@pytest.mark.parametrize("written", ["+41 (0)41 000 00 01", "0041410000001", "041 000 00 01"])
def test_the_normalised_form_stays_as_it_is(written: str) -> None:
    assert normalised_phone(normalised_phone(written)) == normalised_phone(written)
