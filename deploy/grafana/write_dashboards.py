"""Writes the dashboards in ``dashboards/`` for Grafana: ``python deploy/grafana/write_dashboards.py``.

They are written by a script so that a panel is a line here and not fifty of JSON; tests compare what it writes with what
lies there, and every figure in it with what the services' ``/metrics`` have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parent / "dashboards"
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 12, 8, 2
"""A panel's size in Grafana's units, of which a row has 24, and the panels in a row."""
JOBS: Final = 'job=~"(ticket|sla|billing)-service|relay"'
NO_WAITS: Final = 'operation!~"read_events|stream_events"'
"""Long polls and streams are open for as long as nothing happens."""


class Panel(NamedTuple):
    """A graph: its title, what a reader sees in it, its unit, and queries with the legend of each."""

    title: str
    meaning: str
    unit: str
    queries: dict[str, str]


def quantile(share: float, name: str, by: str, where: str = "") -> str:
    """The query for a quantile of a histogram."""
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({name}_bucket{{{where}}}[$__rate_interval])))"


OVERVIEW: Final = [
    Panel("Up", "1 while a service answers", "short", {"{{job}}": f"up{{{JOBS}}}"}),
    Panel(
        "Version",
        "Processes by the version that they run",
        "short",
        {"{{job}} {{version}}": "count by (job, version) (fristwerk_build_info)"},
    ),
    Panel(
        "Commands",
        "Commands that were answered with success, and repetitions of them",
        "reqps",
        {"{{job}} {{outcome}}": "sum by (job, outcome) (rate(fristwerk_commands_total[$__rate_interval]))"},
    ),
    Panel(
        "Refusals",
        "Requests answered with a problem, by its code",
        "reqps",
        {"{{job}} {{code}}": "sum by (job, code) (rate(fristwerk_refusals_total[$__rate_interval]))"},
    ),
    Panel(
        "Time of a request",
        "Without long polls and streams",
        "s",
        {
            "{{job}} p50": quantile(0.5, "fristwerk_request_seconds", "job", NO_WAITS),
            "{{job}} p99": quantile(0.99, "fristwerk_request_seconds", "job", NO_WAITS),
        },
    ),
    Panel(
        "Slowest operations",
        "p99 of the ten slowest",
        "s",
        {"{{operation}}": f"topk(10, {quantile(0.99, 'fristwerk_request_seconds', 'operation', NO_WAITS)})"},
    ),
    Panel("Memory", "Resident", "bytes", {"{{job}}": f"process_resident_memory_bytes{{{JOBS}}}"}),
    Panel(
        "Processor",
        "1 is one core",
        "short",
        {"{{job}}": f"rate(process_cpu_seconds_total{{{JOBS}}}[$__rate_interval])"},
    ),
    Panel(
        "Open files",
        "Beside their limit",
        "short",
        {"{{job}}": f"process_open_fds{{{JOBS}}}", "{{job}} limit": f"process_max_fds{{{JOBS}}}"},
    ),
    Panel(
        "Connections closed at a limit",
        "By the limit",
        "reqps",
        {"{{job}} {{reason}}": "sum by (job, reason) (rate(fristwerk_connections_closed_total[$__rate_interval]))"},
    ),
    Panel(
        "What should stay at zero",
        "Tasks restarted, log lines dropped, descriptors short",
        "short",
        {
            "{{job}} tasks": "sum by (job) (increase(fristwerk_background_tasks_restarted_total[1h]))",
            "{{job}} log lines": "sum by (job) (increase(fristwerk_log_lines_dropped_total[1h]))",
            "{{job}} descriptors": "sum by (job) (increase(fristwerk_descriptors_short_total[1h]))",
        },
    ),
]
EVENTS: Final = [
    Panel(
        "Time of an append",
        "From an append to its being durable",
        "s",
        {
            "{{job}} p50": quantile(0.5, "fristwerk_append_seconds", "job"),
            "{{job}} p99": quantile(0.99, "fristwerk_append_seconds", "job"),
        },
    ),
    Panel(
        "Time of a transaction",
        "p99: what the disk or PostgreSQL takes",
        "s",
        {"{{job}}": quantile(0.99, "fristwerk_append_transaction_seconds", "job")},
    ),
    Panel(
        "Appends in a transaction",
        "The mean",
        "short",
        {
            "{{job}}": "sum by (job) (rate(fristwerk_append_group_size_sum[$__rate_interval]))"
            " / sum by (job) (rate(fristwerk_append_group_size_count[$__rate_interval]))"
        },
    ),
    Panel(
        "Appends waiting",
        "From 10,000 on commands are refused",
        "short",
        {
            "{{job}} waiting": "fristwerk_appends_waiting",
            "{{job}} failed": "increase(fristwerk_appends_failed_total[$__rate_interval])",
        },
    ),
    Panel("Behind, in events", "By source", "short", {"{{job}} ← {{source}}": "fristwerk_feed_lag_events"}),
    Panel("Behind, in time", "By source", "s", {"{{job}} ← {{source}}": "fristwerk_feed_lag_seconds"}),
    Panel(
        "Backup",
        "Age of the last, and its size; from the node exporter",
        "short",
        {
            "hours": "(time() - fristwerk_backup_made_timestamp_seconds) / 3600",
            "GiB": "fristwerk_backup_bytes / 1024 ^ 3",
        },
    ),
    Panel("Without a signed head", "Events at the end of each log", "short", {"{{job}}": "fristwerk_log_tail_events"}),
]
RELAY: Final = [
    Panel(
        "Behind the log, in events",
        "What the stream lacks, also while nothing can be published",
        "short",
        {"{{instance}}": 'fristwerk_feed_lag_events{job="relay"}'},
    ),
    Panel("Behind, in time", "Age of the oldest", "s", {"{{instance}}": 'fristwerk_feed_lag_seconds{job="relay"}'}),
    Panel(
        "Published",
        "Positions a second by which the stream's end moves on",
        "short",
        {"{{instance}}": "deriv(fristwerk_relay_position[$__rate_interval])"},
    ),
    Panel("Stands by", "1 while another relay works", "short", {"{{instance}}": "fristwerk_relay_stands_by"}),
    Panel(
        "Interruptions",
        "Rounds that ended with an error, by what was met",
        "short",
        {"{{instance}} {{by}}": "increase(fristwerk_relay_interruptions_total[$__rate_interval])"},
    ),
    Panel(
        "Published again",
        "Events that the servers had acknowledged and lost; should be 0",
        "short",
        {"{{instance}}": "increase(fristwerk_relay_republished_total[1h])"},
    ),
]
DEADLINES: Final = [
    Panel("Timers running", "By metric", "short", {"{{metric}}": "sum by (metric) (fristwerk_timers_running)"}),
    Panel("Due within 30 minutes", "By metric", "short", {"{{metric}}": "sum by (metric) (fristwerk_timers_due)"}),
    Panel("Alarms overdue", "Should be 0", "short", {"overdue": "fristwerk_alarms_overdue"}),
    Panel("Notices", "By type", "short", {"{{type}}": "sum by (type) (increase(fristwerk_notices_total[1h]))"}),
    Panel(
        "Parked",
        "Tickets without deadlines, accounts without an invoice; should be 0",
        "short",
        {"tickets": "fristwerk_parked_tickets", "accounts": "fristwerk_parked_accounts"},
    ),
]
DASHBOARDS: Final = {
    "overview": ("Fristwerk: overview", OVERVIEW),
    "events": ("Fristwerk: logs and followers", EVENTS),
    "deadlines": ("Fristwerk: deadlines and accounts", DEADLINES),
    "relay": ("Fristwerk: relay to NATS", RELAY),
}


def dashboard(uid: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    """Grafana's JSON of a dashboard (schema 39)."""
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"fristwerk-{uid}",
        "title": title,
        "tags": ["fristwerk"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": [_graph(number, panel) for number, panel in enumerate(panels)],
    }


def _graph(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, ACROSS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def written() -> dict[str, str]:
    """Every dashboard's file name and text."""
    return {
        f"{uid}.json": json.dumps(dashboard(uid, title, panels), indent=1, ensure_ascii=False) + "\n"
        for uid, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in written().items():
        (FOLDER / name).write_text(text, "utf-8")
