"""What ``/v1/rows`` and ``/v1/worklist`` answer, as types that describe it for OpenAPI; no answer passes through them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ticket_service.application.deadlines import Freshness
from ticket_service.application.places import WorklistPlace
from ticket_service.application.rows import Row
from ticket_service.application.ticket_lists import Total
from ticket_service.domain.ticket.state import Ticket


class RowPage(msgspec.Struct, kw_only=True):
    """Rows as of one position of the log, and how fresh their deadlines are; ``total`` where it was asked for."""

    items: list[Row]
    total: Total | msgspec.UnsetType = msgspec.UNSET
    as_of: datetime
    deadlines: Freshness
    position: int | msgspec.UnsetType = msgspec.UNSET


class WorklistPage(msgspec.Struct):
    """Open tickets; ``places``, in the same order, where they were asked for."""

    items: list[Ticket]
    places: list[WorklistPlace] | msgspec.UnsetType = msgspec.UNSET
