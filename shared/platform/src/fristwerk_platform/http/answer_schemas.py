"""JSON Schemas of what operations answer, from the types that describe it.

They describe only: no answer passes through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import inspect

Schema = dict[str, Any]
Required = Mapping[type, frozenset[str]]
"""Which fields of a struct every answer has, by their names in JSON, where that is not simply those
without a default.
"""
REFERENCE: Final = "#/components/schemas/{name}"
_NO_REQUIRED: Final[Required] = {}


def answer_schemas(models: Sequence[Any], required: Required = _NO_REQUIRED) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type in turn, and the components that they refer to.

    A field with a default may be missing in an answer, as old events lack what was added later;
    ``required`` says otherwise of a struct. Raises ValueError for two structs of one name, which
    would share a component.
    """
    if not models:
        return [], {}
    schemas, components = msgspec.json.schema_components(models, schema_hook=_any_json, ref_template=REFERENCE)
    for name, struct in _structs(inspect.multi_type_info(models)).items():
        for field in inspect.type_info(struct).fields:  # type: ignore[attr-defined]  # a struct's description has them
            _name_instants(components[name]["properties"][field.encode_name], field.type)
        if struct in required:
            there = required[struct] - _left_out(struct)
            components[name]["required"] = [each for each in components[name]["properties"] if each in there]
    unions: dict[str, Schema] = {}
    tidied: Schema = _tidied({"schemas": list(schemas), "components": components}, unions)
    return tidied["schemas"], tidied["components"] | unions


def _tidied(schema: Any, unions: dict[str, Any]) -> Any:
    """As readers of OpenAPI expect it: no defaults in answers, a constant for one value, one of
    several tagged structs.

    A union of tagged structs that has a title becomes a component of its own, put into ``unions``.
    """
    match schema:
        case {"anyOf": list(), "discriminator": dict()}:
            union = {("oneOf" if name == "anyOf" else name): value for name, value in schema.items()}
            if "title" not in union:
                return union
            unions[union["title"]] = union
            return {"$ref": REFERENCE.format(name=union["title"])}
        case {"enum": [*values], **rest} if all(isinstance(each, str) for each in values):
            allowed = {"const": values[0]} if len(values) == 1 else {"enum": values}
            return {"type": "string", **allowed, **rest}
        case dict():
            return {name: _tidied(value, unions) for name, value in schema.items() if not _is_default(name, schema)}
        case list():
            return [_tidied(each, unions) for each in schema]
        case _:
            return schema


def _is_default(name: str, schema: Schema) -> bool:
    """Whether the key is a field's default, and not a field of that name."""
    return name == "default" and not isinstance(schema[name], dict)


def _structs(types: Sequence[inspect.Type]) -> dict[str, type[msgspec.Struct]]:
    """Every struct that the types are made of, by its name. Raises ValueError for two of one name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[Any] = list(types)
    while waiting:
        each = waiting.pop()
        if isinstance(each, inspect.StructType):
            known = found.get(each.cls.__name__)
            if known is each.cls:
                continue
            if known is not None:
                raise ValueError(f"Two structs of answers are called {each.cls.__name__}: {known!r}, {each.cls!r}.")
            found[each.cls.__name__] = each.cls
        waiting += _parts(each)
    return found


def _left_out(struct: type[msgspec.Struct]) -> set[str]:
    """The fields that are left out where they are not set."""
    return {each.encode_name for each in msgspec.structs.fields(struct) if each.default is msgspec.UNSET}


def _parts(described: Any) -> Iterator[Any]:
    """What a type is made of; msgspec describes types as structs, whose parts are their fields."""
    for name in described.__struct_fields__:
        value = getattr(described, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, inspect.Type | inspect.Field):
                yield each


def _name_instants(schema: Schema, described: Any) -> None:
    """Add the format of instants: msgspec leaves it out, as its own could be naive, and ours never
    are (RFC 3339).
    """
    match described:
        case inspect.DateTimeType():
            schema["format"] = "date-time"
        case inspect.UnionType(types=members):
            for member in members:
                for each in schema.get("anyOf", []):
                    if isinstance(member, inspect.DateTimeType) and each.get("type") == "string":
                        _name_instants(each, member)
        case inspect.CollectionType() | inspect.VarTupleType():
            _name_instants(schema.get("items", {}), described.item_type)
        case _:
            pass


def _any_json(described: type) -> Schema:
    """``object`` stands where a value is any JSON. Raises NotImplementedError for what has no
    schema.
    """
    if described is object:
        return {"description": "Any JSON"}
    raise NotImplementedError
