"""Every identity at every operation with another's real ids: nothing is shown and nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fristwerk_language.roles import ROLES, TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.token_keys import load_keys
from tests.attack.conftest import PROVIDER, SECRETS, Target
from tests.promises import Promise
from ticket_service.cli import SCOPES

FOREIGN = "elsewhere"


async def strangers(target: Target) -> dict[str, dict[str, str]]:
    """Headers of everybody who has no business with the attacked company, by who it is."""
    other = await target.vendor.customer(name="Andere GmbH")
    mine = target.existing["customer"]
    found = {
        f"{role} elsewhere": target.bearer(role, FOREIGN, belongs_to=mine if role == "customer" else None)
        for role in ROLES
    }
    everything = frozenset(SCOPES)
    return found | {
        "service elsewhere with every scope": target.bearer("service", FOREIGN, scopes=everything),
        "service of all with every scope": target.bearer("service", "*", scopes=everything),
        "service without a scope": target.bearer("service"),
        "customer of another company": target.bearer("customer", belongs_to=other),
        "customer that does not exist": target.bearer("customer", belongs_to="0199c3c4-ffff-7fff-8fff-ffffffffffff"),
    }


def nobodies(target: Target) -> dict[str, dict[str, str]]:
    """Headers that speak for nobody."""
    long_ago = datetime.now(UTC) - timedelta(days=2)
    settings = target.vendor.services.settings
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    expired = tokens.issue(Principal(sub="a", role="admin", provider=PROVIDER), now=long_ago)
    good = target.bearer("admin")["Authorization"]
    return {
        "nobody": {},
        "junk": {"Authorization": "Bearer junk"},
        "expired": {"Authorization": f"Bearer {expired}"},
        "another signature": {"Authorization": good[:-8] + "AAAAAAAA"},
        "no scheme": {"Authorization": good.removeprefix("Bearer ")},
    }


async def recorded(target: Target) -> list[bytes]:
    """The attacked provider's events in both logs."""
    found: list[bytes] = []
    for name in ("ticket", "billing"):
        client = target.vendor.services.clients[name]
        answer = await client.get("/v1/events", params={"limit": 1000}, headers=target.bearer("service"))
        found += answer.content.splitlines()
    return found


async def test_no_identity_reads_or_changes_what_is_another_s(target: Target, promise: Promise) -> None:
    words = [*SECRETS.values(), target.reference]
    operations = [(each.service, *operation) for each in target.interfaces() for operation in each.operations()]
    identities = await strangers(target)
    for role in ("agent", "billing", "manager"):
        seen = await shown_to(target, target.bearer(role), _reads(operations))
        assert any(word in text for text in seen for word in words), f"the words would not be noticed by {role}"
    await target.vendor.caught_up()
    before = await recorded(target)
    leaks, tried, broken = [], 0, []
    unknown = nobodies(target)
    for who, headers in {**identities, **unknown}.items():
        for service, method, path, body in operations:
            client = target.vendor.services.clients[service]  # type: ignore[index]  # the services of the stack
            answer = await client.request(method, path, json=body, headers=headers)
            tried += 1
            if answer.status_code >= 500 or (who not in identities and answer.status_code != 401):
                broken.append((who, method, path, answer.status_code))
            if any(word in answer.text for word in words) and not _told_by_the_feed(who, path):
                leaks.append((who, method, path, answer.status_code))
    await target.vendor.caught_up()

    assert leaks == []
    assert broken == []
    assert await recorded(target) == before
    promise.figures = (
        f"{tried:,} requests of {len(identities)} strangers and {len(unknown)} nobodies: 0 leaks, 0 changes"
    )


def _reads(operations: list[Any]) -> list[Any]:
    return [each for each in operations if each[1] == "GET"]


async def shown_to(target: Target, headers: dict[str, str], operations: list[Any]) -> list[str]:
    """The answers to somebody who may."""
    clients = target.vendor.services.clients
    return [
        (await clients[service].request(method, path, headers=headers)).text for service, method, path, _ in operations
    ]


def _told_by_the_feed(who: str, path: str) -> bool:
    """A follower of all providers, and of this one, sees companies' names in the feed: they are no secret of a person's."""
    return path == "/v1/events" and who in ("service of all with every scope", "service without a scope")


WRONG_BODIES = (b'{"unknown": 1}', b"[", b'"text"', b"\xff")
OWN_NAMES = ("/v1/agreements/", "/v1/calendars/")
"""Everybody may have terms of this name: they are another's own."""


async def test_whoever_may_not_send_a_body_does_not_learn_what_it_should_be(target: Target, promise: Promise) -> None:
    """A wrong body is answered like a right one, by whom it is forbidden and where there is nothing for them."""
    identities = await strangers(target) | {f"{role} here": target.bearer(role) for role in ROLES if role != "customer"}
    operations = [
        (each.service, method, path, body)
        for each in target.interfaces()
        for method, path, body in each.operations()
        if body is not None
    ]
    told, tried = [], 0
    for who, headers in identities.items():
        for service, method, path, body in operations:
            client = target.vendor.services.clients[service]  # type: ignore[index]  # the services of the stack
            wrong = {
                (await client.request(method, path, content=each, headers=headers)).status_code for each in WRONG_BODIES
            }
            right = (await client.request(method, path, json=body, headers=headers)).status_code
            tried += len(WRONG_BODIES) + 1
            elsewhere = "here" not in who and not path.startswith(OWN_NAMES)
            if (right == 403 or (elsewhere and _names_something(target, path))) and wrong - {403, 404}:
                told.append((who, method, path, right, wrong))

    assert told == []
    promise.figures = f"{tried:,} requests with wrong bodies of {len(identities)} callers"


def _names_something(target: Target, path: str) -> bool:
    return any(value in path for value in target.existing.values() if len(value) > len("infoniqa"))
