"""Why a question is refused: one small tree, without HTTP.

``Refusal``
    ``NotFound``       there is no such thing for this provider or caller
    ``NotAcceptable``  understood but refused, with the places that are wrong
    ``Parked``         the ticket's timers cannot be derived at the moment
"""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(Exception):  # noqa: N818 - an answer to a caller, not a fault
    """The root; ``code`` is stable, ``detail`` a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


class NotFound(Refusal):
    """Raised when a thing does not exist, or is another provider's or customer's: the two look the
    same.
    """


class NotAcceptable(Refusal):
    """Raised when the question itself is wrong. ``errors`` are (JSON pointer, sentence) pairs."""

    def __init__(self, code: str, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        self.errors = tuple(errors)
        super().__init__(code, detail)


class Parked(Refusal):
    """Raised for a ticket that was left out, so that the others could go on; it is tried again."""
