"""Every key of the terms language acts: the table ``terms_keys.toml`` names for each the test that shows its effect."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from fristwerk_language.terms import AgreementDocument, CalendarDocument
from tests.lanes import examples
from tests.without_terms_key import VARIABLE

TESTS = Path(__file__).parent
TABLE: dict[str, dict[str, str]] = tomllib.loads((TESTS / "terms_keys.toml").read_text("utf-8"))
NAMED = {f"{kind}/{key}": test for kind, keys in TABLE.items() for key, test in keys.items()}
DOCUMENTS: dict[str, type[BaseModel]] = {"calendar": CalendarDocument, "agreement": AgreementDocument}
WITHOUT_EFFECT = {"example"}
"""It marks figures that a provider's text does not give; the reference says that it has no effect."""
NIGHTLY = 500
"""Examples of a property on the nightly run, which tries every key."""


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The parts of a document that may stand where a field of that type is."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from sections(each)


def values(annotation: Any) -> Iterator[object]:
    """The words that a field of that type may have."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
        return
    for each in get_args(annotation):
        yield from values(each)


def keys(model: type[BaseModel], path: str) -> Iterator[tuple[str, Any]]:
    """Every key that ends at a value, by its path, with its type; and a section that may be a word instead."""
    for name, field in model.model_fields.items():
        key = f"{path}/{field.alias or name}"
        below = list(sections(field.annotation))
        if name not in WITHOUT_EFFECT and (not below or [*values(field.annotation)]):
            yield key, field.annotation
        for each in below:
            yield from keys(each, key)


KEYS = dict(each for kind, model in DOCUMENTS.items() for each in keys(model, kind))
ONE_WORD = [key for key, annotation in KEYS.items() if len({*values(annotation)}) == 1 and NAMED.get(key) == ""]

TAKEN_OUT = [key for key, test in NAMED.items() if test] if examples(NIGHTLY) == NIGHTLY else []
"""The nightly run takes each key out of every document: it starts a process for each."""


def test_every_key_has_a_test_that_shows_its_effect() -> None:
    assert set(NAMED) == set(KEYS)
    assert [key for key, test in NAMED.items() if not test] == ONE_WORD, "a key with one word has nothing to choose"


def test_the_tests_that_are_named_exist() -> None:
    for key, test in NAMED.items():
        file, _, name = test.partition("::")
        if not test:
            continue
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        functions = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in functions, f"{key}: {file} has no {name}"


@pytest.mark.parametrize("key", TAKEN_OUT)
def test_without_its_key_the_test_fails(key: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-p", "tests.without_terms_key", "-q", "-x", str(TESTS / NAMED[key])],
        env=os.environ | {VARIABLE: key},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2_000:]
