"""Compares what came out with what the story says must come out: pure, a sentence for each difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fristwerk_local.results import ProviderResult, TicketResult
from fristwerk_local.story import ProviderStory, Story, TicketOutcome

_SUMMED: Final = frozenset({"minutes", "days", "amount"})
_BY_TICKET: Final = frozenset({"held_minutes", "written_off_minutes"})
Share = tuple[str, str | None]
"""What lines are folded by: their kind, and the ticket's name or an add-on's month."""


def differences(story: Story, outcome: Mapping[str, ProviderResult]) -> list[str]:
    """A sentence for each value that did not come out as the story says; empty when all did."""
    return [
        f"{provider.name}/{each}"
        for provider in story.providers
        for each in _provider(provider, outcome[provider.name])
    ]


def _provider(expected: ProviderStory, found: ProviderResult) -> Iterator[str]:
    for name, ticket in expected.tickets.items():
        if name not in found.tickets:
            yield f"{name}: the ticket does not exist"
        else:
            yield from (f"{name}: {each}" for each in _ticket(ticket, found.tickets[name]))
    for name, preview in expected.previews.items():
        if name not in found.previews:
            yield f"{name}: there is nothing to preview"
        else:
            yield from (f"{name}, preview: {each}" for each in _preview(preview, found.previews[name], found))


def _ticket(expected: TicketOutcome, found: TicketResult) -> Iterator[str]:
    if expected.timers is not None:
        yield from _timers(expected.timers, found.timers)
    if expected.entitled is not None and found.state["entitled"] != expected.entitled:
        yield f"entitled is {found.state['entitled']} instead of {expected.entitled}"
    if expected.acknowledged is not None:
        yield from _acknowledged(expected.acknowledged, found.events)


def _timers(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """For each metric named, exactly these timers in this order; naming none means that there is none at all."""
    metrics = {each["metric"] for each in expected or found}
    for metric in sorted(metrics):
        of_metric = [each for each in expected if each["metric"] == metric]
        shown = [each for each in found if each["metric"] == metric]
        if len(of_metric) != len(shown):
            yield f"{len(shown)} timers of {metric} instead of {len(of_metric)}"
        for number, (timer, actual) in enumerate(zip(of_metric, shown, strict=False), 1):
            yield from (f"{metric} {number}: {each}" for each in _fields(timer, actual))


def _acknowledged(expected: dict[str, Any] | bool, events: Sequence[dict[str, Any]]) -> Iterator[str]:  # noqa: FBT001 - as the story writes it
    sent = [each["data"] for each in events if each["type"] == "AcknowledgementSent"]
    if bool(expected) != bool(sent):
        yield f"{len(sent)} acknowledgements were recorded"
    elif isinstance(expected, dict) and expected:
        yield from (f"acknowledgement: {each}" for each in _fields(expected, sent[0]))


def _preview(expected: dict[str, Any], found: dict[str, Any], names: ProviderResult) -> Iterator[str]:
    for key, value in expected.items():
        match key:
            case "until":
                continue
            case "lines":
                yield from _lines(value, found["lines"], names)
            case "violations":
                codes = sorted(each["code"] for each in found["violations"])
                wanted = sorted(each["code"] if isinstance(each, dict) else each for each in value)
                if codes != wanted:
                    yield f"violations are {codes} instead of {wanted}"
            case _ if key in _BY_TICKET:
                minutes = {names.ticket_name(ticket): each for ticket, each in found[key].items() if each}
                if minutes != {ticket: each for ticket, each in value.items() if each}:
                    yield f"{key} are {minutes} instead of {value}"
            case _:
                yield from _fields({key: value}, found)


def _lines(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], names: ProviderResult) -> Iterator[str]:
    """Lines folded by kind and ticket; an add-on's by kind and month."""
    wanted = _folded((_share(line, line.get("ticket")), line) for line in expected)
    shown = _folded((_share(line, names.ticket_name(line.get("ticket"))), line) for line in found)
    for (kind, of), line in wanted.items():
        if (kind, of) not in shown:
            yield f"no line {kind} of {of}"
            continue
        fields = {key: value for key, value in line.items() if key not in {"kind", "ticket", "month"}}
        yield from (f"{kind} of {of}: {each}" for each in _fields(fields, shown[kind, of]))
    yield from (f"a line {kind} of {of} that was not expected" for kind, of in shown if (kind, of) not in wanted)


def _share(line: Mapping[str, Any], ticket: str | None) -> Share:
    return line["kind"], line.get("month") if line["kind"] == "addon" else ticket


def _folded(lines: Iterable[tuple[Share, Mapping[str, Any]]]) -> dict[Share, dict[str, Any]]:
    """One line a share: what can be added is added, of the rest the first line's stands."""
    folds: dict[Share, dict[str, Any]] = {}
    for share, line in lines:
        fold = folds.setdefault(share, {})
        for key, value in line.items():
            if key in fold and key in _SUMMED and value is not None:
                fold[key] = _plain(fold[key]) + _plain(value)
            else:
                fold.setdefault(key, value)
    return folds


def _fields(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in expected.items():
        if key not in found:
            yield f"{key} is not shown; {value} was expected"
        elif not _equal(value, found[key]):
            yield f"{key} is {_plain(found[key])} instead of {_plain(value)}"


def _equal(expected: Any, found: Any) -> bool:
    """Equal in meaning: instants whatever their offset, amounts whatever their currency and trailing zeros."""
    if isinstance(expected, bool) or expected is None or isinstance(found, bool) or found is None:
        return expected is found
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(key in found and _equal(value, found[key]) for key, value in expected.items())
    one, other = _plain(expected), _plain(found)
    return bool(one == other)


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return value
        case {"amount": amount, "currency": _}:
            return _plain(amount)
        case str() if (instant := _instant(value)) is not None:
            return instant
        case str() | int() | Decimal():
            try:
                return Decimal(value)
            except InvalidOperation:
                return value
        case _:
            return value


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else None
