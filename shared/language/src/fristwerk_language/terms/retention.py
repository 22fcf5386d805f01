"""How long an invoice has to be kept, by the country whose tax it states.

- **DE**: invoices are documents of account (*Buchungsbelege*, § 147 (1) no. 4 AO) and are kept for
  8 years, § 147 (3) AO as amended by the fourth act to reduce bureaucracy (BEG IV, BGBl. 2024 I no.
  323), also those of before 2025 whose 10 years were not over (Art. 97 § 19a (2) EGAO); § 14b (1)
  UStG says the same. Books, annual accounts and descriptions of procedures are kept for 10 years,
  business letters for 6. The term begins with the end of the calendar year, § 147 (4) AO.
- **CH**: 10 years from the end of the business year, Art. 958f (1) OR and Art. 70 (2) MWSTG; how,
  says the GeBüV.
- **GB**: 6 years, Sch. 11 para. 6 (3) VATA 1994, HMRC VAT Notice 700/21.

Every term is counted from the end of the calendar year in which the invoice was issued, which for
CH and GB supposes business years that end with the calendar year. A term ends later where an
assessment is still open (§ 147 (3) sentence 5 AO): nobody tells the product that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

import msgspec


class RetentionTerm(msgspec.Struct, frozen=True, kw_only=True):
    """So many years after the end of the year of issue; ``source`` is the clause that says so."""

    country: str
    years: int
    source: str

    def ends_on(self, issued_on: date) -> date:
        """The last day on which an invoice of that day has to be there.

        Raises ValueError beyond the year 9999.
        """
        return date(issued_on.year + self.years, 12, 31)


RETENTION: Final[Mapping[str, RetentionTerm]] = {
    "CH": RetentionTerm(country="CH", years=10, source="Art. 958f OR, Art. 70 MWSTG"),
    "DE": RetentionTerm(country="DE", years=8, source="§ 147 AO, § 14b UStG"),
    "GB": RetentionTerm(country="GB", years=6, source="VATA 1994 Sch. 11 para. 6, VAT Notice 700/21"),
}
"""The terms in force, by the country that an agreement's VAT names. A law that changes a term
changes the row: terms that still run are then the new law's, as in 2025."""


def longest_term(countries: Collection[str]) -> RetentionTerm:
    """The longest of these countries' terms; of all that are known where none is named, since who
    is paid without VAT keeps books as well.
    """
    known = [RETENTION[each] for each in sorted(countries) if each in RETENTION] or RETENTION.values()
    return max(known, key=lambda each: each.years)
