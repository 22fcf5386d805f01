"""Publishing calendars and agreements, and looking up the versions that tickets and contracts rest on."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from shared.event_log import Answer
from shared.events import NewEvent
from shared.events.catalogue import AgreementPublished, CalendarPublished
from shared.http import CommandMeta, command_answer
from shared.terms import AgreementDocument, CalendarDocument, agreement_document
from ticket_service.application.recording import Change, Recording
from ticket_service.application.streams import Loaded, Streams
from ticket_service.domain import catalogue
from ticket_service.domain.catalogue import Published
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.fact import Fact
from ticket_service.holidays import materialise

KEPT_DOCUMENTS: Final = 200


def calendar_stream(provider: str, name: str) -> str:
    """The stream of a provider's calendar."""
    return f"calendar-{provider}.{name}"


def agreement_stream(provider: str, name: str) -> str:
    """The stream of a provider's agreement."""
    return f"agreement-{provider}.{name}"


class Terms:
    """The published terms of all providers."""

    def __init__(
        self,
        recording: Recording,
        calendars: Streams[Published[CalendarPublished]],
        agreements: Streams[Published[AgreementPublished]],
    ) -> None:
        self._recording = recording
        self._calendars = calendars
        self._agreements = agreements
        self._documents: OrderedDict[tuple[str, str, int], AgreementDocument] = OrderedDict()

    async def publish_calendar(self, meta: CommandMeta, document: CalendarDocument) -> Answer:
        """Materialise the holidays and publish; 200 and no new version for the same document again."""
        stream = calendar_stream(meta.principal.provider, document.calendar)
        loaded = await self._calendars.newest(stream)
        published = loaded.state if loaded else Published[CalendarPublished]()
        if catalogue.is_current(published, document):
            assert published.current is not None, "it is the current one"
            return _calendar_answer(published.current, [], status=200)
        facts = catalogue.publish_calendar(published, materialise(document, published.next_version))
        lines = await self._recording.lines(meta, [_change(meta, stream, loaded, facts)])
        event = facts[0].event
        assert isinstance(event, CalendarPublished), "publishing a calendar is one fact"
        answer = await self._recording.store(meta, lines, _calendar_answer(event, lines, status=201))
        self._calendars.stored(stream, self._calendars.after(loaded, lines))
        return answer

    async def publish_agreement(self, meta: CommandMeta, document: AgreementDocument) -> Answer:
        """Publish; 200 and no new version for the same document again. Raises NotAcceptable for unknown calendars."""
        provider = meta.principal.provider
        stream = agreement_stream(provider, document.agreement)
        loaded = await self._agreements.newest(stream)
        published = loaded.state if loaded else Published[AgreementPublished]()
        named = {name for _, name in document.calendar_names()}
        known = [name for name in sorted(named) if await self._calendars.newest(calendar_stream(provider, name))]
        facts = catalogue.publish_agreement(published, document, known)
        if not facts:
            assert published.current is not None, "it is the current one"
            return _agreement_answer(published.current, [], status=200)
        lines = await self._recording.lines(meta, [_change(meta, stream, loaded, facts)])
        event = facts[0].event
        assert isinstance(event, AgreementPublished), "publishing an agreement is one fact"
        answer = await self._recording.store(meta, lines, _agreement_answer(event, lines, status=201))
        self._agreements.stored(stream, self._agreements.after(loaded, lines))
        return answer

    async def calendar(self, provider: str, name: str) -> Published[CalendarPublished]:
        """All versions of a calendar. Raises NotFound."""
        loaded = await self._calendars.newest(calendar_stream(provider, name))
        if loaded is None:
            raise NotFound("calendar-not-found", f"There is no calendar {name!r}.")
        return loaded.state

    async def agreement(self, provider: str, name: str) -> Published[AgreementPublished]:
        """All versions of an agreement. Raises NotFound."""
        loaded = await self._agreements.newest(agreement_stream(provider, name))
        if loaded is None:
            raise NotFound("agreement-not-found", f"There is no agreement {name!r}.")
        return loaded.state

    async def newest_agreement(self, provider: str, name: str) -> tuple[AgreementDocument, int]:
        """The agreement's newest document and its version. Raises NotFound."""
        version = len((await self.agreement(provider, name)).versions)
        return await self.agreement_version(provider, name, version), version

    async def agreement_version(self, provider: str, name: str, version: int) -> AgreementDocument:
        """The document of one version; versions never change, so it is kept. Raises NotFound."""
        key = (provider, name, version)
        kept = self._documents.get(key)
        if kept is not None:
            self._documents.move_to_end(key)
            return kept
        document = agreement_document((await self.agreement(provider, name)).version(version).document)
        self._documents[key] = document
        if len(self._documents) > KEPT_DOCUMENTS:
            self._documents.popitem(last=False)
        return document


def check_name(given: str, document_name: str, kind: str) -> None:
    """Raises NotAcceptable if a document is put under another name than its own."""
    if given != document_name:
        sentence = f"the document is the {kind} {document_name!r}, not {given!r}"
        raise NotAcceptable(sentence, [(f"/{kind}", sentence)])


def _change(meta: CommandMeta, stream: str, loaded: Loaded[Any] | None, facts: list[Fact]) -> Change:
    version = loaded.version if loaded else 0
    return Change(stream=stream, after_version=version, subject=stream, facts=facts, occurred_at=meta.occurred_at)


def _calendar_answer(event: CalendarPublished, lines: list[NewEvent], *, status: int) -> Answer:
    return command_answer({"calendar": event}, lines, status=status, version=event.version)


def _agreement_answer(event: AgreementPublished, lines: list[NewEvent], *, status: int) -> Answer:
    return command_answer({"agreement": event}, lines, status=status, version=event.version)
