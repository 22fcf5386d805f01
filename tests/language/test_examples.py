"""The worked examples: one of every event type, each as a log would carry it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from fristwerk_language import events
from fristwerk_language.events import EVENT_TYPES, TICKETS, type_name
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.examples import SEALED, example, examples, line
from fristwerk_language.terms import agreement_document, calendar_document, canonical, digest

ROLES = {"admin", "agent", "specialist", "manager", "customer", "billing", "service"}
STREAMS = re.compile(r"(ticket|call|agent|customer|contract|calendar|agreement|timer|charge|invoices|payments)-\S+")


def test_every_event_type_has_an_example() -> None:
    assert examples().keys() == EVENT_TYPES.keys()


def test_an_unknown_type_has_none() -> None:
    with pytest.raises(KeyError):
        line("TicketForgotten")


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_example_is_of_its_type(name: str) -> None:
    event: Any = example(name).event
    assert type_name(event) == name
    assert example(name) == examples()[name]


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_example_stands_in_a_stream_and_was_recorded_after_it_happened(name: str) -> None:
    envelope = example(name).envelope
    assert STREAMS.fullmatch(envelope.stream)
    assert envelope.version >= 1
    assert envelope.recorded_at > envelope.occurred_at
    assert envelope.actor.role in ROLES


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_a_type_calls_personal_is_sealed_in_its_example_and_nothing_else(name: str) -> None:
    names_personal_data = "Personal:" in (EVENT_TYPES[name].__doc__ or "")
    assert example(name).envelope.personal == (SEALED if names_personal_data else None)


def test_no_two_examples_share_an_event_id() -> None:
    ids = [each.envelope.id for each in examples().values()]
    assert len(set(ids)) == len(ids)


def test_no_two_examples_share_a_place_in_the_log() -> None:
    places = [(each.envelope.stream, each.envelope.version) for each in examples().values()]
    assert len(set(places)) == len(places)


def test_the_examples_are_the_same_in_every_process() -> None:
    events_alone = {name: msgspec.json.encode(each.event) for name, each in examples().items()}
    assert {name: bytes(each.envelope.data) for name, each in examples().items()} == events_alone


def test_the_example_of_a_calendar_is_a_document_with_a_true_digest() -> None:
    event = example("CalendarPublished").event
    assert isinstance(event, CalendarPublished)
    assert canonical(calendar_document(event.document)) == event.document
    content: dict[str, Any] = msgspec.to_builtins(event)
    del content["version"], content["digest"]
    assert digest(content) == event.digest


def test_the_example_of_an_agreement_is_a_document_with_a_true_digest() -> None:
    event = example("AgreementPublished").event
    assert isinstance(event, AgreementPublished)
    assert canonical(agreement_document(event.document)) == event.document
    assert digest(event.document) == event.digest


def test_ticket_examples_of_one_stream_are_in_the_order_of_time() -> None:
    by_stream: dict[str, list[Any]] = {}
    for name in TICKETS:
        by_stream.setdefault(example(name).envelope.stream, []).append(example(name).envelope)
    for envelopes in by_stream.values():
        in_order = sorted(envelopes, key=lambda envelope: envelope.version)
        instants = [envelope.occurred_at for envelope in in_order]
        assert instants == sorted(instants)


def test_the_families_make_up_all_event_types() -> None:
    families = (
        events.CATALOGUE,
        events.CUSTOMERS,
        events.AGENTS,
        events.TICKETS,
        events.KEPT_CALLS,
        events.SLA_NOTICES,
        events.BILLING,
    )
    assert sum(map(len, families)) == len(EVENT_TYPES)
