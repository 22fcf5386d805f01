"""The forms of a telephone number under which it is looked for."""

from __future__ import annotations

import pytest

from ticket_service.application.phone_forms import written_forms


@pytest.mark.parametrize(
    ("written", "country", "forms"),
    [
        ("0221 111", "DE", ("0221111", "+49221111")),
        ("0221/111", "DE", ("0221111", "+49221111")),
        ("+49 (0)221 111", "DE", ("+49221111", "0221111")),
        ("0049 221 111", "CH", ("+49221111",)),
        ("041 000 00 01", "CH", ("0410000001", "+41410000001")),
        ("+39 06 698 211", "IT", ("+3906698211", "06698211")),
        ("0221 111", None, ("0221111",)),
        ("1", "DE", ("1",)),
        ("anonym", "DE", ()),
    ],
)
def test_a_number_is_looked_for_in_every_form_it_may_have_been_stored_in(
    written: str, country: str | None, forms: tuple[str, ...]
) -> None:
    assert written_forms(written, country) == forms
