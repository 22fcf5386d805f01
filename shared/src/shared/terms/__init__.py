"""The terms language: calendars and agreements as documents, validated, canonical, with a digest."""

from __future__ import annotations

from shared.terms.agreement import AgreementDocument, TicketType
from shared.terms.billing import BillingTerms
from shared.terms.calendar import CalendarDocument
from shared.terms.document import TermsError, agreement_document, calendar_document, canonical, digest
from shared.terms.reading import NotReadableError, read_yaml
from shared.terms.service_level import METRICS, Metric, PausingState, ServiceLevel
from shared.terms.values import WEEKDAYS, Clock, Percent, Span, minutes_of_day, parse_span, parse_warning
from shared.terms.zones import TZDATA_VERSION, zone

__all__ = [
    "METRICS",
    "TZDATA_VERSION",
    "WEEKDAYS",
    "AgreementDocument",
    "BillingTerms",
    "CalendarDocument",
    "Clock",
    "Metric",
    "NotReadableError",
    "PausingState",
    "Percent",
    "ServiceLevel",
    "Span",
    "TermsError",
    "TicketType",
    "agreement_document",
    "calendar_document",
    "canonical",
    "digest",
    "minutes_of_day",
    "parse_span",
    "parse_warning",
    "read_yaml",
    "zone",
]
