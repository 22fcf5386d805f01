"""Stored lines of events, and of a provider's terms in several versions.

A line holds no field that has its default: so it is what older versions stored, which did not know all the fields of today.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from fristwerk_language.events import Event, type_name
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.terms import (
    AgreementDocument,
    agreement_document,
    calendar_document,
    canonical,
    digest,
    read_yaml,
)
from ticket_service.holidays import materialise

BEGINNING: Final = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
VARIANTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"rounding": {"scope": "entry"}},
    {"rounding": {"scope": "ticket"}, "minimum_charge": {"amount": "100.00", "applies_to": ["hourly", "cancellation"]}},
    {"minimum_charge": {"amount": "150.00", "scope": "group"}, "cash_rounding": "0.05"},
    {"cancellation_fee": {"decision": "required"}},
    {"cancellation_fee": {}, "coverage": [{"activity": "maintenance", "billable": False}]},
)
"""What is changed in a provider's ``billing``, each a version of its agreement."""
NOTICE: Final = {"cancellation": {"notice_hours": 24, "written": True}}


def stored(
    stream: str, version: int, event: Event, at: datetime, role: str = "agent", recorded_at: datetime | None = None
) -> str:
    """The line that the log stores of an event."""
    envelope = {
        "id": f"{stream}-{version}",
        "type": type_name(event),
        "schema": 1,
        "provider": "p",
        "stream": stream,
        "version": version,
        "occurred_at": at,
        "recorded_at": recorded_at or at,
        "actor": {"id": f"{role}-1", "role": role},
        "correlation_id": None,
        "causation_id": None,
        "data": _without_defaults(event),
        "personal": None,
    }
    return msgspec.json.encode(envelope).decode()


def _without_defaults(event: Event) -> dict[str, Any]:
    fields = msgspec.structs.fields(type(event))
    data = msgspec.to_builtins(event, builtin_types=(datetime, date), str_keys=True)
    kept = (field for field in fields if field.required or getattr(event, field.name) != _default(field))
    return {field.encode_name: data[field.encode_name] for field in kept}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


class PublishedAgreements:
    """A provider's terms in several versions, and the stored lines that publish them."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.versions: list[tuple[AgreementDocument, int]] = []
        for number, path in enumerate(sorted(folder.glob("calendars/*.yaml"))):
            event = materialise(calendar_document(read_yaml(path.read_bytes())), 1)
            self.lines.append(stored(f"calendar-{number}", 1, event, BEGINNING))
        for path in sorted(folder.glob("agreements/*.yaml")):
            whole: Any = read_yaml(path.read_bytes())
            for version, changes in enumerate(VARIANTS, start=1):
                document = whole | {"billing": whole["billing"] | changes}
                if "cancellation_fee" in changes:
                    document = {"appointments": NOTICE} | document
                self._publish(agreement_document(document), version)

    def _publish(self, document: AgreementDocument, version: int) -> None:
        text = canonical(document)
        event = AgreementPublished(name=document.agreement, version=version, document=text, digest=digest(text))
        self.lines.append(stored(f"agreement-{document.agreement}", version, event, BEGINNING))
        self.versions.append((document, version))
