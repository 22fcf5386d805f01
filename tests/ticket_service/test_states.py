"""The states that commands of this process have made, as the projection takes them over."""

from __future__ import annotations

from typing import Any

import msgspec

from fristwerk_language.events import Recorded, UnknownEvent, streams
from fristwerk_language.examples import examples
from ticket_service.application.state_cache import Loaded
from ticket_service.application.states import States

CREATED = examples()["TicketCreated"]
STREAM = CREATED.envelope.stream


def recorded(version: int, event: Any) -> Recorded:
    return Recorded(envelope=msgspec.structs.replace(CREATED.envelope, version=version), event=event)


def kept(states: States, *events: Any) -> Loaded[Any]:
    """The ticket as it is kept after its creation and these events."""
    loaded = states.tickets.after(None, [CREATED, *(recorded(number, each) for number, each in enumerate(events, 2))])
    states.tickets.keep(STREAM, loaded)
    return loaded


def test_a_state_is_taken_over_at_exactly_its_version() -> None:
    states = States(log=None)  # type: ignore[arg-type]  # nothing is read
    loaded = kept(states, examples()["Responded"].event)

    assert states.kept_at(streams.TICKET, STREAM, 2) is loaded.state
    assert states.kept_at(streams.TICKET, STREAM, 1) is None
    assert states.kept_at(streams.TICKET, STREAM, 3) is None
    assert states.kept_at(streams.TICKET, "ticket-other", 2) is None
    assert states.kept_at(streams.CUSTOMER, STREAM, 2) is None


def test_a_state_that_an_unknown_event_was_left_out_of_is_not_taken_over() -> None:
    """The projection notes when it occurred, so the row would depend on who made it."""
    states = States(log=None)  # type: ignore[arg-type]  # nothing is read
    kept(states, UnknownEvent(type="Applauded"), examples()["Responded"].event)

    assert states.kept_at(streams.TICKET, STREAM, 3) is None
