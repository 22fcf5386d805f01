"""Commands that cannot be taken back say what hangs on them: they are refused with the list, or done where it was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ticket_service.domain.errors import NotConfirmed


class Consequence(msgspec.Struct, frozen=True):
    """``name`` is what a command accepts it by."""

    name: str
    sentence: str


def check_accepted(doing: str, consequences: Iterable[Consequence], accepted: Sequence[str]) -> None:
    """Raises NotConfirmed with every consequence that was not accepted by name."""
    open_ones = [each for each in consequences if each.name not in accepted]
    if open_ones:
        sentences = "; ".join(each.sentence for each in open_ones)
        names = ", ".join(repr(each.name) for each in open_ones)
        raise NotConfirmed(
            "consequences-not-accepted",
            f"{doing} cannot be taken back: {sentences}. Settle that first, or accept it: {names}.",
            [(each.name, each.sentence) for each in open_ones],
        )
