"""Words of a text as they are searched for: without case, accents, or what stands between them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SHORTEST: Final = 2
LONGEST: Final = 64
MOST: Final = 32
"""So many different words of a text are searched for."""
_WORD: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The different words in their order: letters and digits, two at least, as Unicode folds them (NFKD, no marks, no case).

    Of a longer word the beginning counts, and of a longer text the first words.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(each for each in folded if not unicodedata.combining(each))
    found = (each.group()[:LONGEST] for each in _WORD.finditer(plain))
    return [*dict.fromkeys(each for each in found if len(each) >= SHORTEST)][:MOST]


def reference_word(text: str) -> str:
    """A reference, or its beginning, as it is searched for: whole, with its hyphens."""
    return text.casefold()[:LONGEST]
