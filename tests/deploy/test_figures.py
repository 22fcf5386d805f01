"""Every figure that an alert, a dashboard or the page of operations names is one that the services have."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Final

from prometheus_client import generate_latest

from fristwerk_platform.backup import Manifest
from fristwerk_platform.backup.figures import write_figures
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.relay import RelayProgress
from tests.conftest import ServicesInOneProcess
from tests.deploy.tools import DEPLOY
from tests.platform.relay.listed_feed import ListedFeed

FIGURE: Final = re.compile(r"\b(?:fristwerk|process|python)_[a-z_]*[a-z]\b")
PARTS: Final = ("_bucket", "_sum", "_count")
"""What a histogram is made of."""


def named(text: str) -> set[str]:
    return set(FIGURE.findall(text))


def unknown(text: str, figures: set[str]) -> set[str]:
    """The figures named in a text that are none."""
    whole = {next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name) for name in named(text)}
    return whole - figures


async def figures_of(services: ServicesInOneProcess) -> set[str]:
    """The names of all figures of the three services."""
    pages = [(await client.get("/metrics")).text for client in services.clients.values()]
    return {name for page in pages for name in names_in(page)}


def names_in(page: str) -> set[str]:
    """The names of a page's figures, but for the instants at which each began."""
    return {name for name in re.findall(r"^# TYPE (\S+)", page, re.MULTILINE) if not name.endswith("_created")}


def figures_of_relay() -> set[str]:
    """The names of the figures that a relay has beside those that every process has."""
    metrics = Metrics()
    RelayProgress("ticket-service", ListedFeed(0), metrics, lambda: datetime(2026, 6, 3, tzinfo=UTC))
    return names_in(generate_latest(metrics.registry).decode())


def dashboards_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_dashboards", DEPLOY / "grafana" / "write_dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures_of_backups(folder: Path) -> set[str]:
    """The names of the figures that ``backup --figures`` writes."""
    manifest = Manifest(version="1", made_at=datetime(2026, 6, 3, tzinfo=UTC), token_key="", files=[], logs=[])
    write_figures(folder / "backup.prom", manifest)
    return set(re.findall(r"^# TYPE (\S+)", (folder / "backup.prom").read_text("utf-8"), re.MULTILINE))


async def test_alerts_dashboards_and_the_page_name_only_figures_that_exist(
    stack_on_sqlite: ServicesInOneProcess, tmp_path: Path
) -> None:
    figures = await figures_of(stack_on_sqlite) | figures_of_backups(tmp_path) | figures_of_relay()
    rules = (DEPLOY / "prometheus" / "fristwerk.rules.yml").read_text("utf-8")
    page = (DEPLOY.parent / "docs" / "reference" / "operations.md").read_text("utf-8")
    boards = "".join(file.read_text("utf-8") for file in sorted((DEPLOY / "grafana" / "dashboards").iterdir()))

    assert unknown(rules, figures) == set()
    assert unknown(boards, figures) == set()
    assert {each for each in figures if each.startswith("fristwerk_")} <= named(page)
    assert unknown("rate(fristwerk_no_such_figure_total[5m])", figures) == {"fristwerk_no_such_figure_total"}


def test_the_dashboards_are_what_their_script_writes() -> None:
    stored: dict[str, str] = {
        file.name: file.read_text("utf-8") for file in (DEPLOY / "grafana" / "dashboards").iterdir() if file.is_file()
    }

    assert stored == dashboards_script().written()


def test_every_figure_of_our_own_is_on_a_dashboard() -> None:
    boards = "".join(dashboards_script().written().values())
    page = (Path(DEPLOY.parent) / "docs" / "reference" / "operations.md").read_text("utf-8")
    shown = {next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name) for name in named(boards)}

    assert {each for each in named(page) if each.startswith("fristwerk_")} <= shown
