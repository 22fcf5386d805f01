"""The terms language: calendars and agreements as documents, validated, canonical, with a digest."""

from __future__ import annotations

from fristwerk_language.terms.agreement import AgreementDocument, TicketType
from fristwerk_language.terms.billing import BillingTerms
from fristwerk_language.terms.calendar import CalendarDocument
from fristwerk_language.terms.document import (
    TermsError,
    agreement_document,
    calendar_document,
    canonical,
    digest,
    stored_agreement,
)
from fristwerk_language.terms.parsing import BeyondBoundsError, NotReadableError, read_json, read_yaml
from fristwerk_language.terms.service_level import METRICS, Metric, PausingState, ServiceLevel
from fristwerk_language.terms.time_zones import TZDATA_VERSION, zone
from fristwerk_language.terms.validity import Publication, Validity
from fristwerk_language.terms.values import WEEKDAYS, Clock, Percent, Span, minutes_of_day, parse_span, parse_warning

__all__ = [
    "METRICS",
    "TZDATA_VERSION",
    "WEEKDAYS",
    "AgreementDocument",
    "BeyondBoundsError",
    "BillingTerms",
    "CalendarDocument",
    "Clock",
    "Metric",
    "NotReadableError",
    "PausingState",
    "Percent",
    "Publication",
    "ServiceLevel",
    "Span",
    "TermsError",
    "TicketType",
    "Validity",
    "agreement_document",
    "calendar_document",
    "canonical",
    "digest",
    "minutes_of_day",
    "parse_span",
    "parse_warning",
    "read_json",
    "read_yaml",
    "stored_agreement",
    "zone",
]
