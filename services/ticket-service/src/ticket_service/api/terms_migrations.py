"""Migrations of terms in bulk, with their progress."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_platform.commands import store_answer
from fristwerk_platform.event_log import Answer
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Ordinal,
    Routes,
    ShortText,
    allowed,
    as_response,
    json_answer,
    responses,
)
from fristwerk_platform.http.described_headers import LOCATION
from fristwerk_platform.http.queries import Page, page
from ticket_service.api import terms_answers as answers
from ticket_service.api.access import command_of
from ticket_service.api.examples import MIGRATION
from ticket_service.application.application import Application
from ticket_service.application.terms_migrations import Migrations, Order
from ticket_service.domain.errors import NotFound
from ticket_service.terms_migration_ledger import TermsMigration

MIGRATORS: Final = frozenset({"admin", "manager"})
SHOWN_FAILURES: Final = 50
_encoder = msgspec.json.Encoder()


class MigrationBody(HttpModel):
    """From one version of an agreement, or of a calendar, to another; for every ticket that has the first and is not closed."""

    agreement: Identifier | None = Field(None, examples=["infoniqa"])
    calendar: Identifier | None = Field(None, description="Instead of an agreement", examples=[None])
    from_version: Ordinal = Field(examples=[1])
    to_version: Ordinal = Field(examples=[2])
    reason: ShortText = Field(examples=["Neue Supportzeiten ab Juli"])


def migrations_router(application: Application, migrations: Migrations) -> Routes:
    """``/v1/terms-migrations``."""
    routes = Routes(tags=["terms"])

    @routes.post(
        "/terms-migrations",
        summary="Move tickets to another version of their terms",
        status_code=202,
        responses=responses(
            202,
            "It is being done: see Location",
            {"migration": MIGRATION},
            answers.MigrationAnswer,
            headers=(LOCATION,),
        ),
        permits=(MIGRATORS, "migrate terms in bulk"),
        is_long=True,
    )
    async def migrate_terms_in_bulk(request: Request, body: MigrationBody) -> Response:
        """Each ticket gets its own TermsMigrated, which moves its timers visibly. Asked again while it runs, it goes on."""
        meta = await command_of(request, application)
        migration = await migrations.ordered(meta, Order(**body.model_dump()))
        content = {"migration": await _shown(migrations, migration)}
        location = f"/v1/terms-migrations/{migration.migration}"
        answer = Answer(status=202, body=_encoder.encode(content), headers={"Location": location})
        migrations.wake()
        await store_answer(application.log, meta, answer)
        return as_response(answer)

    @routes.get(
        "/terms-migrations",
        summary="List migrations of terms",
        responses=responses(200, "A page", {"items": [MIGRATION]}, answers.MigrationPage),
    )
    async def list_migrations(request: Request, wanted: Page) -> Response:
        """The oldest first."""
        provider = allowed(request, READERS, "read migrations of terms").provider
        found = await migrations.ledger.listed(provider, wanted.after, wanted.limit + 1)
        items = [await _shown(migrations, each) for each in found]
        return page(request, items, wanted.limit, lambda item: str(item["id"]))

    @routes.get(
        "/terms-migrations/{migration}",
        summary="Read how far a migration of terms has come",
        responses=responses(
            200, "Its progress, and the first tickets that failed", {"migration": MIGRATION}, answers.MigrationAnswer
        ),
    )
    async def read_migration(request: Request, migration: Annotated[str, Field(max_length=64)]) -> Response:
        """``done`` and ``failed`` of ``total`` tickets."""
        provider = allowed(request, READERS, "read migrations of terms").provider
        found = await migrations.ledger.one(provider, migration)
        if found is None:
            raise NotFound("migration-not-found", f"There is no migration {migration}.")
        return json_answer({"migration": await _shown(migrations, found)})

    return routes


async def _shown(migrations: Migrations, migration: TermsMigration) -> dict[str, Any]:
    progress = await migrations.ledger.progress(migration.migration)
    failures = await migrations.ledger.failures(migration.migration, SHOWN_FAILURES) if progress.failed else []
    return {
        "id": migration.migration,
        migration.kind: migration.name,
        "from_version": migration.from_version,
        "to_version": migration.to_version,
        "reason": migration.reason,
        "state": "running" if migration.finished_at is None else "done",
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "failures": failures,
        "requested_by": migration.requested_by,
        "requested_at": migration.requested_at,
        "finished_at": migration.finished_at,
    }
