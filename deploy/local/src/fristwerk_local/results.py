"""What came out of a story: each ticket's state, history and timers, and the previews, read over HTTP when all is derived."""

from __future__ import annotations

from typing import Any

import msgspec

from fristwerk_local.client import Client, staff
from fristwerk_local.progress import Journal
from fristwerk_local.story import ProviderStory, Story


class TicketResult(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the services show it: its state, its events, its timers, each as their JSON answers."""

    id: str
    state: dict[str, Any]
    events: list[dict[str, Any]]
    timers: list[dict[str, Any]]
    absent: list[dict[str, Any]]
    """Metrics without a timer, and why."""


class ProviderResult(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's tickets by name, and previews by the name of the customer or ``NAME.contract``."""

    tickets: dict[str, TicketResult]
    previews: dict[str, dict[str, Any]]

    def ticket_name(self, ticket_id: str | None) -> str | None:
        """The story's name of a ticket, or its id where the story does not know it."""
        return next((name for name, each in self.tickets.items() if each.id == ticket_id), ticket_id)


async def read_outcome(story: Story, client: Client, journal: Journal) -> dict[str, ProviderResult]:
    """What the services show now, by provider. Raises RefusedError or ServiceDownError."""
    return {provider.name: await _provider(provider, client, journal.names) for provider in story.providers}


async def _provider(provider: ProviderStory, client: Client, names: dict[str, str]) -> ProviderResult:
    tickets = {}
    for name in provider.tickets:
        ticket = names.get(f"{provider.name}/ticket:{name}")
        if ticket is not None:
            tickets[name] = await _ticket(ticket, provider.name, client)
    previews = {}
    for name, expected in provider.previews.items():
        customer, dot, _ = name.partition(".")
        kind = "contract" if dot else "customer"
        thing = names.get(f"{provider.name}/{kind}:{customer}")
        if thing is not None:
            path = f"/v1/{kind}s/{thing}/preview"
            until = {"until": str(expected["until"])} if "until" in expected else {}
            previews[name] = await client.get("billing", path, staff("billing", provider.name), **until)
    return ProviderResult(tickets=tickets, previews=previews)


async def _ticket(ticket: str, provider: str, client: Client) -> TicketResult:
    agent = staff("agent", provider)
    timers = await client.get("sla", f"/v1/tickets/{ticket}/timers", agent)
    return TicketResult(
        id=ticket,
        state=(await client.get("ticket", f"/v1/tickets/{ticket}", agent))["ticket"],
        events=await client.get_all(f"/v1/tickets/{ticket}/events", agent),
        timers=timers["items"],
        absent=timers["absent"],
    )
