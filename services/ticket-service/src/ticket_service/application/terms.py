"""Publishing calendars and agreements, and looking up the versions that tickets and contracts rest
on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from fristwerk_language.events.streams import agreement_stream, calendar_stream
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument, CalendarDocument, stored_agreement
from fristwerk_platform.commands import CommandMetadata, CommandResult, check_version
from fristwerk_platform.event_log import EventLog, StreamVersion
from ticket_service.application import names
from ticket_service.application.command_executor import CommandExecutor, Decision
from ticket_service.application.provider_terms import (
    AgreementVersions,
    CalendarVersions,
    ProviderTerms,
    no_agreement,
    no_calendar,
)
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.terms import publishing
from ticket_service.domain.terms.state import Published, Version
from ticket_service.holidays import materialise

KEPT_DOCUMENTS: Final = 200
Kind = TypeVar("Kind", CalendarPublished, AgreementPublished)


class Terms:
    """The published terms of all providers."""

    def __init__(
        self,
        log: EventLog,
        executor: CommandExecutor,
        calendars: StateCache[CalendarVersions],
        agreements: StateCache[AgreementVersions],
    ) -> None:
        self._log = log
        self._executor = executor
        self._calendars = calendars
        self._agreements = agreements
        self._documents: OrderedDict[tuple[str, str, int], AgreementDocument] = OrderedDict()

    async def publish_calendar(self, meta: CommandMetadata, document: CalendarDocument) -> CommandResult:
        """Materialise the holidays and publish; 200 and no new version for the same document again."""
        provider = meta.principal.provider

        async def decide(loaded: Loaded[CalendarVersions] | None) -> Decision[CalendarVersions]:
            published = _own(meta, loaded, document.calendar)
            if publishing.is_published(published, document, meta.now):
                return _publication("calendar", meta, [])
            publishing.check_valid_from(published, document, meta.now)
            version = await asyncio.to_thread(materialise, document, published.next_version)
            return _publication("calendar", meta, publishing.publish_calendar(published, version))

        stream = calendar_stream(provider, document.calendar)
        return await self._executor.execute(meta, self._calendars, stream, decide)

    async def publish_agreement(self, meta: CommandMetadata, document: AgreementDocument) -> CommandResult:
        """Publish; 200 and no new version for the same document again.

        Raises NotAcceptable for unknown calendars.
        """
        provider = meta.principal.provider

        async def decide(loaded: Loaded[AgreementVersions] | None) -> Decision[AgreementVersions]:
            published = _own(meta, loaded, document.agreement)
            calendars = await self._newest_calendars(provider, document)
            facts = publishing.publish_agreement(published, document, calendars, meta.now)
            warnings = publishing.publication_warnings(document, calendars)
            return _publication("agreement", meta, facts, {"warnings": warnings})

        stream = agreement_stream(provider, document.agreement)
        return await self._executor.execute(meta, self._agreements, stream, decide)

    async def _newest_calendars(self, provider: str, document: AgreementDocument) -> dict[str, CalendarPublished]:
        """The published ones among the calendars that an agreement names."""
        names = sorted({name for _, name in document.calendar_names})
        found = {name: await self._calendar(provider, name) for name in names}
        return {name: each.versions[-1] for name, each in found.items() if each is not None}

    async def calendar(self, provider: str, name: str) -> CalendarVersions:
        """All versions of a calendar. Raises NotFound."""
        found = await self._calendar(provider, name)
        if found is None:
            raise no_calendar(name)
        return found

    async def agreement(self, provider: str, name: str) -> AgreementVersions:
        """All versions of an agreement. Raises NotFound."""
        loaded = await self._agreements.newest(agreement_stream(provider, name))
        if loaded is None or loaded.provider != provider:
            raise no_agreement(name)
        return loaded.state

    async def of(self, provider: str) -> ProviderTerms:
        """All that a provider has published so far, found by one look at the log."""
        return self.among(provider, await self._log.labelled(names.terms_of(provider)))

    def among(self, provider: str, found: Sequence[StreamVersion]) -> ProviderTerms:
        """All that a provider has published, where these are the streams of its terms as one look at the log found them."""
        return ProviderTerms(provider, found, self._calendars, self._agreements, self.agreement_version)

    async def country(self, provider: str) -> str | None:
        """Where the provider is at home, so that numbers without a country's code are read as its own: the country whose tax
        its default agreement states; None where it is not known.
        """
        terms = await self.of(provider)
        try:
            name = await terms.default_agreement()
        except NotAcceptable:
            return None
        newest = (await self.agreement(provider, name)).newest
        assert newest is not None, "an agreement has a version"
        vat = stored_agreement(newest.document).billing.vat
        return None if vat is None else vat.country

    async def agreement_version(self, provider: str, name: str, version: int) -> AgreementDocument:
        """The document of one version; versions never change, so it is kept. Raises NotFound."""
        key = (provider, name, version)
        kept = self._documents.get(key)
        if kept is not None:
            self._documents.move_to_end(key)
            return kept
        document = stored_agreement((await self.agreement(provider, name)).version(version).document)
        self._documents[key] = document
        if len(self._documents) > KEPT_DOCUMENTS:
            self._documents.popitem(last=False)
        return document

    async def _calendar(self, provider: str, name: str) -> CalendarVersions | None:
        loaded = await self._calendars.newest(calendar_stream(provider, name))
        return loaded.state if loaded is not None and loaded.provider == provider else None


def check_name(given: str, document_name: str, kind: str) -> None:
    """Raises NotAcceptable if a document is put under another name than its own."""
    if given != document_name:
        sentence = f"the document is the {kind} {document_name!r}, not {given!r}"
        raise NotAcceptable(f"Nothing was published: {sentence}.", [(f"/{kind}", sentence)])


def _own(meta: CommandMetadata, loaded: Loaded[Published[Version]] | None, name: str) -> Published[Version]:
    """What is published under the name so far, on the version the client means.

    Raises NotInThisState where providers' names and document names run together in the same stream
    (``a.b`` + ``c``).
    """
    if loaded is not None and loaded.provider != meta.principal.provider:
        raise NotInThisState("name-not-available", f"The name {name!r} is not available; choose one without a dot.")
    check_version(meta, loaded.version if loaded else 0)
    return loaded.state if loaded else Published()


def _publication(
    kind: str, meta: CommandMetadata, facts: Any, more: Mapping[str, Any] = MappingProxyType({})
) -> Decision[Published[Kind]]:
    """Publishing is one fact, or none; either way the answer is what was published last."""

    def body(state: Published[Kind]) -> dict[str, Any]:
        return {kind: state.newest, **more}

    return Decision(facts=facts, body=body, subject="", occurred_at=meta.occurred_at)
