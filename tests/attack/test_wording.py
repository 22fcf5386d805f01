"""How refusals speak, whatever of which operation is wrong: places of one form, sentences of one kind, no library's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pytest

from fristwerk_language.roles import Role
from tests.attack.conftest import Target
from tests.attack.grammar import Attack, Interface
from tests.promises import Promise

WRONG: Final[tuple[object, ...]] = (
    None,
    True,
    [],
    {},
    "",
    " ",
    "nope",
    "\x1b[31m",
    "x" * 20_001,
    -1,
    0.5,
    2**63,
    "2024-02-30",
    "infoniqa@-1",
)
"""Of all extremes those that the checks of a body, a query or a path have sentences about."""
LIBRARIES: Final = re.compile(
    r"msgspec|pydantic|asyncpg|sqlalchemy|starlette|fastapi|aiosqlite|sqlite3|jwt\b|httpx|uvicorn|value error|"
    r"\b[A-Z][A-Za-z]+(?:Error|Exception|Warning)\b|\bNoneType\b|should (?:be|have|match)|unable to parse|datetime\.|<class",
)
PLACE: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*|#(?:query|path|header)/[\w-]+")
DETAIL: Final = re.compile(r"[^a-z].*[.!?]", re.DOTALL)
"""A sentence that stands alone begins with a capital or a name and ends with a full stop."""
PREDICATE: Final = re.compile(r"\S.*[^.]", re.DOTALL)
"""What is said of a place goes on behind its name, so it has no full stop."""
STRIDE: Final = 5
"""Of so many such attacks the suite sends one."""
ROLES: Final[dict[str, tuple[Role, ...]]] = {
    "ticket": ("admin", "agent", "customer", "auditor"),
    "sla": ("manager", "admin", "auditor"),
    "billing": ("billing", "admin", "auditor"),
}


def wrong(interface: Interface) -> Iterator[Attack]:
    """The attacks with those values, and every one on a path or a query of an operation without a body."""
    for each in interface.attacks():
        value = None if each.content is None else json.loads(each.content)
        if each.content is None or "?" in each.path or _has(value, each.place):
            yield each


def _has(body: Any, place: str) -> bool:
    for name in filter(None, place.split("/")):
        if isinstance(body, list):
            body = body[int(name)] if name.isdecimal() and int(name) < len(body) else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return any(type(body) is type(each) and body == each for each in WRONG)


def faults(answer: Any, status: int) -> Iterator[str]:
    """What is wrong with a refusal's words."""
    text = json.dumps(answer, ensure_ascii=False)
    if found := LIBRARIES.search(text):
        yield f"a library's word, {found[0]!r}"
    if not DETAIL.fullmatch(answer["detail"]):
        yield f"not a sentence: {answer['detail']!r}"
    for each in answer.get("errors", []):
        if not PLACE.fullmatch(each["pointer"]):
            yield f"not a place: {each['pointer']!r}"
        if each["pointer"].startswith("#path/") and status != 404:
            yield f"{status} for what a path names"
        if not PREDICATE.fullmatch(each["detail"]):
            yield f"not said of a place: {each['detail']!r}"


@pytest.mark.parametrize("service", ["ticket", "sla", "billing"])
async def test_every_refusal_names_its_place_and_says_what_is_wrong_in_our_words(
    target: Target, service: str, long: bool, promise: Promise
) -> None:
    (interface,) = [each for each in target.interfaces() if each.service == service]
    client = target.vendor.services.clients[service]  # type: ignore[index]  # one of the stack's
    seen: dict[str, str] = {}
    refused = 0
    for number, attack in enumerate(islice(wrong(interface), 0, None, 1 if long else STRIDE)):
        role = ROLES[service][number % 7 if number % 7 < len(ROLES[service]) else 0]
        own = target.existing["customer"] if role == "customer" else None
        answer = await client.request(
            attack.method, attack.path, content=attack.content, headers=target.bearer(role, belongs_to=own)
        )
        if answer.status_code >= 400:
            refused += 1
            for fault in faults(answer.json(), answer.status_code):
                seen.setdefault(fault, f"{attack.operation} {attack.place} {attack.path[-60:]} {answer.text[:300]}")
    assert refused > 50
    assert seen == {}
    promise.figures = f"{refused:,} refusals"
