"""Plays a story over HTTP: each step in its order, each command under a key of its own, so that nothing counts twice."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.resources.abc import Traversable
from typing import Any, Final, NoReturn, get_args

import httpx

from fristwerk_language.roles import Role
from fristwerk_local.client import Client, RefusedError, customer, staff
from fristwerk_local.progress import COMPLETE, Done, Journal
from fristwerk_local.story import DecideCharge, Post, ProviderStory, Publish, Refused, Step, Story, WorklistIs
from fristwerk_platform.auth import Principal

CHARGE_PATIENCE_SECONDS: Final = 30.0
_PLACEHOLDER: Final = re.compile(r"\{([^{}\s.]+)(?:\.([a-z]+))?\}")
_KEYS: Final = uuid.uuid5(uuid.NAMESPACE_OID, "fristwerk-story")

TermsDocuments = Mapping[str, bytes]
"""Documents of terms by ``calendars/NAME`` and ``agreements/NAME``."""
Progress = Callable[[int, str], None]
"""Called after each step with how many are done and the step's key."""


class UnknownNameError(Exception):
    """A step speaks of a thing that the story has not created (or whose creation was refused)."""


def read_terms(*folders: Traversable) -> TermsDocuments:
    """All documents below the folders; the first folder that has a document wins."""
    return {
        f"{kind}/{file.name.removesuffix('.yaml')}": file.read_bytes()
        for folder in reversed(folders)
        for kind in ("calendars", "agreements")
        if folder.joinpath(kind).is_dir()
        for file in folder.joinpath(kind).iterdir()
        if file.name.endswith(".yaml")
    }


async def play(
    story: Story, client: Client, terms: TermsDocuments, journal: Journal, progress: Progress = lambda _done, _key: None
) -> list[str]:
    """Play what the journal does not know yet, to the end; a sentence for each step that did not go as the story says.

    Raises ServiceDownError where a service stays away; what was played until then is in the journal.
    """
    done = 0
    for provider in story.providers:
        player = _Player(story, provider, client, terms, journal)
        for step in provider.steps:
            if not journal.is_done(step.key):
                await player.play(step)
            done += 1
            progress(done, step.key)
    if not journal.complete:
        journal.note(Done(step=COMPLETE))
    return journal.differences


