"""Known cases: a folder's ``rating.json`` through the same functions that rate and invoice for the
HTTP interface.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from billing_service.domain.invoice.invoice import difference, totals
from billing_service.domain.rating.rating import rate
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.ledger import Invoiced
from billing_service.domain.statement.statement import Statement, Totals
from fristwerk_cases.billing.agreement import agreement_of, vat_rates_of
from fristwerk_cases.billing.case_format import Case, CaseError, Expected, read_case
from fristwerk_cases.billing.events import account_of, last_day
from fristwerk_language.terms import zone

FILE: Final = "rating.json"
_ONE_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)
Printed = tuple[str, str | None, Decimal, Decimal, Decimal]


def run(folder: Path) -> tuple[int, int, list[str]]:
    """How many cases passed and failed, and a sentence for everything that did not come out as
    expected.

    A folder without the file has no cases; a file that cannot be read counts as one failure.
    """
    file = folder.joinpath(FILE)
    if not file.is_file():
        return 0, 0, [f"{folder} has no {FILE}"]
    try:
        cases = _read(file)
    except CaseError as error:
        return 0, 1, [f"{FILE}: {error}"]
    failed = 0
    messages: list[str] = []
    for number, data in enumerate(cases):
        name = data.get("id", number) if isinstance(data, dict) else number
        try:
            wrong = check(read_case(data))
        except (CaseError, ArithmeticError, ValueError) as error:
            wrong = [str(error)]
        failed += bool(wrong)
        messages += [f"{name}: {sentence}" for sentence in wrong]
    return len(cases) - failed, failed, messages


def check(case: Case) -> list[str]:
    """What does not come out as the case expects, as sentences; none: it passes."""
    statements, documents = _invoice_runs(case)
    final = statements[-1]
    wrong = list(_compared(case.expect, final.lines, final.totals, final))
    expected = case.expect.invoices
    if expected is None:
        return wrong
    if len(expected) != len(documents):
        return [*wrong, f"{len(expected)} invoices are expected, but there are {len(documents)} cutoffs"]
    for number, (each, lines, statement) in enumerate(zip(expected, documents, statements, strict=True), start=1):
        found = _compared(each, lines, totals(statement, lines), statement)
        wrong += [f"invoice {number}: {sentence}" for sentence in found]
    return wrong


def _read(file: Path) -> list[Any]:
    try:
        data = json.loads(file.read_bytes(), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"not JSON: {error}") from error
    cases = data.get("cases") if isinstance(data, dict) else None
    if not isinstance(cases, list):
        raise CaseError("an object with a list 'cases' is expected")
    return cases


def _invoice_runs(case: Case) -> tuple[list[Statement], list[tuple[ChargeLine, ...]]]:
    """The statement and the document of each cutoff; without cutoffs, of everything at once."""
    account, agreement, rates = account_of(case), agreement_of(case), vat_rates_of(case.contract)
    runs: list[tuple[date, datetime | None]]
    runs = [(cutoff, _evening(cutoff, case)) for cutoff in case.cutoffs] or [(last_day(case), None)]
    invoiced = Invoiced()
    statements: list[Statement] = []
    documents: list[tuple[ChargeLine, ...]] = []
    for until, known_at in runs:
        statement = rate(account, lambda *_: agreement, until, known_at=known_at, invoiced=invoiced, vat_rates=rates)
        lines = difference(statement.lines, invoiced.lines)
        invoiced = invoiced.and_also(lines)
        statements.append(statement)
        documents.append(lines)
    return statements, documents


def _evening(cutoff: date, case: Case) -> datetime:
    """The last instant of a local day: a run knows what was recorded up to then."""
    return datetime.combine(cutoff + _ONE_DAY, time(), zone(case.contract.tz)).astimezone(UTC) - _TICK


def _compared(expected: Expected, lines: Sequence[ChargeLine], sums: Totals, statement: Statement) -> Iterator[str]:
    if expected.lines is not None:
        yield from _compared_lines(expected.lines, lines)
    for name in ("net", "vat", "gross", "payable"):
        wanted, found = getattr(expected, name), getattr(sums, name).amount
        if wanted is not None and wanted != found:
            yield f"{name} is {found}, expected {wanted}"
    left = {each.package: Decimal(each.left) for each in statement.packages}
    if expected.left is not None and expected.left != {name: left.get(name) for name in expected.left}:
        yield f"left is {_plain(left)}, expected {_plain(expected.left)}"
    for name in ("held", "written_off"):
        wanted, found = getattr(expected, name), getattr(statement, f"{name}_minutes")
        if wanted is not None and {key: value for key, value in wanted.items() if value} != found:
            yield f"{name} is {found}, expected {wanted}"
    codes = sorted(each.code for each in statement.violations)
    if expected.violations is not None and sorted(expected.violations) != codes:
        yield f"violations are {codes}, expected {expected.violations}"


def _compared_lines(expected: Sequence[Printed], lines: Sequence[ChargeLine]) -> Iterator[str]:
    """Lines in any order, each as kind, ticket or month, minutes or days, unit price, amount."""
    found = Counter(_printed(line) for line in lines)
    wanted = Counter(expected)
    for missing in (wanted - found).elements():
        yield f"the line {_readable(missing)} is missing"
    for surplus in (found - wanted).elements():
        yield f"the line {_readable(surplus)} is not expected"


def _printed(line: ChargeLine) -> Printed:
    amount, price = line.amount.amount, line.unit_price.amount
    if line.kind == "addon":
        return line.kind, line.month, Decimal(line.days or 0), price, amount
    return line.kind, line.ticket, Decimal(line.minutes), price, amount


def _readable(line: Iterable[Any]) -> str:
    return "[" + ", ".join(str(part) for part in line) + "]"


def _plain(minutes: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: str(value) for name, value in minutes.items()}
