"""Asks the ticket service what a calendar document would close; only there the holidays are known."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import RetryLaterError
from sla_service.domain.errors import NotAcceptable

TIMEOUT_SECONDS: Final = 10.0
SCOPES: Final = frozenset({"calendars"})
"""What this service uses of the ticket service beside its feed."""
DRAFT: Final = 0
"""The version of a calendar that was not published."""


class _Place(msgspec.Struct):
    pointer: str
    detail: str


class _Refused(msgspec.Struct):
    detail: str
    errors: list[_Place] = []


class _Materialised(msgspec.Struct):
    calendar: CalendarPublished


class CalendarClient:
    """Previews through the ticket service, in the name of this service and the asking provider."""

    def __init__(self, ticket_service: httpx.AsyncClient, issue: Callable[[Principal], str]) -> None:
        self._ticket_service = ticket_service
        self._issue = issue

    async def calendar(self, provider: str, document: dict[str, Any], pointer: str) -> CalendarPublished:
        """The document as it would be published. Raises NotAcceptable with places below
        ``pointer``, or RetryLaterError.
        """
        token = self._issue(Principal(sub="sla-service", role="service", provider=provider, scopes=SCOPES))
        try:
            answer = await self._ticket_service.post(
                "/v1/calendars/preview",
                content=msgspec.json.encode(document),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                timeout=TIMEOUT_SECONDS,
            )
            if answer.is_success:
                found = msgspec.json.decode(answer.content, type=_Materialised).calendar
                return msgspec.structs.replace(found, version=DRAFT)
            refused = msgspec.json.decode(answer.content, type=_Refused)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise _unavailable() from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise _unavailable()
        errors = [(pointer + each.pointer, each.detail) for each in refused.errors] or [(pointer, refused.detail)]
        raise NotAcceptable("terms-refused", f"The calendar was refused: {refused.detail}", errors)


def _unavailable() -> RetryLaterError:
    return RetryLaterError("The ticket service, which knows the holidays, does not answer at the moment.")