class _Player:
    def __init__(
        self, story: Story, provider: ProviderStory, client: Client, terms: TermsDocuments, journal: Journal
    ) -> None:
        self._story = story
        self._provider = provider.name
        self._client = client
        self._terms = terms
        self._journal = journal
        self._names = {
            name.removeprefix(f"{provider.name}/"): each_id
            for name, each_id in journal.names.items()
            if name.startswith(f"{provider.name}/")
        }
        self._customers = _customers_of_tickets(provider)
        self._decided: set[str] = set()
        self._position = 0

    async def play(self, step: Step) -> None:
        """Play one step and note it."""
        names: dict[str, str] = {}
        differences: list[str] = []
        try:
            match step:
                case Publish():
                    await self._publish(step)
                case Post():
                    names = await self._post(step)
                case Refused():
                    differences = await self._refused(step)
                case DecideCharge():
                    await self._decide(step)
                case WorklistIs():
                    differences = await self._worklist(step)
        except (RefusedError, UnknownNameError) as error:
            differences = [str(error)]
        self._names |= names
        self._journal.note(
            Done(
                step=step.key,
                names={f"{self._provider}/{name}": each_id for name, each_id in names.items()},
                differences=[f"{step.key}: {each}" for each in differences],
            )
        )

    async def _publish(self, step: Publish) -> None:
        text = self._terms.get(step.document)
        if text is None:
            raise UnknownNameError(f"there is no document {step.document}.yaml")
        answer = await self._client.publish(step.document, text, staff("admin", self._provider))
        if not answer.is_success:
            raise RefusedError(f"PUT /v1/{step.document}", answer)

    async def _post(self, step: Post) -> dict[str, str]:
        answer = await self._send(step)
        if not answer.is_success:
            raise RefusedError(f"POST {step.path}", answer)
        body = answer.json() if step.creates else {}
        return {f"{kind}:{name}": body[kind]["id"] for kind, name in step.creates.items()}

    async def _refused(self, step: Refused) -> list[str]:
        """The command must answer its status and pointers, and the provider's log must not have grown."""
        _, self._position = await self._client.events_after(self._position, self._provider)
        answer = await self._send(step.post)
        stored, self._position = await self._client.events_after(self._position, self._provider)
        differences = []
        if answer.status_code != step.status:
            differences.append(f"POST {step.post.path} answered {answer.status_code} instead of {step.status}")
        if step.pointers is not None:
            pointers = [each["pointer"] for each in answer.json().get("errors", [])]
            if sorted(pointers) != sorted(step.pointers):
                differences.append(f"POST {step.post.path} points at {pointers} instead of {list(step.pointers)}")
        if stored:
            differences.append(f"POST {step.post.path} was to be refused, but stored {len(stored)} events")
        return differences

    async def _decide(self, step: DecideCharge) -> None:
        """Decide on the charge once billing has proposed it.

        A charge that is decided already may be one of an earlier try of this very step, which its key will tell.
        """
        ticket = self._id("ticket", step.ticket)
        answer: httpx.Response | None = None
        for charge in await self._open_charges(ticket, step.kind):
            key = self._key(f"{step.key}/{charge}")
            who = self._who(step.role, step.ticket)
            answer = await self._client.post("billing", f"/v1/charges/{charge}/decision", step.body, who, key)
            if answer.is_success:
                self._decided.add(charge)
                return
        if answer is not None:
            raise RefusedError(f"the decision on the {step.kind} charge of {step.ticket}", answer)
        raise UnknownNameError(f"{step.ticket} has no {step.kind} charge to decide on")

    async def _open_charges(self, ticket: str, kind: str) -> list[str]:
        """The ticket's charges of that kind, as soon as billing knows of any: first those decided, then those proposed."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + CHARGE_PATIENCE_SECONDS
        while True:
            charges = [each for each in await self._charges(ticket) if each["kind"] == kind]
            decided = [each["id"] for each in charges if each["state"] in {"charged", "waived"}]
            proposed = [each["id"] for each in charges if each["state"] == "proposed"]
            found = [each for each in decided + proposed if each not in self._decided]
            if found or loop.time() > ends_at:
                return found
            await asyncio.sleep(0.05)

    async def _charges(self, ticket: str) -> list[dict[str, Any]]:
        path = f"/v1/tickets/{ticket}/charges"
        try:
            answer = await self._client.get("billing", path, staff("billing", self._provider))
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []  # billing has not heard of the ticket yet
            raise
        return list(answer["items"])

    async def _worklist(self, step: WorklistIs) -> list[str]:
        ids = {self._id("ticket", name): name for name in step.tickets}
        items = await self._client.get_all("/v1/worklist", staff("agent", self._provider))
        found = [ids[each["id"]] for each in items if each["id"] in ids]
        if found == list(step.tickets):
            return []
        return [f"the worklist stands in the order {found} instead of {list(step.tickets)}"]

    async def _send(self, step: Post) -> httpx.Response:
        body = self._resolved(step.body)
        who = self._who(step.role, step.ticket, step.customer or step.body.get("customer"))
        return await self._client.post("ticket", self._filled(step.path), body, who, self._key(step.key))

    def _who(self, role: str, ticket: str | None, named: str | None = None) -> Principal:
        if role not in get_args(Role):
            raise UnknownNameError(f"there is no role {role!r}")
        if role != "customer":
            return staff(role, self._provider)  # type: ignore[arg-type]  # compared with the roles above
        name = named.strip("{}") if named else self._customers.get(ticket or "")
        if name is None:
            raise UnknownNameError("the step does not say which customer acts")
        return customer(name, self._id("customer", name), self._provider)

    def _key(self, step: str) -> str:
        return str(uuid.uuid5(_KEYS, f"{self._story.name}/{step}"))

    def _id(self, kind: str, name: str) -> str:
        return self._names.get(f"{kind}:{name}") or self._unknown(name)

    def _unknown(self, name: str) -> NoReturn:
        raise UnknownNameError(f"there is nothing called {name!r}")

    def _filled(self, text: str) -> str:
        """The text with ``{name}`` and ``{name.contract}`` replaced by ids."""

        def fill(found: re.Match[str]) -> str:
            name, kind = found.groups()
            if kind is not None:
                return self._id(kind, name)
            return self._names.get(f"ticket:{name}") or self._names.get(f"customer:{name}") or self._unknown(name)

        return _PLACEHOLDER.sub(fill, text)

    def _resolved(self, value: Any, key: str | None = None) -> Any:
        match value:
            case str() if key == "customer" and f"customer:{value}" in self._names:
                return self._names[f"customer:{value}"]
            case str():
                return self._filled(value)
            case dict():
                return {each: self._resolved(inner, each) for each, inner in value.items()}
            case list():
                return [self._resolved(each) for each in value]
            case _:
                return value


def _customers_of_tickets(provider: ProviderStory) -> dict[str, str]:
    created = (step for step in provider.steps if isinstance(step, Post) and "ticket" in step.creates)
    return {step.creates["ticket"]: step.body["customer"] for step in created}
