"""The published terms: each is what its digest says, and the calendars are what was materialised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from billing_service.domain.facts.published import PublishedAgreement, published_agreement
from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import digest
from fristwerk_proof.bundles import terms_of
from fristwerk_verify.findings import BadInputError, CheckStep
from fristwerk_verify.lines import LineStore
from fristwerk_verify.reading import Bundle
from sla_service.domain.timers.published_terms import PublishedTerms


class CheckedTerms(msgspec.Struct, kw_only=True):
    """All versions of calendars and agreements, for deadlines and for invoices."""

    deadlines: PublishedTerms = msgspec.field(default_factory=PublishedTerms)
    agreements: dict[tuple[str, int], PublishedAgreement] = {}


def check_terms(bundle: Bundle, store: LineStore, step: CheckStep) -> CheckedTerms:
    """Read every published version, and compare it with its digest and with the bundle's file of it."""
    terms = CheckedTerms()
    named: set[str] = set()
    for stream in store.streams():
        if streams.CALENDAR.includes(stream) or streams.AGREEMENT.includes(stream):
            for recorded in store.history(stream):
                name = _check_version(bundle, recorded, terms, step)
                named |= {name} if name else set()
    for name in bundle.names("terms/"):
        if name not in named:
            step.found("terms-never-published", name=name)
    return terms


def _check_version(bundle: Bundle, recorded: Recorded, terms: CheckedTerms, step: CheckStep) -> str | None:
    event = recorded.event
    if not isinstance(event, AgreementPublished | CalendarPublished):
        return None
    kind = "agreement" if isinstance(event, AgreementPublished) else "calendar"
    label = f"{event.name}@{event.version}"
    step.count(f"{kind}s")
    name = terms_of(kind, quote(event.name, safe=""), event.version)
    if _digest_of(event) != event.digest:
        step.found("terms-digest", kind=kind, label=label)
    elif not bundle.has(name) or _plain(bundle, name) != event.document:
        step.found("terms-file", kind=kind, label=label, name=name)
    try:
        terms.deadlines.publish(event, recorded.envelope.occurred_at)
        if kind == "agreement":
            key, agreement = published_agreement(recorded)
            terms.agreements[key] = agreement
    except Exception as error:  # noqa: BLE001 - whatever a document does to the rules, the others are checked
        step.found("terms-unreadable", kind=kind, label=label, error=str(error)[:300])
    return name


def _digest_of(event: AgreementPublished | CalendarPublished) -> str:
    if isinstance(event, AgreementPublished):
        return digest(event.document)
    content: Mapping[str, Any] = msgspec.to_builtins(event)
    return digest({key: value for key, value in content.items() if key not in ("version", "digest")})


def _plain(bundle: Bundle, name: str) -> Any:
    try:
        return json.loads(bundle.whole(name))
    except (ValueError, RecursionError) as error:
        raise BadInputError("file-damaged", name=name, error=str(error)) from error
