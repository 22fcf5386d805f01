"""What targets are looked up by, as it changed: severity, type, terms, and whose ticket it is."""

from __future__ import annotations

from typing import Final

import msgspec

from fristwerk_language.events import relations, tickets
from sla_service.domain.timers.timeline import Moment, TargetContext

ContextEvent = tickets.SeveritySet | tickets.TypeChanged | tickets.TermsMigrated | relations.TicketMoved
_OF_THE_GROUND: Final = tuple(
    name for name in relations.TicketMoved.__struct_fields__ if name in tickets.TicketCreated.__struct_fields__
)
"""What of a ticket's opening a move decides anew."""


class ContextHistory:
    """The contexts of a ticket, in the order in which they came into force."""

    def __init__(self, created: tickets.TicketCreated, received: Moment) -> None:
        self.contexts = [
            TargetContext(
                since=received,
                ground=created,
                severity=created.severity,
                type=created.type,
                agreement_version=created.agreement_version,
                calendar_version=created.calendar_version,
                line_calendars=created.line_calendars,
            )
        ]

    def note(self, moment: Moment, event: ContextEvent) -> None:
        """Take an event, later than those before."""
        match event:
            case tickets.SeveritySet(severity=severity):
                self._change(moment, severity=severity)
            case tickets.TypeChanged(type=type_):
                self._change(moment, type=type_)
            case tickets.TermsMigrated():
                before = self.contexts[-1].line_calendars
                self._change(
                    moment,
                    agreement_version=event.agreement_version,
                    calendar_version=event.calendar_version,
                    line_calendars=before if event.line_calendars is None else event.line_calendars,
                )
            case relations.TicketMoved():
                self._move(moment, event)

    def _move(self, moment: Moment, event: relations.TicketMoved) -> None:
        taken = {name: getattr(event, name) for name in _OF_THE_GROUND}
        self._change(
            moment,
            ground=msgspec.structs.replace(self.contexts[-1].ground, **taken),
            severity=event.severity,
            type=event.type,
            agreement_version=event.agreement_version,
            calendar_version=event.calendar_version,
            line_calendars=event.line_calendars,
        )

    def _change(self, moment: Moment, **changes: object) -> None:
        self.contexts.append(msgspec.structs.replace(self.contexts[-1], since=moment, **changes))
