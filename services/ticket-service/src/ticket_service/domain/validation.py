"""Everything that is wrong with a command, gathered so that the caller learns it all at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

from fristwerk_language.terms.hidden_characters import HIDDEN
from ticket_service.domain.decided_event import PersonalPart
from ticket_service.domain.errors import NotAcceptable

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far a caller's clock may be ahead of ours (contract, section 4)."""

CUSTOMERS_CLOCK: Final = timedelta(minutes=5)
"""How old what a customer enters may be: clocks differ, and a request may wait on its way."""
LONGEST_LINE: Final = 500
_LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
EARLIEST_WORK: Final = timedelta(days=1)


class _Agreed(Protocol):
    """With whom at the customer, by which channel and when something was agreed."""

    @property
    def contact(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class Violations:
    """A growing list of (JSON pointer, sentence) pairs; ``raise_if_any`` raises them together as ``NotAcceptable``."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def add(self, pointer: str, sentence: str) -> None:
        self.errors.append((pointer, sentence))

    def require(self, holds: bool, pointer: str, sentence: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            self.add(pointer, sentence)

    def texts(self, **texts: str | None) -> None:
        """Each named text must say something: blank counts as missing."""
        for name, text in texts.items():
            self.require(is_given(text), f"/{name}", "is required and may not be blank")

    def one_line(self, pointer: str, text: str) -> None:
        """A short line that stands in clear: no control characters, line ends or changes of direction."""
        if len(text) > LONGEST_LINE or HIDDEN.search(text):
            self.add(
                pointer,
                f"must be one line of {LONGEST_LINE} characters at most, without control characters and changes of direction",
            )

    def known(self, pointer: str, thing: str, value: str, known: Collection[str]) -> None:
        if value not in known:
            self.add(pointer, f"the agreement has no {thing} {value!r}; it has {', '.join(known)}")

    def not_later_than(self, pointer: str, instant: datetime, limit: datetime) -> None:
        """What is told lies in the past of its telling, but for the tolerance between two clocks."""
        if instant > limit + CLOCK_TOLERANCE:
            self.add(pointer, f"{instant.isoformat()} lies after {limit.isoformat()}")

    def span(self, start: datetime, minutes: int, now: datetime, longest_minutes: int) -> None:
        """Time that was worked has ended, and is not longer than the agreement allows."""
        if minutes > longest_minutes:
            self.add(
                "/minutes", f"{minutes} minutes are more than the {longest_minutes} that the agreement allows at once"
            )
        elif start <= now + CLOCK_TOLERANCE:
            self.not_later_than("/minutes", start + timedelta(minutes=minutes), now)

    def not_long_before(self, pointer: str, start: datetime, received_at: datetime) -> None:
        """Work on a ticket begins at most a day before its receipt: a call is sometimes entered on the next day."""
        if start < received_at - EARLIEST_WORK:
            self.add(pointer, f"lies more than a day before the receipt of the ticket, at {received_at.isoformat()}")

    def not_before_contract(self, pointer: str, start: datetime, contract_began: datetime | None) -> None:
        """Nothing is worked under a contract that has not begun, not even in preparation."""
        if contract_began is not None and start < contract_began:
            self.add(pointer, f"lies before the ticket's contract, whose first day is {contract_began.date()}")

    def entered_now(self, pointer: str, instant: datetime, now: datetime) -> None:
        """A customer's facts occur now: whoever dates them chooses its own fees, deadlines and entitlement."""
        if instant < now - CUSTOMERS_CLOCK:
            self.add(pointer, f"{instant.isoformat()} lies more than 5 minutes back; what a customer enters occurs now")

    def agreed(self, pointer: str, record: _Agreed, occurred_at: datetime) -> None:
        """A record of what a customer said names the contact, the channel, and an instant that has been."""
        self.require(is_given(record.contact), f"{pointer}/contact", "is required and may not be blank")
        self.require(is_given(record.channel), f"{pointer}/channel", "is required and may not be blank")
        self.not_later_than(f"{pointer}/at", record.at, occurred_at)

    def raise_if_any(self, detail: str, code: str = "not-acceptable") -> None:
        """Raises NotAcceptable with everything gathered so far."""
        if self.errors:
            raise NotAcceptable(detail, self.errors, code)


def is_language(text: str) -> bool:
    """Whether it is written as ``de`` or ``de-CH``."""
    return _LANGUAGE.fullmatch(text) is not None


def is_email_address(text: str) -> bool:
    """Whether mail could be sent there: one ``@`` between two parts without blanks. Only an answer would prove it."""
    return _EMAIL.fullmatch(text) is not None


def is_given(text: str | None) -> bool:
    """Whether a text says anything at all."""
    return text is not None and bool(text.strip())


def personal(**parts: object) -> PersonalPart | None:
    """The personal part of a fact: what of it was given; ``None`` if nothing was."""
    return {name: part for name, part in parts.items() if part is not None} or None
