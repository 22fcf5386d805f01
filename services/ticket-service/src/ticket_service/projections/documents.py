"""The states of tickets, contracts and customers as the read model's ``document`` columns hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Appointment, KeptAppointment, Ticket


class _WithAppointments(msgspec.Struct):
    """Of a ticket only what its bookings rest on: of thousands nothing else is read."""

    id: str
    reference: str
    assignee: str | None = None
    appointments: tuple[Appointment, ...] = ()


_with_appointments: Final = msgspec.json.Decoder(_WithAppointments)
_ticket: Final = msgspec.json.Decoder(Ticket)
_contract: Final = msgspec.json.Decoder(Contract)
_customer: Final = msgspec.json.Decoder(Customer)


def ticket_from(document: bytes) -> Ticket:
    """A ticket's state from its stored form."""
    return _ticket.decode(document)


def contract_from(document: bytes) -> Contract:
    """A contract's state from its stored form."""
    return _contract.decode(document)


def customer_from(document: bytes) -> Customer:
    """A customer's state from its stored form."""
    return _customer.decode(document)


def bookings_from(document: bytes) -> Iterator[KeptAppointment]:
    """The booked appointments of a ticket that somebody keeps; of one booked without an agent, whoever has the ticket."""
    ticket = _with_appointments.decode(document)
    for each in ticket.appointments:
        agent = each.agent or ticket.assignee
        if each.state == "booked" and each.start is not None and agent is not None:
            yield KeptAppointment(
                ticket=ticket.id,
                reference=ticket.reference,
                number=each.number,
                agent=agent,
                start=each.start,
                minutes=each.minutes,
            )
