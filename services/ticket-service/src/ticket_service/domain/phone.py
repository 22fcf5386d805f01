"""Telephone numbers in the one form by which a caller is found again."""

from __future__ import annotations

import re
from typing import Final

_TRUNK_ZERO: Final = re.compile(r"\(\s*0\s*\)")


def normalised_phone(number: str) -> str:
    """The number as E.164 (``+`` and digits) where it names its country, else its digits only.

    A leading ``00`` means ``+``; a trunk zero in brackets, ``+41 (0)41 …``, is not dialled from abroad and is left out.
    Without any digit the answer is empty: nobody is found by it.
    """
    text = number.strip()
    abroad = text.startswith("+")
    if abroad or text.startswith("00"):
        text = _TRUNK_ZERO.sub("", text)
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    if abroad:
        return f"+{digits}" if digits else ""
    return f"+{digits[2:]}" if digits.startswith("00") and len(digits) > len("00") else digits
