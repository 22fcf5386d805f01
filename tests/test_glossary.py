"""One name for one thing: top-level classes and type aliases have distinct names across the whole house."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.sizes import generated
from tests.syntax_trees import parsed

ROOT = Path(__file__).parents[1]
SOURCES = ("shared/*/src", "services/*/src", "deploy/*/src")

SAME_THING: Final = {
    "Application": "the use cases of a service, as its routes see them",
    "ConsistentReads": "what holds a read back until the read model reflects every command already answered",
    "Contact": "a body of a command and the command; the body's name stands in the published OpenAPI document",
    "ContractId": "the path parameter that names a contract",
    "CustomerId": "the path parameter that names a customer",
    "NotAcceptable": "the tree of refusals, which every service has in its domain/errors.py",
    "NotFound": "the tree of refusals",
    "NotInThisState": "the tree of refusals",
    "Projector": "what applies events to a service's read model",
    "ReadModel": "the queries of a service's read model",
    "Refusal": "the tree of refusals",
    "TicketState": "decision 0009: both services hold the table of transitions, and a test holds them equal",
    "VersionMismatchError": "the refusal 412, for who refuses and for who is refused",
    "Row": "a row of a table, by column",
}
"""Names that several packages give to the same thing, each with the reason."""


@cache
def definitions() -> dict[str, set[str]]:
    """The modules that define each name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pattern in SOURCES:
        for source in ROOT.glob(pattern):
            for path in source.rglob("*.py"):
                if "migrations" not in path.parts and not generated(path):
                    for name in names(parsed(path)):
                        found[name].add(path.relative_to(ROOT).as_posix())
    return found


def names(module: ast.Module) -> Iterator[str]:
    """Public classes and type aliases; constants and type variables are no words of the glossary."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign) and not is_type_variable(node.value):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper():
                    yield target.id


def is_type_variable(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in {"TypeVar", "ParamSpec"}
    )


def shared_names() -> dict[str, set[str]]:
    return {name: modules for name, modules in definitions().items() if len(modules) > 1}


def test_no_two_things_have_one_name() -> None:
    assert {name: sorted(modules) for name, modules in shared_names().items() if name not in SAME_THING} == {}


def test_what_was_renamed_is_taken_from_the_list() -> None:
    assert SAME_THING.keys() - shared_names().keys() == set()


def test_a_name_defined_twice_is_found_and_a_type_variable_is_none() -> None:
    assert list(names(ast.parse('class Kind: ...\nLine = str\nT = TypeVar("T")\n_Own = int\nLIMIT = 3'))) == [
        "Kind",
        "Line",
    ]
