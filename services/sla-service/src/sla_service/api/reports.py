"""Reports over HTTP, as JSON and as CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.terms import Metric
from fristwerk_platform.http import Routes, allowed, json_answer, responses
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import Filter, PageLimit, QueryParameters, csv_answer, next_link
from sla_service.api import answers
from sla_service.api.parameters import READERS, After, Since, Until, period
from sla_service.application.reports import ComplianceQuery, Dimension, Reports, TicketAttribution, TimeInStateSum
from sla_service.domain.reports.compliance import ComplianceFigures

Format = Annotated[Literal["json", "csv"], Field(description="`csv` gives all rows at once")]

_FIGURES: Final = {
    "timers": 12,
    "met": 9,
    "missed": 2,
    "running": 1,
    "cancelled": 0,
    "measured": 0,
    "share_met": "81.82",
    "used_seconds": {"count": 11, "p50": 3600, "p90": 7200, "p95": 9000, "p99": 9000, "max": 9000},
}
_COMPLIANCE: Final = {
    "from": "2026-06-01",
    "until": "2026-06-30",
    "group_by": "metric",
    "items": [{"metric": "first_response"} | _FIGURES],
    "total": _FIGURES,
}
_COMPLIANCE_CSV: Final = (
    "metric,timers,met,missed,running,cancelled,measured,share_met,used_count,used_p50_seconds,used_p90_seconds,"
    "used_p95_seconds,used_p99_seconds,used_max_seconds\r\nfirst_response,12,9,2,1,0,0,81.82,11,3600,7200,9000,9000,9000\r\n"
)
_ATTRIBUTION: Final = {
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "reference": "INF-7K3Q-9F2M",
    "received_at": "2026-06-03T14:30:00Z",
    "until": "2026-06-05T08:40:00Z",
    "items": [{"agent": "agent-3", "state": "open", "wall_seconds": 61200, "business_seconds": 5400}],
    "missed": [],
}
_ATTRIBUTION_CSV: Final = (
    "timer,metric,agent,state,counted,tickets,wall_seconds,business_seconds,clock_seconds\r\n"
    ",,agent-3,open,,1,61200,5400,\r\n"
)


_NO_NAME: Final = " "
"""The cursor behind the group without a name, which stands first: a parameter may not be empty."""


class ComplianceParameters(QueryParameters):
    """Which timers, how they are grouped, and as what they are shown."""

    since: Since = None
    until: Until = None
    group_by: Dimension = "metric"
    metric: Metric | None = None
    severity: Filter = None
    customer: Filter = None
    agreement: Filter = None
    format: Format = "json"
    after: str | None = Field(None, max_length=300, description="The last group of the page before")
    limit: PageLimit = 50


class AttributionParameters(QueryParameters):
    """A ticket, or a period."""

    ticket: Filter = None
    since: Since = None
    until: Until = None
    format: Format = "json"
    after: After = ""
    limit: PageLimit = 50


def _both(description: str, as_json: Any, model: Any, as_csv: str) -> dict[int | str, dict[str, Any]]:
    found = responses(200, description, as_json, model)
    found[200]["content"]["text/csv"] = {"example": as_csv, "model": str}
    return found


def reports_router(reports: Reports) -> Routes:
    """``/v1/reports/compliance`` and ``/v1/reports/attribution``."""
    routes = Routes(tags=["reports"])
    _add_compliance(routes, reports)
    _add_attribution(routes, reports)
    return routes


def _add_compliance(routes: Routes, reports: Reports) -> None:
    @routes.get(
        "/reports/compliance",
        summary="See how promises were kept",
        responses=_both("Figures", _COMPLIANCE, answers.Compliance, _COMPLIANCE_CSV),
        is_long=True,
    )
    async def report_compliance(request: Request, query: ComplianceParameters) -> Response:
        """Timers by their start: met, missed, the share met in percent, and percentiles of the time used on their own clocks."""
        provider = allowed(request, READERS, "read reports").provider
        wanted = ComplianceQuery(
            provider=provider,
            period=period(query.since, query.until),
            group_by=query.group_by,
            metric=query.metric,
            severity=query.severity,
            customer=query.customer,
            agreement=query.agreement,
        )
        report = await reports.compliance(wanted)
        group_by = query.group_by
        if query.format == "csv":
            rows = [{group_by: name} | _flat(each) for name, each in report.items]
            return csv_answer([group_by, *_flat(report.total)], rows)
        items = [(name, each) for name, each in report.items if query.after is None or (name or "") > query.after]
        shown = items[: query.limit]
        cursor = (shown[-1][0] or _NO_NAME) if len(items) > query.limit else None
        body = {
            "from": query.since,
            "until": query.until,
            "group_by": group_by,
            "items": [{group_by: name} | _plain(each) for name, each in shown],
            "total": report.total,
        }
        return json_answer(body, headers=next_link(request, cursor))


def _add_attribution(routes: Routes, reports: Reports) -> None:
    @routes.get(
        "/reports/attribution",
        summary="See with whom the time was spent",
        responses=_both("Shares", _ATTRIBUTION, (TicketAttribution, answers.AttributionOfPeriod), _ATTRIBUTION_CSV),
        is_long=True,
    )
    async def report_attribution(request: Request, query: AttributionParameters) -> Response:
        """Of one ticket, or summed over the tickets received in a period; of missed timers also between start and miss."""
        provider = allowed(request, READERS, "read reports").provider
        if query.ticket is not None:
            if query.since is not None or query.until is not None:
                raise _unclear("either a ticket or a period, not both")
            found = await reports.of_ticket(provider, query.ticket)
            missed = [
                {"timer": each.timer, "metric": each.metric, **_plain(share)}
                for each in found.missed
                for share in each.shares
            ]
            rows = _attribution_rows([_plain(each) for each in found.items], missed)
            return csv_answer(_ATTRIBUTION_COLUMNS, rows) if query.format == "csv" else json_answer(found)
        if query.since is None and query.until is None:
            raise _unclear("a ticket, or a period with 'from' and 'until'")
        return await _of_period(request, reports, provider, query)


async def _of_period(request: Request, reports: Reports, provider: str, query: AttributionParameters) -> Response:
    found = await reports.of_period(provider, period(query.since, query.until))
    if query.format == "csv":
        rows = _attribution_rows([_plain(each) for each in found.items], [_plain(each) for each in found.missed])
        return csv_answer(_ATTRIBUTION_COLUMNS, rows)
    items = sorted(((_key(each), each) for each in found.items), key=lambda pair: pair[0])
    items = [pair for pair in items if not query.after or pair[0] > query.after]
    page = items[: query.limit]
    headers = next_link(request, page[-1][0] if len(items) > query.limit else None)
    body = {
        "from": query.since,
        "until": query.until,
        "tickets": found.tickets,
        "not_attributed": found.not_attributed,
        "items": [each for _, each in page],
        "missed": found.missed,
    }
    return json_answer(body, headers=headers)


def _key(share: TimeInStateSum) -> str:
    """Where a share stands in its list."""
    return f"{share.agent or ''} {share.state}"


def _unclear(sentence: str) -> Problem:
    return Problem(422, f"The report needs {sentence}.", code="invalid-request", errors=[("#query/ticket", sentence)])


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(struct)
    return found


def _flat(figures: ComplianceFigures) -> dict[str, Any]:
    plain = _plain(figures)
    used = plain.pop("used_seconds")
    plain["used_count"] = used.pop("count")
    return plain | {f"used_{name}_seconds": seconds for name, seconds in used.items()}


_ATTRIBUTION_COLUMNS: Final = (
    "timer",
    "metric",
    "agent",
    "state",
    "counted",
    "tickets",
    "wall_seconds",
    "business_seconds",
    "clock_seconds",
)


def _attribution_rows(items: Sequence[dict[str, Any]], missed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of tickets have both clocks, those of missed timers the timer's own."""
    shares = [each | {"clock_seconds": each["seconds"]} for each in missed]
    return [*items, *shares]
