"""Reads a story: what happened to providers' support, as steps to play over HTTP, and what must come out.

    Publish       a document of terms is published
    Post          a command; what it creates gets a name
    Refused       a command that must be refused and store nothing
    Decide        the billing clerk decides on a ticket's open charge
    WorklistIs    the order in which the worklist must stand at this point

The form is described in the head comment of ``stories/recorded_day.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import yaml

from fristwerk_language.terms import zone
from fristwerk_local.errors import FailedError

AT_THE_END: Final = datetime.max.replace(tzinfo=UTC)
_LOCAL_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?", re.ASCII)


class StoryError(FailedError):
    """The file is not a story; the message names the place."""


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    """``document`` is ``calendars/NAME`` or ``agreements/NAME``."""

    key: str
    document: str


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A command. Ids are still names in braces.

    ``key`` is unique in the story and always the same, so a repetition is recognised. ``ticket`` is the ticket's name where
    ``path`` lies below one; ``creates`` maps a key of the answer (``customer``, ``ticket`` …) to the name it gets.
    """

    key: str
    role: str
    path: str
    body: dict[str, Any]
    ticket: str | None = None
    customer: str | None = None
    creates: Mapping[str, str] = {}


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The post must answer ``status``, name exactly ``pointers`` where given, and store nothing."""

    key: str
    post: Post
    status: int
    pointers: tuple[str, ...] | None = None


class DecideCharge(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on the open charge of that ``kind`` of that ticket."""

    key: str
    role: str
    ticket: str
    kind: str
    body: dict[str, Any]


class WorklistIs(msgspec.Struct, frozen=True, kw_only=True):
    """These tickets stand in the worklist in this order; others are left aside."""

    key: str
    tickets: tuple[str, ...]


Step = Publish | Post | Refused | DecideCharge | WorklistIs


class TicketOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What must come out for a ticket. Null: the story does not say."""

    timers: tuple[dict[str, Any], ...] | None = None
    acknowledged: dict[str, Any] | bool | None = None
    entitled: bool | None = None


class ProviderStory(msgspec.Struct, frozen=True, kw_only=True):
    """One provider: its steps in the order to play them, and what must come out by ticket and by customer."""

    name: str
    timezone: str
    steps: tuple[Step, ...]
    tickets: dict[str, TicketOutcome]
    previews: dict[str, dict[str, Any]]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A named story of one or more providers."""

    name: str
    providers: tuple[ProviderStory, ...]

    @property
    def step_count(self) -> int:
        """How many steps there are to play."""
        return sum(len(provider.steps) for provider in self.providers)


class _CustomerText(msgspec.Struct, forbid_unknown_fields=True):
    body: dict[str, Any]
    contracts: list[dict[str, Any]] = []
    contacts: list[dict[str, Any]] = []
    devices: list[dict[str, Any]] = []


class _TicketText(msgspec.Struct, forbid_unknown_fields=True):
    create: dict[str, Any]
    then: list[dict[str, Any]] = []
    timers: tuple[dict[str, Any], ...] | None = None
    acknowledged: dict[str, Any] | bool | None = None
    entitled: bool | None = None


class _ProviderText(msgspec.Struct, forbid_unknown_fields=True):
    timezone: str
    publish: list[str] = []
    customers: dict[str, _CustomerText] = {}
    tickets: dict[str, _TicketText] = {}
    refused: list[dict[str, Any]] = []
    previews: dict[str, dict[str, Any]] = {}


class _StepText(msgspec.Struct, forbid_unknown_fields=True, rename={"role": "as"}):
    at: str | None = None
    role: str = "agent"
    ticket: str | None = None
    customer: str | None = None
    post: str | None = None
    decide: str | None = None
    worklist: tuple[str, ...] | None = None
    body: dict[str, Any] = {}
    status: int | None = None
    pointers: tuple[str, ...] | None = None


class _Loader(yaml.SafeLoader):
    """YAML whose dates and instants stay the text they are, as HTTP sends them, and in which ``on`` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def read_story(file: Path) -> Story:
    """The story in the file, named after it. Raises StoryError, or OSError where the file cannot be read."""
    try:
        text = yaml.load(file.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
        providers = msgspec.convert(text, dict[str, _ProviderText])
        return Story(name=file.stem, providers=tuple(_provider(name, provider) for name, provider in providers.items()))
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise StoryError(f"{file.name} is not a story that can be played: {error}") from error


def local_time(text: str, local: ZoneInfo) -> datetime:
    """An instant written with its offset or, without one, in the provider's zone."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=local)


