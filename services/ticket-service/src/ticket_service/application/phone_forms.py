"""The forms in which a telephone number may have been stored, so that a caller is found however it is written."""

from __future__ import annotations

import phonenumbers

from ticket_service.domain.phone import normalised_phone


def written_forms(number: str, country: str | None) -> tuple[str, ...]:
    """Every normalised form in which the number may have been stored: as it stands, as E.164 where it is one of the ``country``
    (ISO 3166-1 alpha-2) in national form, and in national form where it is written with the country's code.

    Empty where it has no digit.
    """
    plain = normalised_phone(number)
    if not plain or country is None:
        return (plain,) if plain else ()
    try:
        found = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        return (plain,)
    if not phonenumbers.is_possible_number(found):
        return (plain,)
    forms = [plain, phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)]
    if found.country_code == phonenumbers.country_code_for_region(country):
        trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
        forms.append(trunk + phonenumbers.national_significant_number(found))
    return tuple(dict.fromkeys(forms))
