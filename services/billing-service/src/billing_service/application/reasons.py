"""Reasons: free texts about a customer's matter, sealed with the customer's key before they are stored.

The keys lie with the ticket service alone, so that forgetting a customer ends what is readable
everywhere at once; this service keeps what it cannot read, and asks for it to be opened when
somebody reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import httpx
import msgspec
import structlog

from fristwerk_language.events.billing import SealedText
from fristwerk_platform.commands import RetryLaterError

PATIENCE_SECONDS: Final = 10.0
SEALED: Final = "fw1."
"""How a sealed text begins."""
TEXTS_AT_ONCE: Final = 1000
"""How many texts the ticket service opens in one request."""
_log = structlog.get_logger()


class ReasonNotSealedError(RetryLaterError):
    """Raised when the ticket service does not seal a reason; nothing is stored without."""

    code = "reason-not-sealed"
    retry_after_seconds = 2


class Reasons:
    """Seals and opens reasons through the ticket service. ``token`` gives a service token for a provider."""

    def __init__(self, ticket_service: httpx.AsyncClient, token: Callable[[str], str]) -> None:
        self._client = ticket_service
        self._token = token

    async def sealed(self, provider: str, customer: str, reason: str) -> SealedText:
        """The reason as it may be stored. Raises ReasonNotSealedError."""
        try:
            answer = await self._post(provider, f"/v1/customers/{customer}/sealed-texts", {"text": reason})
            return SealedText(answer["sealed"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ReasonNotSealedError("The ticket service does not seal the reason at the moment.") from error

    async def opened(self, provider: str, stored: Sequence[str]) -> dict[str, str | None]:
        """What each stored reason says; None once the customer was forgotten, and while the ticket service does not
        answer. Reasons stored up to 0.2.0 are clear text.
        """
        found: dict[str, str | None] = {each: None if each.startswith(SEALED) else each for each in stored}
        sealed = [each for each in found if each.startswith(SEALED)]
        try:
            for at in range(0, len(sealed), TEXTS_AT_ONCE):
                asked = sealed[at : at + TEXTS_AT_ONCE]
                answer = await self._post(provider, "/v1/customers/opened-texts", {"sealed": asked})
                found |= zip(asked, answer["texts"], strict=True)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            _log.warning("reasons_not_opened", error=type(error).__name__)
        return found

    async def opened_in(self, provider: str, answer: bytes) -> bytes:
        """An answer, as JSON, with its reasons opened; ``events`` stay as the log has them."""
        if SEALED.encode() not in answer:
            return answer
        body = msgspec.json.decode(answer)
        places = list(_places({name: value for name, value in body.items() if name != "events"}))
        opened = await self.opened(provider, [place["reason"] for place in places])
        for place in places:
            place["reason"] = opened[place["reason"]]
        return msgspec.json.encode(body)

    async def _post(self, provider: str, path: str, body: dict[str, Any]) -> Any:
        answer = await self._client.post(
            path,
            json=body,
            headers={"Authorization": f"Bearer {self._token(provider)}"},
            timeout=PATIENCE_SECONDS,
        )
        answer.raise_for_status()
        return answer.json()


def _places(value: Any) -> Iterator[dict[str, Any]]:
    """Every object that has a stored reason."""
    if isinstance(value, dict):
        reason = value.get("reason")
        if isinstance(reason, str) and reason.startswith(SEALED):
            yield value
        value = value.values()
    elif not isinstance(value, list):
        return
    for each in value:
        yield from _places(each)
