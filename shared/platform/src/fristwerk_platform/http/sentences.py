"""What is wrong with a place of a request, in our words: the predicate of a sentence whose subject is
the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

SAID: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "string_unicode": "must be a text of Unicode",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number that is not that large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "none_required": "must be null",
}
"""By the kind of the check that found it."""
WITH_BOUNDS: Final[Mapping[str, str]] = {
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
"""Those that name a bound, which the check gives with its error."""
_LIBRARYS_OWN: Final = re.compile(r"^(?:Input|String|List|Dictionary|Set|Tuple|Number|Value) should ")


def said_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says of its place; checks of ours speak for themselves."""
    kind = str(error["type"])
    if kind in SAID:
        return SAID[kind]
    if kind in WITH_BOUNDS and "ctx" in error:
        return WITH_BOUNDS[kind].format_map(error["ctx"])
    message = _LIBRARYS_OWN.sub("must ", str(error["msg"]).removeprefix("Value error, "))
    return message[:1].lower() + message[1:]
