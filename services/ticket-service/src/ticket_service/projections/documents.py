"""The states of tickets, contracts and customers as the read model's ``document`` columns hold them."""

from __future__ import annotations

from typing import Final

import msgspec

from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket

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
