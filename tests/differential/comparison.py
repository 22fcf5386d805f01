"""What two versions make of one story: equal, or different in one of the ways that a decision has intended.

An intended difference is undone exactly where it can be, and bounded where it cannot; what is left is nobody's intention.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

PREPARATION: Final = "preparation that is never charged counts as free, and is not 'not_rated' for ever"
EFFORT: Final = "the effort notice leaves out preparation that only a late cancellation is charged by (decision 0022)"
SOFT: Final = "a soft target is never due after its target"
SEVERITY: Final = "what waits for a severity says so, and no longer that nothing is configured"
_NOT_SET_BEFORE: Final = {"severity_not_set": "not_configured"}
UNINTENDED: Final = "unintended"
Difference = tuple[str, str]
"""The kind of a difference, and where it is."""


def differences(story: list[str], older: dict[str, Any], newer: dict[str, Any]) -> Iterator[Difference]:
    """Where the newer version comes to something else than the older one."""
    yield from _charges(older["charges"], newer["charges"])
    prepared = set(_prepared(story))
    for stream, before in older["timers"].items():
        yield from _timers(stream, before, newer["timers"][stream], may_differ_in_effort=stream in prepared)


def _charges(older: dict[str, Any], newer: dict[str, Any]) -> Iterator[Difference]:
    if older.keys() != newer.keys():
        yield UNINTENDED, "the accounts"
    for account in older.keys() & newer.keys():
        before, after = older[account], newer[account]
        if before == _known_to(before, after):
            continue
        if before == _known_to(before, _with_preparation_not_rated(after)):
            yield PREPARATION, account
        else:
            yield UNINTENDED, f"account {account}: {_unequal(before, after)}"


def _known_to(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """The newer one without what the older could not say."""
    return {name: value for name, value in newer.items() if name in older}


def _with_preparation_not_rated(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement as it was when preparation without a fee was ``not_rated`` for ever."""
    moved = [each | {"reason": "preparation"} for each in statement.get("never_charged", ())]
    if not moved:
        return statement
    minutes = sum(each["minutes"] for each in moved)
    shares = statement["shares"]
    entries = sorted([*statement["not_rated"], *moved], key=lambda each: (each["ticket"], each["entry"]))
    shares |= {"free": shares["free"] - minutes, "not_rated": shares["not_rated"] + minutes}
    return statement | {"not_rated": entries, "shares": shares}


def _timers(
    stream: str, older: dict[str, Any], newer: dict[str, Any], *, may_differ_in_effort: bool
) -> Iterator[Difference]:
    before, after = _by_id(older), _by_id(newer)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if ":effort_notice" in name and may_differ_in_effort:
            yield EFFORT, stream
        elif old is not None and new is not None and old | _soft_not_after_target(old) == new:
            yield SOFT, f"{stream} {name}"
        else:
            yield UNINTENDED, f"{stream} {name}: {_unequal(old or {}, new or {})}"
    was, is_ = _absent(older, may_differ_in_effort), _absent(newer, may_differ_in_effort)
    if was != is_:
        only_severity = was == {metric: _NOT_SET_BEFORE.get(reason, reason) for metric, reason in is_.items()}
        yield SEVERITY if only_severity else UNINTENDED, f"{stream}: what has no timer"


def _absent(timers: dict[str, Any], without_effort: bool) -> dict[str, str]:
    """Why metrics have no timer."""
    reasons = {each["metric"]: each["reason"] for each in timers["absent"]}
    return {metric: why for metric, why in reasons.items() if not (without_effort and metric == "effort_notice")}


def _by_id(timers: dict[str, Any]) -> dict[str, Any]:
    return {each["id"]: each for each in timers["timers"]}


def _soft_not_after_target(timer: dict[str, Any]) -> dict[str, Any]:
    soft, due = timer["soft_due_at"], timer["due_at"]
    return {"soft_due_at": due} if soft is not None and due is not None and soft > due else {}


def _prepared(story: list[str]) -> Iterator[str]:
    """The tickets with preparation of an appointment."""
    for line in story:
        event = json.loads(line)
        if event["type"] == "TimeLogged" and event["data"].get("appointment") is not None:
            yield event["stream"]


def _unequal(older: dict[str, Any], newer: dict[str, Any]) -> list[str]:
    return sorted(name for name in older.keys() | newer.keys() if older.get(name) != newer.get(name))
