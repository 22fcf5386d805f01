"""What the operations on forgetting and on recipients answer, as types that describe it for OpenAPI
(see ``answers``).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from ticket_service.application.consequences import ForgettingOutcome
from ticket_service.kept_recipients import Recipient


class ForgettingConsequence(msgspec.Struct):
    """What forgetting a person would have as a consequence; ``name`` is what ``forget`` accepts it by."""

    name: str
    sentence: str


class KeptRecipient(msgspec.Struct):
    """The recipient of the person's invoices is kept up to and including ``until``: ``years`` from
    the end of the year, as the ``source`` in that country's law says.
    """

    until: date
    country: str
    years: int
    source: str


class Forgetting(msgspec.Struct):
    """What forgetting would touch; ``readable`` is whether anything personal can still be read."""

    customer: str
    readable: bool
    consequences: list[ForgettingConsequence]
    kept: KeptRecipient | None


class ForgettingPreview(msgspec.Struct):
    """A preview; nothing was done."""

    forgetting: Forgetting


class RecipientAnswer(msgspec.Struct):
    """To whom invoices are addressed; null once nobody knows any more."""

    recipient: Recipient | None


def forgetting(customer: str, readable: bool, found: ForgettingOutcome) -> dict[str, Any]:  # noqa: FBT001 - a fact, not a choice
    """A preview's answer, as ``ForgettingPreview`` has it."""
    kept = found.kept and {"until": found.kept.until, **msgspec.structs.asdict(found.kept.term)}
    consequences = [{"name": each.name, "sentence": each.sentence} for each in found.consequences]
    return {"forgetting": {"customer": customer, "readable": readable, "consequences": consequences, "kept": kept}}
