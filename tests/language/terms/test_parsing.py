"""The text of a terms document: YAML or JSON without surprises."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from fristwerk_language.terms import NotReadableError, read_json, read_yaml
from tests.watchdog import thread_seconds


def refused(text: str | bytes) -> str:
    with pytest.raises(NotReadableError) as refusal:
        read_yaml(text.encode() if isinstance(text, str) else text)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-12-24", "2026-12-24"),
        ("08:30", "08:30"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("007", "007"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".5", ".5"),
        ("15", 15),
        ("-1", -1),
        ('"15"', "15"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_a_value_is_what_it_looks_like_to_a_person(text: str, value: Any) -> None:
    found = read_yaml(f"key: {text}".encode())["key"]
    assert found == value
    assert type(found) is type(value)


def test_a_number_with_a_point_is_exact() -> None:
    assert read_yaml(b"key: 0.1")["key"] == Decimal("0.1")
    assert read_yaml(b'{"key": 195.10}')["key"] == Decimal("195.10")


def test_the_same_document_as_json_is_the_same_data() -> None:
    data = {"a": [1, "zwei", None, True], "b": {"c": "d"}}
    assert read_yaml(json.dumps(data).encode()) == data
    assert read_yaml(json.dumps(data, indent="\t").encode()) == data


def test_json_may_escape_what_needs_two_halves() -> None:
    assert read_yaml(rb'{"key": "\ud83d\ude00"}') == {"key": "\U0001f600"}


def test_a_yaml_mapping_may_stand_in_braces() -> None:
    assert read_yaml(b"{calendar: x, years: 2026}") == {"calendar": "x", "years": 2026}


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read_yaml(b"\xef\xbb\xbfkey: x") == {"key": "x"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice in the same place in line 3, column 1"),
        ("a: {b: 1, b: 2}", "the key 'b' stands twice in the same place in line 1, column 11"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice in the same place"),
        ("a: &x 1\nb: 2", "no anchors and aliases in line 1, column 4"),
        ("a: [1]\nb: *a", "no anchors and aliases in line 2, column 4"),
        ("a: !!binary aGFsbG8=", "no tags in line 1, column 4"),
        ("a: !!python/object:os.system x", "no tags"),
        ("1: x", "the key 1 is not text in line 1, column 1"),
        ("true: x", "the key True is not text"),
        ("? [a]\n: x", "is not text"),
        ("a: [1, 2", "not YAML"),
        ("a: b: c", "not YAML: mapping values are not allowed here in line 1, column 5"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": Infinity}', "Infinity is not a number"),
        ('{"a": "\\ud800"}', "half a character"),
        ('a: "\\ud800"', "half a character"),
        ('{"a\\u0000": 1}', "NUL"),
        ('a: "\\0"', "NUL"),
        (b"a: \xff", "the document is not UTF-8"),
        ("a: \x00", "not YAML"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_what_could_be_misread_is_refused_with_a_sentence(text: str | bytes, sentence: str) -> None:
    assert sentence in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        '{"a": ' * 100_000,
        '{"a": ' + "[" * 60 + "]" * 60 + "}",
        "- " * 10_000 + "x",
        "a: " + "[" * 60 + "]" * 60,
    ],
    ids=["open lists", "open mappings", "open JSON", "JSON lists", "block lists", "flow lists"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert refused(text)


def test_thousands_of_keys_are_read_in_no_time() -> None:
    # A check for duplicates that compares every key with every other is felt here.
    text = "\n".join(f"key{number}: 1" for number in range(5_000))
    assert len(read_yaml(text.encode())) == 5_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# " + "x" * 256 * 1024, "the document is larger than 256 KiB"),
        ("a: [" + "x," * 30_000 + "x]", "the document has more than 20000 values and keys in line 1, column 39999"),
        (json.dumps({"a": ["x"] * 30_000}), "the document has more than 20000 values and keys"),
        ("\n".join(f"key{number}: 1" for number in range(5_001)), "a mapping has more than 5000 keys in line 5001"),
        (json.dumps({f"key{number}": 1 for number in range(5_001)}), "a mapping has more than 5000 keys"),
        ("- " * 51 + "x", "the document is nested deeper than 50 levels in line 1, column 101"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_with_the_limit(text: str, sentence: str) -> None:
    assert refused(text).startswith(sentence)


QUARTER_MEBIBYTE = 256 * 1024
FILLERS = [
    "x,",
    "[",
    "{",
    "- ",
    "? ",
    "\n",
    " ",
    "#\n",
    "a: {",
    "[a",
    '"',
    '"\\n',
    "|\n ",
    "&a ",
    "!a ",
    "x: x\n",
    "'",
    "a b ",
]


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("start", ["a: [", "", "a: ", '{"a": ['])
def test_whatever_a_document_is_full_of_it_is_read_or_refused_in_no_time(start: str, filler: str) -> None:
    text = (start + filler * QUARTER_MEBIBYTE)[:QUARTER_MEBIBYTE].encode()
    with thread_seconds() as taken, suppress(NotReadableError):
        read_yaml(text)
    assert taken.seconds < 0.5


@pytest.mark.parametrize("text", [b'{"a": 1', b"{a: 1}", b"a: 1", b"[1, 2", b""])
def test_json_is_never_tried_as_yaml(text: bytes) -> None:
    with pytest.raises(NotReadableError, match=r"^not JSON: .* in line 1, column \d+$"):
        read_json(text)
