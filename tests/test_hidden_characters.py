"""There is one set of characters that are not seen or turn the writing: refused in every name, escaped where printed."""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

import fristwerk_language.terms.hidden_characters as of_language
import fristwerk_platform.hidden_characters as of_platform
from fristwerk_language.terms.hidden_characters import HIDDEN, escaped
from fristwerk_language.terms.values import Name, Title
from fristwerk_platform.http.types import ShortText
from ticket_service.domain.validation import Violations

ROOT: Final = Path(__file__).parents[1]
JOINERS: Final = "\u200c\u200d"
SEEN: Final = frozenset(
    [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
)
"""Of the category Cf, those that are seen: signs over numbers and in hieroglyphs (not Default_Ignorable_Code_Point)."""
OF_EACH_KIND: Final = [
    *"\0\t\n\x1b\x7f\x85\xad\u034f\u061c\u115f\u180e\u200b\u200f\u2028\u202e\u2062\u2066\u3164\ufeff\ufffa",
    *"\uffa0\U0001d173\U000e0041",
]
WRITTEN: Final = ["Ærøskøbing", "می\u200cخواهم", "क्\u200dष", "❤\ufe0f", "葛\U000e0100城市", "a\u00a0b", "👩\u200d💻"]


def test_what_unicode_calls_control_format_or_separator_of_lines_is_hidden() -> None:
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Zl", "Zp") or (category == "Cf" and code not in SEEN and chr(code) not in JOINERS):
            assert HIDDEN.fullmatch(chr(code)), f"U+{code:04X} {category}"
        if category[0] in "LNPS" and HIDDEN.fullmatch(chr(code)):
            assert "FILLER" in unicodedata.name(chr(code)), f"U+{code:04X} is seen"


@pytest.mark.parametrize("text", WRITTEN)
def test_what_languages_are_written_with_is_not(text: str) -> None:
    assert not HIDDEN.search(text)
    assert escaped(text) == text


def _by_the_domain(text: str) -> None:
    violations = Violations()
    violations.one_line("/text", text)
    if violations.errors:
        raise ValueError(violations.errors[0][1])


@pytest.mark.parametrize(
    "take",
    [
        TypeAdapter(Name).validate_python,
        TypeAdapter(Title).validate_python,
        TypeAdapter(ShortText).validate_python,
        _by_the_domain,
    ],
    ids=["a name in terms", "a title in terms", "a short text of a request", "a line of a command"],
)
def test_all_names_are_held_to_it(take: Callable[[str], Any]) -> None:
    for each in OF_EACH_KIND:
        with pytest.raises(ValueError, match="control character"):
            take(f"a{each}b")
    for text in WRITTEN:
        take(text)


def test_printed_they_are_numbers() -> None:
    assert escaped("a\u202eb\x1b\n\U000e0041", but="\n") == "a\\u202eb\\u001b\n\\U000e0041"
    assert not any(HIDDEN.search(escaped(each)) for each in OF_EACH_KIND)


def test_there_is_no_second_set() -> None:
    """The language and the platform may not import one another: what both need is the same to the byte."""
    files = [Path(str(each.__file__)) for each in (of_language, of_platform)]
    assert files[0].read_bytes() == files[1].read_bytes()
    others = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in ("services", "shared", "tools", "deploy")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file not in files and re.search(r"\\u20[0-6]|\\u200|bidi", file.read_text("utf-8"), re.IGNORECASE)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and HIDDEN.search(node.value.replace("\n", ""))
        and re.search("[\u200b-\u202e\u2060-\u206f]", node.value)
    ]
    assert others == []
