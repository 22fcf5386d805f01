"""Calendars and agreements: publish, read versions and differences, preview what a calendar would close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_language.terms import agreement_document, calendar_document, read_yaml
from fristwerk_platform.http import Routes, allowed, as_response, json_answer, responses
from fristwerk_platform.http.described_headers import ETAG, IF_MATCH, PREFER
from fristwerk_platform.http.preferences import NO_CONTENT, as_preferred
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import NumberedPage, Page, QueryParameters, page
from ticket_service.api import examples
from ticket_service.api import terms_answers as answers
from ticket_service.api.access import ADMIN, command_of
from ticket_service.api.terms_documents import Document, parse_terms_document
from ticket_service.application.application import Application
from ticket_service.application.terms import check_name
from ticket_service.domain.terms import comparison
from ticket_service.domain.terms.state import Published, valid_from
from ticket_service.holidays import materialise

MEDIA_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml", "application/json")
TermsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$", examples=["infoniqa"])]
Version = Annotated[int, Field(ge=1, le=1_000_000)]

_CALENDAR_YAML: Final = """calendar: office
timezone: Europe/Zurich
hours:
  mon-fri: ["08:00-12:00", "13:00-17:00"]
holidays:
  - {country: CH, subdivision: LU}
years: 2024-2030
"""
_AGREEMENT_YAML: Final = """agreement: support
timezone: Europe/Zurich
currency: CHF
calendar: office
severities:
  - {id: high, name: High}
channels: [email, phone]
service_levels:
  - {metric: first_response, severity: high, target: 2 business hours}
"""


class _Described(msgspec.Struct, frozen=True, kw_only=True):
    """How the reads of one kind of document are described."""

    example: dict[str, Any]
    newest: type[msgspec.Struct]
    version: type[msgspec.Struct]
    diff: type[msgspec.Struct]
    diff_example: dict[str, Any]


_DESCRIBED: Final = {
    "calendar": _Described(
        example=examples.CALENDAR,
        newest=answers.CalendarAnswer,
        version=answers.CalendarVersion,
        diff=answers.CalendarDiff,
        diff_example=examples.CALENDAR_DIFF,
    ),
    "agreement": _Described(
        example=examples.AGREEMENT,
        newest=answers.AgreementAnswer,
        version=answers.AgreementVersion,
        diff=answers.AgreementDiff,
        diff_example=examples.AGREEMENT_DIFF,
    ),
}


class DiffQuery(QueryParameters):
    """Which two versions are compared."""

    from_version: int = Field(alias="from", ge=1, le=1_000_000)
    to: int = Field(ge=1, le=1_000_000)


def terms_router(application: Application) -> Routes:
    """``/v1/calendars`` and ``/v1/agreements``."""
    routes = Routes(tags=["terms"])

    @routes.put(
        "/calendars/{name}",
        summary="Publish a calendar",
        status_code=201,
        responses=responses(201, "Published", examples.CALENDAR_CHANGED, answers.CalendarChanged) | NO_CONTENT,
        headers=(IF_MATCH, PREFER),
        openapi_extra=_document(_CALENDAR_YAML),
        permits=(ADMIN, "publish calendars"),
    )
    async def publish_calendar(request: Request, name: TermsName) -> Response:
        """The next version, holidays materialised, in force from `valid_from` on, else from now; the same again is 200."""
        meta = await command_of(request, application)
        document = await _read(request, calendar_document)
        check_name(name, document.calendar, "calendar")
        return as_preferred(request, as_response(await application.terms.publish_calendar(meta, document)))

    @routes.post(
        "/calendars/preview",
        summary="Show what a calendar document would close",
        responses=responses(200, "The materialised form", {"calendar": examples.CALENDAR}, answers.CalendarAnswer),
        openapi_extra=_document(_CALENDAR_YAML),
        permits=(READERS, "preview calendars"),
    )
    async def preview_calendar(request: Request) -> Response:
        """The document's materialised form: closed days with names and sources. Nothing is stored."""
        document = await _read(request, calendar_document)
        return json_answer({"calendar": await asyncio.to_thread(materialise, document, 1)})

    _add_agreements(routes, application)
    _add_reads(routes, application, "calendar")
    _add_reads(routes, application, "agreement")
    return routes


def _add_agreements(routes: Routes, application: Application) -> None:
    @routes.put(
        "/agreements/{name}",
        summary="Publish an agreement",
        status_code=201,
        responses=responses(201, "Published", examples.AGREEMENT_CHANGED, answers.AgreementChanged) | NO_CONTENT,
        headers=(IF_MATCH, PREFER),
        openapi_extra=_document(_AGREEMENT_YAML),
        permits=(ADMIN, "publish agreements"),
    )
    async def publish_agreement(request: Request, name: TermsName) -> Response:
        """The next version, in force from its `valid_from` on, else from now; the same document again is 200 and none.

        `warnings` name what is probably not meant, each with its `pointer` and a sentence.
        """
        meta = await command_of(request, application)
        document = await _read(request, agreement_document)
        check_name(name, document.agreement, "agreement")
        return as_preferred(request, as_response(await application.terms.publish_agreement(meta, document)))