def with_offsets(value: Any, local: ZoneInfo) -> Any:
    """The value with every naive time in it given the zone's offset; dates stay dates."""
    match value:
        case str() if _LOCAL_TIME.fullmatch(value):
            return local_time(value, local).isoformat()
        case dict():
            return {key: with_offsets(each, local) for key, each in value.items()}
        case list():
            return [with_offsets(each, local) for each in value]
        case _:
            return value


def _provider(name: str, text: _ProviderText) -> ProviderStory:
    local = zone(text.timezone)
    steps: list[Step] = [Publish(key=f"{name}/{document}", document=document) for document in text.publish]
    for customer, customer_text in text.customers.items():
        steps += _customer_steps(f"{name}/customers/{customer}", customer, customer_text, local)
    timed = [
        each
        for ticket, ticket_text in text.tickets.items()
        for each in _ticket_steps(f"{name}/tickets/{ticket}", ticket, ticket_text, local)
    ]
    timed += _timed(f"{name}/refused", text.refused, None, AT_THE_END, local)
    timed.sort(key=lambda each: each[0])
    steps += [step for _, step in timed]
    keys = sorted(step.key for step in steps)
    assert all(one != other for one, other in pairwise(keys)), "every step has a key of its own"
    return ProviderStory(
        name=name,
        timezone=text.timezone,
        steps=tuple(steps),
        tickets={
            ticket: TicketOutcome(timers=each.timers, acknowledged=each.acknowledged, entitled=each.entitled)
            for ticket, each in text.tickets.items()
        },
        previews=text.previews,
    )


def _customer_steps(key: str, name: str, text: _CustomerText, local: ZoneInfo) -> Iterator[Step]:
    yield Post(
        key=key, role="admin", path="/v1/customers", body=with_offsets(text.body, local), creates={"customer": name}
    )
    things = (("contract", text.contracts), ("device", text.devices), ("contact", text.contacts))
    for kind, bodies in things:
        for number, body in enumerate(bodies, 1):
            yield Post(
                key=f"{key}/{kind}s/{number}",
                role="admin",
                path=f"/v1/customers/{{{name}}}/{kind}s",
                body=with_offsets(body, local),
                creates={kind: name} if number == 1 and kind != "contact" else {},
            )


def _ticket_steps(key: str, name: str, text: _TicketText, local: ZoneInfo) -> list[tuple[datetime, Step]]:
    """Creation at the instant of receipt, as agent, then what is told of the ticket."""
    received_at = local_time(text.create["received_at"], local)
    body = with_offsets(text.create, local)
    created = Post(key=key, role="agent", path="/v1/tickets", body=body, creates={"ticket": name})
    return [(received_at, created), *_timed(key, text.then, name, received_at, local)]


def _timed(
    key: str, texts: list[dict[str, Any]], ticket: str | None, starts_at: datetime, local: ZoneInfo
) -> list[tuple[datetime, Step]]:
    """The steps with their instants; one without ``at`` follows the one above it at the same instant."""
    timed: list[tuple[datetime, Step]] = []
    at = starts_at
    for number, each in enumerate(texts, 1):
        text = msgspec.convert(each, _StepText)
        at = local_time(text.at, local) if text.at else at
        timed.append((at, _step(f"{key}/{number}", text, ticket or text.ticket, at, local)))
    return timed


def _step(key: str, text: _StepText, ticket: str | None, at: datetime, local: ZoneInfo) -> Step:
    occurred_at = {} if at == AT_THE_END else {"occurred_at": at.isoformat()}
    body = occurred_at | with_offsets(text.body, local)
    match text:
        case _StepText(worklist=tuple() as tickets):
            return WorklistIs(key=key, tickets=tickets)
        case _StepText(decide=str() as kind) if ticket:
            return DecideCharge(key=key, role=text.role, ticket=ticket, kind=kind, body=body)
        case _StepText(post=str() as path) if ticket or path.startswith("/v1/"):
            below_ticket = not path.startswith("/v1/")
            post = Post(
                key=key,
                role=text.role,
                path=f"/v1/tickets/{{{ticket}}}/{path}" if below_ticket else path,
                body=body,
                ticket=ticket,
                customer=text.customer,
            )
            if text.status is None:
                return post
            return Refused(key=key, post=post, status=text.status, pointers=text.pointers)
        case _:
            raise StoryError(f"the step {key} has no 'post', 'decide' or 'worklist', or no ticket it belongs to")
