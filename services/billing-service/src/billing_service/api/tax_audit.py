"""The data carrier of a tax audit."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.application.application import Application
from billing_service.documents.data_carrier import data_carrier
from fristwerk_platform.http import LocalDate, Routes, allowed
from fristwerk_platform.http.queries import QueryParameters, csv_cell

AUDITORS: Final = frozenset({"auditor", "billing"})
ZIP: Final = "application/zip"
_CARRIER: Final[dict[int | str, Any]] = {
    200: {
        "description": "The data carrier",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}, "example": "…"}},
    }
}


class CarrierQuery(QueryParameters):
    """Which documents, by the local day of issue."""

    from_: Annotated[LocalDate, Field(alias="from", description="First day of issue", examples=["2026-01-01"])]
    until: Annotated[LocalDate, Field(description="Last day of issue", examples=["2026-12-31"])]


def add_data_carrier(routes: Routes, application: Application) -> None:
    """``/v1/audit/gobd``."""

    @routes.get("/audit/gobd", summary="Take the data carrier of a tax audit", responses=_CARRIER, is_long=True)
    async def read_data_carrier(request: Request, query: CarrierQuery) -> Response:
        """A ZIP of invoices, credit notes, their lines, taxes, recipients and prices as tables, with
        an `index.xml` that describes them (GoBD, Z3). The same log gives the same bytes, until the
        term of a recipient is over.
        """
        principal = allowed(request, AUDITORS, "take a data carrier")
        await application.current()
        found = await application.tax_audit.tables(principal.provider, query.from_, query.until)
        write = partial(
            data_carrier, found.supplier, found.rows, from_on=query.from_, until_on=query.until, quoted=csv_cell
        )
        name = f"gobd-{query.from_}-{query.until}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(await asyncio.to_thread(write), media_type=ZIP, headers=headers)
