"""Writes ``docs/reference/events.md`` from the event types: ``.venv/bin/python docs/write_events.py``. A test compares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import inspect as types

from fristwerk_language import events

PAGE: Final = Path(__file__).parent / "reference" / "events.md"
_INTRODUCTION: Final = """# Events

Every type that Fristwerk records, by the name that stands in `type`. This page lists the fields of
`data`. What a type calls *personal* stands in the envelope's `personal`, sealed with the data
subject's own key, and never in `data`. Types are only ever added to: a reader must ignore fields and
types it does not know.

The envelope around them is described in
`shared/language/src/fristwerk_language/events/envelope.py`.

This page is written by `docs/write_events.py` from the code.
"""
_SECTIONS: Final = (
    ("Catalogue", events.CATALOGUE),
    ("Customers", events.CUSTOMERS),
    ("Agents", events.AGENTS),
    ("Tickets", events.TICKETS),
    ("Calls without a ticket", events.KEPT_CALLS),
    ("SLA notices (the SLA service's own feed)", events.SLA_NOTICES),
    ("Billing (its own log and feed)", events.BILLING),
)
_WORDS: Final = {
    types.StrType: "text",
    types.IntType: "integer",
    types.DecimalType: "decimal as text",
    types.BoolType: "true or false",
    types.DateType: "date",
    types.DateTimeType: "instant",
    types.AnyType: "any JSON",
    types.NoneType: "null",
}


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for title, section in _SECTIONS:
        parts.append(f"\n## {title}\n")
        parts += ["\n".join(_type(name, event_type)) for name, event_type in section.items()]
    return "\n".join(parts) + "\n"


def _type(name: str, event_type: type[msgspec.Struct]) -> Iterator[str]:
    yield f"### {name}\n"
    written = "__doc__" in vars(event_type) and event_type.__doc__
    if written:
        yield inspect.cleandoc(written).replace("``", "`") + "\n"
    info = types.type_info(event_type)
    assert isinstance(info, types.StructType), "events are structs"
    if not info.fields:
        yield "No fields.\n"
        return
    yield "| field | what it holds | default |\n|---|---|---|"
    for field in info.fields:
        yield f"| `{field.encode_name}` | {_words(field.type)} | {_default(field)} |"
    yield ""


def _words(field_type: types.Type) -> str:
    match field_type:
        case types.LiteralType(values=values):
            return " or ".join(f"`{value}`" for value in values)
        case types.UnionType(types=members):
            return " or ".join(_words(each) for each in members)
        case types.ListType(item_type=item):
            return f"list of {_words(item)}"
        case types.DictType(key_type=key, value_type=value):
            return f"object: {_words(key)} → {_words(value)}"
        case types.StructType(cls=cls, fields=fields):
            return f"{cls.__name__} {{{', '.join(f'`{field.encode_name}`' for field in fields)}}}"
        case _:
            return _WORDS[type(field_type)]


def _default(field: types.Field) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{msgspec.json.encode(value).decode()}`"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
