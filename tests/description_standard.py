"""Checks an ``index.xml`` against the *Beschreibungsstandard* for data carriers of 1 September 2004.

The standard's own DTD is not here, since nothing says that it may be handed on. These are its
content models as the standard's description gives them, each as an expression over the names of an
element's children, and the rules that no DTD states: keys that tell rows apart, and columns that
are as described.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree as ET

TEXT: Final = None
_KIND: Final = "(Numeric |AlphaNumeric (MaxLength )?|Date )"
_CODEPAGE: Final = "(ANSI |Macintosh |OEM |UTF16 |UTF7 |UTF8 )"
MODELS: Final[dict[str, str | None]] = {
    "DataSet": "Version (DataSupplier )?(Command )*(Media )+(Command )*",
    "DataSupplier": "Name Location Comment ",
    "Media": "Name (Command )*(Table )*(Command )*(AcceptNoTables )?",
    "Table": f"URL (Name )?(Description )?(Validity )?{_CODEPAGE}?(DecimalSymbol DigitGroupingSymbol )?"
    "(SkipNumBytes )?(Range )?(Epoch )?(VariableLength |FixedLength )",
    "Validity": "Range (Format )?",
    "Range": "From ((To )|(Length ))?",
    "VariableLength": "(ColumnDelimiter )?(RecordDelimiter )?(TextEncapsulator )?"
    "((VariablePrimaryKey )+(VariableColumn )*|(VariableColumn )+)(ForeignKey )*",
    "VariablePrimaryKey": f"Name (Description )?{_KIND}(Map )*",
    "VariableColumn": f"Name (Description )?{_KIND}(Map )*",
    "ForeignKey": "(Name )+References (Alias )*",
    "Numeric": "((ImpliedAccuracy )|(Accuracy ))?",
    "Date": "(Format )?",
    "AlphaNumeric": "",
    "UTF8": "",
}
"""Elements that are missing here have text alone."""


def violations(root: ET.Element) -> list[str]:
    """What the standard's content models do not allow."""
    found = [] if root.tag == "DataSet" else [f"the root is {root.tag}"]
    for element in root.iter():
        children = "".join(f"{child.tag} " for child in element)
        if not re.fullmatch(MODELS.get(element.tag) or "", children):
            found.append(f"{element.tag}: {children}")
    return found


class Carrier:
    """A data carrier as the authority's software would read it."""

    def __init__(self, content: bytes) -> None:
        self.files = zipfile.ZipFile(io.BytesIO(content))
        self.index = self.files.read("index.xml").decode()
        self.root = ET.fromstring(self.index)  # noqa: S314 - written by what is tested
        self.tables = {_said(each, "Name"): each for each in self.root.iter("Table")}

    def check(self) -> None:
        """Nothing is against the standard, and the files are as it says that they are."""
        assert '<!DOCTYPE DataSet SYSTEM "gdpdu-01-09-2004.dtd">' in self.index
        assert violations(self.root) == []
        described = [_said(each, "URL") for each in self.tables.values()]
        assert sorted([*described, "index.xml"]) == sorted(self.files.namelist())
        for name, table in self.tables.items():
            layout = table.find("VariableLength")
            assert layout is not None
            assert [_said(layout, f"{each}Delimiter") for each in ("Column", "Record")] == [";", "\r\n"]
            rows = self.rows(name)
            keys = [_said(each, "Name") for each in table.iter("VariablePrimaryKey")]
            told_apart = [tuple(row[key] for key in keys) for row in rows]
            assert keys
            assert len(set(told_apart)) == len(rows), f"{name}: {keys}"
            for foreign in table.iter("ForeignKey"):
                column, other = _said(foreign, "Name"), _said(foreign, "References")
                theirs = {row[column] for row in self.rows(other)}
                assert {row[column] for row in rows} <= theirs

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table's rows by the names of their columns, read as the index says; empty cells are None."""
        table = self.tables[name]
        columns = [each for each in table.iter() if each.tag in {"VariablePrimaryKey", "VariableColumn"}]
        text = self.files.read(_said(table, "URL")).decode("utf-8")
        found = []
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=";"):
            assert len(cells) == len(columns)
            read = [_read(column, cell) for column, cell in zip(columns, cells, strict=True)]
            found.append(dict(zip([_said(each, "Name") for each in columns], read, strict=True)))
        return found


def check_sums(carrier: Carrier, issued: Sequence[Mapping[str, Any]]) -> None:
    """The carrier's documents are those that were issued, and lines and taxes add up to each."""
    sums: dict[tuple[str, Any], Decimal] = defaultdict(Decimal)
    for table in ("Positionen", "Steuern"):
        for row in carrier.rows(table):
            sums[table, row["Belegnummer"]] += row["Netto"]
            sums["Steuer", row["Belegnummer"]] += row.get("Steuer") or 0
    for row, each in zip(carrier.rows("Belege"), issued, strict=True):
        number = row["Belegnummer"]
        assert number == each["number"]
        assert [row["Netto"], row["Steuer"], row["Brutto"], row["Zahlbetrag"]] == [
            Decimal(each[name]["amount"]) for name in ("net", "vat", "gross", "payable")
        ]
        assert sums["Positionen", number] == sums["Steuern", number] == row["Netto"]
        assert sums["Steuer", number] == row["Steuer"]
        assert (row["Belegdatum"].isoformat(), row["Pruefsumme"]) == (each["issued_on"], each["digest"])


def _read(column: ET.Element, cell: str) -> Any:
    if not cell:
        return None
    if (number := column.find("Numeric")) is not None:
        places = int(_said(number, "Accuracy"))
        assert re.fullmatch(rf"-?\d+,\d{{{places}}}" if places else r"-?\d+", cell), cell
        return Decimal(cell.replace(",", "."))
    if column.find("Date") is not None:
        return datetime.strptime(cell, "%d.%m.%Y").date()  # noqa: DTZ007 - a local day
    return cell


def _said(element: ET.Element, name: str) -> str:
    found = element.findtext(name)
    assert found is not None, f"{element.tag} has no {name}"
    return found
