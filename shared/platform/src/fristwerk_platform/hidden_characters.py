"""Characters that are not seen, or that change how the rest is seen: a name with them looks like
another name, and a terminal obeys some of them.

Unicode Standard Annex #9 (changes of direction, "Trojan Source", CVE-2021-42574), Unicode Technical
Standard #39, section 3.1 (``Default_Ignorable_Code_Point`` is not for identifiers), and Unicode
Technical Report #36, section 3.6. The joiners U+200C and U+200D and the variation selectors are
ignorable, too, and allowed: Persian, Indic scripts, Japanese names and emoji are written with them
(Unicode Standard Annex #31, section 2.3).

The language and the platform know nothing of one another, so the file stands in both, the same to
the byte.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u2028\u2029"  # line ends that are none in a terminal
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # changes of direction
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # not seen
    "]"
)


def escaped(text: str, *, but: str = "") -> str:
    """The text with each hidden character, but for those that are wanted, as its number: to be printed."""
    return HIDDEN.sub(lambda found: found[0] if found[0] in but else _written(found[0]), text)


def _written(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"  # noqa: PLR2004 - the basic plane's last
