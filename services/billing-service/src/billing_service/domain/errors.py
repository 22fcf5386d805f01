"""Why a question or command is refused: one small tree, without HTTP.

``Refusal``
    ``NotFound``        there is no such thing for this provider or caller
    ``NotInThisState``  not now; the sentence says why
    ``NotAcceptable``   understood but refused, with the places that are wrong
    ``NotRateable``     the product itself fails on an account's facts
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


class NotInThisState(Refusal):
    """Raised when the command would be possible in another state of the thing."""


class NotAcceptable(Refusal):
    """Raised when the question itself is wrong. ``errors`` are (JSON pointer, sentence) pairs."""

    def __init__(self, code: str, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        self.errors = tuple(errors)
        super().__init__(code, detail)


class NotRateable(Refusal):
    """Raised when an account cannot be rated for a reason that nobody foresaw; others can."""

    def __init__(self, account: str) -> None:
        sentence = f"The account {account} cannot be rated: the service fails on what is recorded of it. Others are not affected."
        super().__init__("account-not-rateable", sentence)
