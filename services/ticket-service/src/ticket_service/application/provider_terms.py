"""One provider's published terms, for commands that look at several of them at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from fristwerk_language.events import streams
from fristwerk_language.events.streams import agreement_stream, calendar_stream
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument
from fristwerk_platform.event_log import StreamVersion
from ticket_service.application.state_cache import StateCache
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.terms.state import Published

CalendarVersions = Published[CalendarPublished]
AgreementVersions = Published[AgreementPublished]
ReadDocument = Callable[[str, str, int], Awaitable[AgreementDocument]]
"""The document of one version of a provider's agreement."""


class ProviderTerms:
    """All that a provider has published, up to one look at the log: what is kept of it is not asked
    for again.
    """

    def __init__(
        self,
        provider: str,
        found: Iterable[StreamVersion],
        calendars: StateCache[CalendarVersions],
        agreements: StateCache[AgreementVersions],
        document: ReadDocument,
    ) -> None:
        self._provider = provider
        self._found = dict(found)
        self._calendars = calendars
        self._agreements = agreements
        self._document = document

    async def agreement_version(self, name: str, version: int) -> AgreementDocument:
        """The document of one version. Raises NotFound."""
        return await self._document(self._provider, name, version)

    async def agreement_at(self, name: str, instant: datetime) -> tuple[AgreementDocument, int]:
        """The agreement in force at an instant, and its version. Raises NotFound."""
        stream = agreement_stream(self._provider, name)
        for published in await self._agreements.at(self._only(stream)):
            version = published.state.in_force_at(instant)
            return await self.agreement_version(name, version), version
        raise no_agreement(name)

    async def calendar_at(self, name: str, instant: datetime) -> int:
        """The version of a calendar that is in force at an instant. Raises NotFound."""
        for published in await self._calendars.at(self._only(calendar_stream(self._provider, name))):
            return published.state.in_force_at(instant)
        raise no_calendar(name)

    async def agreements_at(self, instant: datetime) -> list[AgreementDocument]:
        """All of the agreements as they are in force at an instant, in the order of their names."""
        return [(await self.agreement_at(each.name, instant))[0] for each in await self._newest_agreements()]

    async def default_agreement(self) -> str:
        """The name of the agreement that serves who has no contract.

        Raises NotAcceptable where none is meant for it.
        """
        newest = await self._newest_agreements()
        names = [each.name for each in newest if each.document.get("default", False)] or [each.name for each in newest]
        if len(names) != 1:
            raise NotAcceptable(
                "The customer has no contract in force, and the provider has no agreement for that: "
                "publish one, or mark one of them 'default: true'.",
                code="no-default-agreement",
            )
        return names[0]

    async def _newest_agreements(self) -> list[AgreementPublished]:
        found = [(stream, version) for stream, version in self._found.items() if streams.AGREEMENT.includes(stream)]
        newest = [each.state.newest for each in await self._agreements.at(found)]
        return sorted((each for each in newest if each is not None), key=lambda each: each.name)

    def _only(self, stream: str) -> list[StreamVersion]:
        return [(stream, self._found[stream])] if stream in self._found else []


def no_agreement(name: str) -> NotFound:
    """The refusal of an agreement that the provider has not published."""
    return NotFound("agreement-not-found", f"There is no agreement {name!r}.")


def no_calendar(name: str) -> NotFound:
    """The refusal of a calendar that the provider has not published."""
    return NotFound("calendar-not-found", f"There is no calendar {name!r}.")
