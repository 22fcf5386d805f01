"""The other bookings on the days of a new one, whichever process made them: a booking is decided on
them and on its ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.state_cache import StateCache
from ticket_service.application.turns import next_turn
from ticket_service.domain.ticket.booking import kept_appointments
from ticket_service.domain.ticket.commands import BookAppointment
from ticket_service.domain.ticket.state import KeptAppointment, Ticket, appointment_end


class OtherBookings(msgspec.Struct, frozen=True, kw_only=True):
    """The ``bookings`` on the days of a new one, and the ``claims`` that keep others from booking
    on those days meanwhile.
    """

    bookings: Sequence[KeptAppointment]
    claims: tuple[str, ...]


async def other_bookings(
    log: EventLog, known: StateCache[Ticket], provider: str, command: BookAppointment
) -> OtherBookings:
    """The provider's bookings on the days of a booking.

    The turns are looked up first (see ``turns``).
    """
    days = [*names.days_of(command.start, appointment_end(command.start, command.minutes))]
    matters = [names.bookings_on(provider, each) for each in days]
    turns = [await next_turn(log, each) for each in matters]
    found = [await log.labelled(each) for each in matters]
    loaded = await known.at(dict(chain.from_iterable(found)).items())
    return OtherBookings(
        bookings=[booking for each in loaded for booking in kept_appointments(each.state)],
        claims=tuple(each.claim for each in turns),
    )
