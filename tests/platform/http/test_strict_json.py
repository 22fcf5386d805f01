"""What comes in as JSON is JSON, and holds nothing that a database or another reader stumbles over."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fristwerk_platform.http import NotJsonError, strict_json
from fristwerk_platform.http.strict_json import MAX_DEPTH, MAX_PARTS, has_too_many_parts
from tests.watchdog import thread_seconds

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(values, st.booleans())
def test_what_is_json_is_read_as_it_was_written(value: Any, escaped: bool) -> None:
    assert strict_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    with suppress(NotJsonError):
        assert strict_json(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "because"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[1] [2]", "not JSON"),
        (b'{"a": 01}', "not JSON"),
        (b'{"a": +1}', "not JSON"),
        (b'{"a": .5}', "not JSON"),
        (b'"line\nbreak"', "not JSON"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b'"\xff"', "UTF-8"),
        (b'"\xc0\x80"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"NaN", "NaN is not JSON"),
        (b'{"a": [NaN]}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e400]", "too large"),
        (b"[-1e400]", "too large"),
        (b"[1" + b"0" * 400 + b".0]", "too large"),
        (b"9223372036854775808", "too large"),
        (b"-9223372036854775809", "too large"),
        (b"[" + b"9" * 5_000 + b"]", "too large"),
        (b'{"a": 1, "a": 1}', "'a' stands twice"),
        (b'{"b": [{"a": 1, "c": 2, "\\u0061": 3}]}', "'a' stands twice"),
        (b'"\x00"', "not JSON"),
        (b'"\\u0000"', "NUL"),
        (b'{"a": {"\\u0000": 1}}', "NUL"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'["\\udc00\\ud800"]', "half a surrogate pair"),
        (b'{"a": [{"b\\udfff": 1}]}', "half a surrogate pair"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"[" * 5_000 + b'"\\u0041"' + b"]" * 5_000, "nested too deeply"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested too deeply"),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_what_is_not_json_is_refused_with_the_reason(body: bytes, because: str) -> None:
    with pytest.raises(NotJsonError) as refused:
        strict_json(body)

    assert because in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" [ 1 , -0.5e2 , true , null ]\n", [1, -50.0, True, None]),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"1e308", 1e308),
        (b"1e-400", 0.0),
        (b"[[], {}]", [[], {}]),
    ],
)
def test_what_is_unusual_and_json_all_the_same_is_read(body: bytes, value: object) -> None:
    assert strict_json(body) == value


def test_nesting_is_read_up_to_its_limit() -> None:
    value = strict_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)

    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []
    assert strict_json(b"[" + b"[]," * 1_000 + b"{}]") == [[]] * 1_000 + [{}]


def test_no_body_of_a_mebibyte_takes_long() -> None:
    names = ",".join(f'"k{number}":1' for number in range(90_000))
    bodies = [
        b"[" + b"[]," * 340_000 + b"1]",
        f'{{{names},"k89999":2}}'.encode(),
        b'["' + b"\\u0041" * 170_000 + b'"]',
        b"[" + b"1e300," * 150_000 + b"1]",
    ]
    for body in bodies:
        with thread_seconds() as taken, suppress(NotJsonError):
            strict_json(body)
        assert taken.seconds < 3, "measured 0.02 to 0.3 s; comparing every key with every other took minutes"


def test_infinity_is_not_reached_by_arithmetic_of_the_parser() -> None:
    assert all(math.isfinite(each) for each in strict_json(b"[1.7976931348623157e308, -1.7976931348623157e308]"))


@pytest.mark.parametrize(
    ("body", "too_many"),
    [
        (b"[" + b"1," * (MAX_PARTS - 1) + b"1]", False),
        (b"[" + b"1," * MAX_PARTS + b"1]", True),
        (b"[" * (MAX_PARTS + 1), True),
        (b"[" * 1_000_000, True),
        (json.dumps({f"k{number}": 1 for number in range(MAX_PARTS)}).encode(), True),
        (json.dumps({"text": "a, b: [c] {d}" * 20_000}).encode(), False),
        (json.dumps({"text": '\\",\\\\" : [' * 20_000}).encode(), False),
        (json.dumps({"text": "\\" * 20_001, "more": ",\\" * 20_000}).encode(), False),
        (json.dumps(['"' * 3, "\\"] * MAX_PARTS).encode(), True),
        (json.dumps(["," * 9] * (MAX_PARTS - 10)).encode(), False),
        (b'"' * 1_000_000, False),  # refused at its third character
        (b'"\\' * 500_000, False),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_values_and_keys_are_counted_without_the_texts(body: bytes, too_many: bool) -> None:
    with thread_seconds() as taken:
        assert has_too_many_parts(body) is too_many
    assert taken.seconds < 0.05, "measured 0.1 to 4 ms"


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=3), st.integers(0, 3))
def test_texts_of_any_kind_do_not_change_how_many_values_there_are(inner: list[Any], indent: int) -> None:
    """Padded beyond the quick count, a body with few values is never refused, and with many always."""
    padding = "a,b:[{" * MAX_PARTS
    assert not has_too_many_parts(json.dumps([*inner, padding], indent=indent).encode())
    assert has_too_many_parts(json.dumps([*inner, padding, *[0] * MAX_PARTS], indent=indent).encode())
