"""Every field of every operation with every extreme value: never a 5xx, the event loop never held, memory back."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest

from fristwerk_language.roles import ROLES, Role
from fristwerk_platform.http.strict_json import MAX_PARTS
from tests.attack.conftest import Target, megabytes
from tests.attack.grammar import EVERYTHING, Attack
from tests.promises import Promise
from tests.watchdog import LONGEST_SECONDS, watched

STRIDE = 31
"""Of so many attacks the suite sends one; a prime, so that every field meets other values."""
MORE_MEGABYTES = 20
GOOD_ROLES: dict[str, Role] = {"ticket": "admin", "sla": "manager", "billing": "billing"}


def role_of(attack: Attack, number: int, *, every: bool) -> Role:
    """Who sends it: somebody who may, as refusals of the role come first; at length everybody in turn."""
    if every and number % 3 == 0:
        return ROLES[number // 3 % len(ROLES)]
    if attack.service == "ticket" and "/tickets" in attack.path:
        return "agent"
    return GOOD_ROLES[attack.service]


def plain_clients(target: Target) -> dict[str, httpx.AsyncClient]:
    """Without the comparison with the description, whose time and memory would be measured too."""
    return {
        str(name): httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}")
        for name, app in target.vendor.services.apps.items()
    }


async def test_no_extreme_value_breaks_or_holds_a_service(target: Target, long: bool, promise: Promise) -> None:
    attacks = [each for interface in target.interfaces() for each in interface.attacks()]
    headers: dict[Role, dict[str, str]] = {role: target.bearer(role) for role in ROLES if role != "customer"}
    headers["customer"] = target.bearer("customer", belongs_to=target.existing["customer"])
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    clients = plain_clients(target)
    # Caches fill up to their bounds first: the one of compiled statements by 40 MB, as lists have many filters. So
    # memory counts while a third of all is sent again.
    once = attacks if long else attacks[::STRIDE]
    sent = [*once, *once[::3]]
    before = megabytes()
    async with watched() as watchdog:
        for number, attack in enumerate(sent):
            if number == len(once):
                watchdog.paused = True
                before = megabytes()
            send = partial(
                clients[attack.service].request,
                attack.method,
                attack.path,
                content=attack.content,
                headers=headers[role_of(attack, number, every=long)],
            )
            answer = await watchdog.see(f"{attack.operation} {attack.place}", send)
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                broken.append(
                    f"{attack.operation} {attack.place} {attack.content!r:.200} {attack.path} {answer.text:.200}"
                )
    grown = megabytes() - before

    assert broken == []
    assert watchdog.longest <= LONGEST_SECONDS, watchdog.culprit
    assert grown <= MORE_MEGABYTES
    assert statuses[422] > statuses[403]
    promise.figures = (
        f"{len(sent):,} requests of {len(attacks):,}: "
        + ", ".join(f"{n:,} x {status}" for status, n in sorted(statuses.items()))
        + f"; the loop was held {watchdog.longest * 1000:.0f} ms at most; {grown:+.0f} MB"
    )


WIDE: dict[str, bytes] = {
    "as many keys as a mebibyte holds": json.dumps({f"k{number}": number for number in range(60_000)}).encode(),
    "as many values as a mebibyte holds": b"[" + b"0," * 500_000 + b"0]",
    "as many objects as a mebibyte holds": b"[" + b"{}," * 340_000 + b"{}]",
    "as many keys as a body may have": json.dumps(dict.fromkeys(map(str, range(MAX_PARTS // 2 - 1)), 0)).encode(),
    "as many objects as a body may have": b"[" + b"{}," * (MAX_PARTS // 2 - 1) + b"{}]",
}


async def test_no_wide_body_holds_a_service(target: Target, promise: Promise) -> None:
    """Not one extreme value but very many small ones, which a parser and checks go through one by one."""
    asked = [
        (interface.service, method, path, what)
        for interface in target.interfaces()
        for method, path, body in interface.operations()
        for what in (WIDE if body is not None else ())
    ]
    headers: dict[Role, dict[str, str]] = {role: target.bearer(role) for role in ROLES if role != "customer"}
    broken: list[tuple[str, str, str]] = []
    clients = plain_clients(target)
    async with watched() as watchdog:
        for service, method, path, what in asked:
            role: Role = "agent" if path.startswith("/v1/tickets") else GOOD_ROLES[service]
            send = partial(clients[service].request, method, path, content=WIDE[what], headers=headers[role])
            answer = await watchdog.see(f"{method} {path}: {what}", send)
            if answer.status_code >= 500:
                broken.append((path, what, answer.text[:200]))

    assert broken == []
    assert watchdog.longest <= LONGEST_SECONDS, watchdog.culprit
    promise.figures = (
        f"{len(asked)} requests of up to a mebibyte; the loop was held {watchdog.longest * 1000:.0f} ms at most"
    )


@pytest.mark.parametrize("service", ["ticket", "sla", "billing"])
async def test_every_field_of_every_body_is_attacked(target: Target, service: str) -> None:
    (interface,) = [each for each in target.interfaces() if each.service == service]
    attacked: dict[str, set[str]] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for each in interface.attacks():
        attacked.setdefault(each.operation, set()).add(each.place.split("/")[0])
        counted[each.operation, each.place] += 1
    described = 0
    for path, methods in interface.description["paths"].items():
        for method, operation in methods.items():
            for name in _fields(interface.description, operation):
                described += 1
                assert name in attacked[f"{method.upper()} {path}"], (method, path, name)
    assert described > 8
    assert set(counted.values()) == {len(EVERYTHING)}


def _fields(description: Any, operation: Any) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))