def _add_reads(routes: Routes, application: Application, kind: str) -> None:
    """List, newest, versions, one version and differences: the same for calendars and agreements."""
    path = f"/{kind}s"
    of_kind = _DESCRIBED[kind]
    one = of_kind.example

    async def published(request: Request, name: str) -> Published[Any]:
        provider = allowed(request, READERS, f"read {kind}s").provider
        terms = application.terms
        return await (terms.calendar(provider, name) if kind == "calendar" else terms.agreement(provider, name))

    @routes.get(
        path,
        summary=f"List the {kind}s",
        name=f"list_{kind}s",
        responses=responses(200, "All", {"items": [examples.TERMS_ROW]}, answers.TermsPage),
    )
    async def list_terms(request: Request, query: Page) -> Response:
        provider = allowed(request, READERS, f"read {kind}s").provider
        read_model = await application.current()
        items = await read_model.terms(provider, kind, after=query.after, limit=query.limit + 1)
        return page(request, items, query.limit, lambda each: each.name)

    @routes.get(
        path + "/{name}",
        summary=f"Read the newest version of the {kind}",
        name=f"read_{kind}",
        responses=responses(200, "The newest version", {kind: one}, of_kind.newest, headers=(ETAG,)),
    )
    async def read_newest(request: Request, name: TermsName) -> Response:
        found = await published(request, name)
        return json_answer({kind: found.newest}, headers={"ETag": f'"{len(found.versions)}"'})

    @routes.get(
        path + "/{name}/versions",
        summary=f"List the versions of the {kind}",
        name=f"list_{kind}_versions",
        responses=responses(200, "All versions", {"items": [examples.LISTED_VERSION]}, answers.VersionPage),
    )
    async def list_versions(request: Request, name: TermsName, query: NumberedPage) -> Response:
        """Each version with its date and author. `superseded_by` is the version in force, for those that came before it."""
        found = await published(request, name)
        versions = found.versions[query.after : query.after + query.limit + 1]
        items = [_summary(found, each.version, application.now()) for each in versions]
        return page(request, items, query.limit, lambda each: int(each["version"]))

    @routes.get(
        path + "/{name}/versions/{version}",
        summary=f"Read one version of the {kind}",
        name=f"read_{kind}_version",
        responses=responses(200, "That version", {kind: one, "superseded_by": None}, of_kind.version),
    )
    async def read_version(request: Request, name: TermsName, version: Version) -> Response:
        """An old version says which one is in force instead; none is ever overwritten."""
        found = await published(request, name)
        return json_answer(
            {kind: found.version(version), "superseded_by": found.superseded_by(version, application.now())}
        )

    @routes.get(
        path + "/{name}/diff",
        summary=f"Compare two versions of the {kind}",
        name=f"diff_{kind}",
        responses=responses(200, "What differs", of_kind.diff_example, of_kind.diff),
    )
    async def read_diff(request: Request, name: TermsName, query: DiffQuery) -> Response:
        found = await published(request, name)
        old, new = found.version(query.from_version), found.version(query.to)
        body: dict[str, Any] = {"from": query.from_version, "to": query.to}
        if kind == "calendar":
            return json_answer(body | msgspec.structs.asdict(comparison.calendar_changes(old, new)))
        return json_answer(body | {"changes": comparison.diff(old.document, new.document)})


def _summary(found: Published[Any], version: int, now: datetime) -> dict[str, Any]:
    each, origin = found.version(version), found.origins[version - 1]
    return {
        "name": each.name,
        "version": version,
        "digest": each.digest,
        "valid_from": valid_from(each),
        "published_at": origin.published_at,
        "published_by": origin.published_by,
        "in_force": version == found.in_force_at(now),
        "superseded_by": found.superseded_by(version, now),
    }


def _document(example: str) -> dict[str, Any]:
    """The body of a terms document in OpenAPI: YAML as people write it, or the same as JSON."""
    described = {"description": "See docs/reference/terms.md"}
    written = {"contentMediaType": "application/yaml"} | described
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/yaml": {"schema": written, "example": example},
                "application/json": {"schema": {"type": "object"} | described, "example": read_yaml(example.encode())},
            },
        }
    }


async def _read(request: Request, read: Callable[[Any], Document]) -> Document:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        named = media_type or "of no type"
        raise Problem(415, f"A terms document is application/yaml or application/json, not {named}.")
    return await parse_terms_document(await request.body(), media_type, read)
