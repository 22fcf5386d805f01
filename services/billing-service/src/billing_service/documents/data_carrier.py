"""The data carrier of a German tax audit (*Datenträgerüberlassung*, § 147 (6) AO, "Z3"): a ZIP of
tables without headings, and ``index.xml``, which describes them by the *Beschreibungsstandard*
(gdpdu-01-09-2004).

The standard's DTD is not in it: it is its authors', and the auditor's software has it. The same
tables give the same bytes: nothing in the ZIP is compressed or dated.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree as ET

from billing_service.domain.tax_audit.tables import TABLES, CarrierCell, CarrierColumn, CarrierRow, CarrierTable

DTD: Final = "gdpdu-01-09-2004.dtd"
INDEX: Final = "index.xml"
DAY: Final = "%d.%m.%Y"
_LINE_END: Final = "\r\n"
"""In ``index.xml`` as references: a reader of XML takes bare ones for a line feed."""
_UNDATED: Final = (1980, 1, 1, 0, 0, 0)
_LINE_ENDS: Final = re.compile(r"\s*[\r\n]+\s*")


def data_carrier(
    supplier: str,
    rows: Mapping[str, Sequence[CarrierRow]],
    *,
    from_on: date,
    until_on: date,
    quoted: Callable[[str], str],
) -> bytes:
    """The ZIP of the tables' rows, by the tables' names; the days are those of issue, inclusive.

    ``quoted`` makes a text harmless that a spreadsheet would run.
    """
    files = {INDEX: _index(supplier, rows, from_on, until_on)}
    files |= {table.file: _table(table, rows[table.name], quoted) for table in TABLES}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as carrier:
        for name, content in sorted(files.items()):
            carrier.writestr(zipfile.ZipInfo(name, _UNDATED), content)
    return written.getvalue()


def _table(table: CarrierTable, rows: Sequence[CarrierRow], quoted: Callable[[str], str]) -> bytes:
    columns = (*table.keys, *table.columns)
    decimals = [_decimals(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator=_LINE_END)
    writer.writerows([_text(cell, places, quoted) for cell, places in zip(row, decimals, strict=True)] for row in rows)
    return written.getvalue().encode()


def _decimals(column: CarrierColumn, cells: Sequence[CarrierCell]) -> int:
    """How many decimals the column's numbers are written with: as many as the finest has."""
    exponents = [int(each.as_tuple().exponent) for each in cells if isinstance(each, Decimal)]
    return max([column.decimals, *(-each for each in exponents)])


def _text(cell: CarrierCell, decimals: int, quoted: Callable[[str], str]) -> str:
    """A cell as it stands in the file."""
    match cell:
        case date():
            return cell.strftime(DAY)
        case int() | Decimal():
            return f"{Decimal(cell):.{decimals}f}".replace(".", ",")
        case str():
            return quoted(_LINE_ENDS.sub(", ", cell.strip()))
        case None:
            return ""


def _index(supplier: str, rows: Mapping[str, Sequence[CarrierRow]], from_on: date, until_on: date) -> bytes:
    root = ET.Element("DataSet")
    _add(root, "Version", "1.0")
    who = ET.SubElement(root, "DataSupplier")
    _add(who, "Name", supplier)
    _add(who, "Location")
    _add(who, "Comment", "Fristwerk: Rechnungen, Gutschriften und ihre Preise / invoices, credit notes, their prices")
    media = ET.SubElement(root, "Media")
    _add(media, "Name", "Fristwerk")
    for table in TABLES:
        _describe(media, table, rows[table.name], from_on, until_on)
    ET.indent(root)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE DataSet SYSTEM "{DTD}">\n'
    written = ET.tostring(root, encoding="unicode").replace(_LINE_END, "&#13;&#10;")
    return f"{head}{written}\n".encode()


def _describe(
    media: ET.Element, table: CarrierTable, rows: Sequence[CarrierRow], from_on: date, until_on: date
) -> None:
    element = ET.SubElement(media, "Table")
    _add(element, "URL", table.file)
    _add(element, "Name", table.name)
    _add(element, "Description", f"{table.german} / {table.english}")
    validity = ET.SubElement(element, "Validity")
    days = ET.SubElement(validity, "Range")
    _add(days, "From", from_on.strftime(DAY))
    _add(days, "To", until_on.strftime(DAY))
    _add(validity, "Format", "DD.MM.YYYY")
    _add(element, "UTF8")
    _add(element, "DecimalSymbol", ",")
    _add(element, "DigitGroupingSymbol", ".")
    layout = ET.SubElement(element, "VariableLength")
    _add(layout, "ColumnDelimiter", ";")
    _add(layout, "RecordDelimiter", _LINE_END)
    _add(layout, "TextEncapsulator", '"')
    for place, column in enumerate((*table.keys, *table.columns)):
        kind = "VariablePrimaryKey" if place < len(table.keys) else "VariableColumn"
        _column(ET.SubElement(layout, kind), column, _decimals(column, [row[place] for row in rows]))
    for name, other in table.refers_to.items():
        key = ET.SubElement(layout, "ForeignKey")
        _add(key, "Name", name)
        _add(key, "References", other)


def _column(element: ET.Element, column: CarrierColumn, decimals: int) -> None:
    _add(element, "Name", column.name)
    _add(element, "Description", f"{column.german} / {column.english}")
    match column.kind:
        case "number":
            _add(ET.SubElement(element, "Numeric"), "Accuracy", str(decimals))
        case "date":
            _add(ET.SubElement(element, "Date"), "Format", "DD.MM.YYYY")
        case "text":
            _add(element, "AlphaNumeric")


def _add(parent: ET.Element, name: str, text: str | None = None) -> None:
    ET.SubElement(parent, name).text = text
