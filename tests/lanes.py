"""Which lane a test belongs to, found out from what it uses; the order of a run; and how many examples properties draw."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from fristwerk_platform.gc_tuning import tune_garbage_collection

MARKERS = {
    "faults": "breaks what the services stand on",
    "process": "starts processes of its own",
    "postgres": "needs a PostgreSQL server",
    "exhaustive": "a property that draws more examples than others, or every operation with every extreme",
    "services": "opens all three services in its own process",
}
"""The markers of tests that ``make quick`` leaves out. No test names them; :func:`markers_of` finds them."""
POSTGRES_FIXTURES = {"postgres_server", "own_postgres_server"}
SERVICES_FIXTURES = {"open_services", "stack", "stack_on_sqlite"}
COLLECTOR_THRESHOLDS = (5_000, 10, 10)
"""Of Python's collector while tests run. By its own (700, 10, 10) it took a twelfth of the processor's time."""
FOLDERS = {"faults": "faults", "attack": "exhaustive"}
PROCESS_STARTERS = (subprocess, asyncio.create_subprocess_exec, asyncio.create_subprocess_shell)
PROCESS_CLASSES = {"PostgresServer", "Stack"}
"""Classes of the local runner that start processes."""
TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder there that is its user's alone
ROOM = 6 * 2**30
"""Bytes that are free in memory before tests are kept there; a run of the whole suite takes a third of it."""

EXAMPLES = {"quick": 25, "ci": 100, "nightly": 500}
"""Examples that a property draws unless it asks for fewer, by profile. At night they are new ones each time; by day the
same ones each time, so that a change which breaks nothing is not stopped by what a lucky draw finds elsewhere."""
HISTORIES = {"short": 120, "long": 2_000}
"""Examples of the properties that say what the order of arrival changes: nothing."""


def examples(most: int) -> int:
    """How many examples a property draws that is worth ``most``: all of them at night, in CI as many as the profile has."""
    return min(most, settings().max_examples)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("short", "long"), default="short", help="how much the fault tests do")
    parser.addoption("--older", help="the checkout of an older version to compare with, with its .venv")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before Hypothesis's own plugin, which then loads the profile that ``--hypothesis-profile`` names."""
    tune_garbage_collection()  # what is imported and collected is kept, so there is next to nothing to find
    if not hasattr(config, "workerinput"):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", temporary_root())
        keep_bytecode()
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    for name, examples in EXAMPLES.items():
        settings.register_profile(name, max_examples=examples, deadline=None, derandomize=name != "nightly")
    settings.load_profile("ci")
    settings.register_profile(
        "order of arrival",
        max_examples=HISTORIES[config.getoption("faults")],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test, and put those that wait for other processes first: they are the longest."""
    order = list(MARKERS)
    rank = {}
    for item in items:
        found = markers_of(item)
        for name in found:
            item.add_marker(name)
        rank[item] = min((order.index(name) for name in found), default=len(order))
    items.sort(key=rank.__getitem__)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: Python's collector of cycles need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)  # so that a test finds soon what it left open


def keep_bytecode() -> None:
    """Where Python is told to keep none, each process that a test starts would compile everything again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def temporary_root() -> str:
    """Where the folders of tests lie: in memory where there is room, as every commit to SQLite waits for the disk.

    No test switches the machine off, so none can tell the difference.
    """
    try:
        roomy = shutil.disk_usage(MEMORY).free >= ROOM
    except OSError:
        return tempfile.gettempdir()
    return str(MEMORY) if roomy and os.access(MEMORY, os.W_OK | os.X_OK) else tempfile.gettempdir()


def markers_of(item: pytest.Item) -> set[str]:
    """The markers that follow from a test's folder, its fixtures, its parameters and the code it calls."""
    found = set(markers_of_folder(item.path.parent))
    if not isinstance(item, pytest.Function):
        return found
    if getattr(item.function, "_hypothesis_internal_use_settings", settings()).max_examples > EXAMPLES["ci"]:
        found.add("exhaustive")
    callspec = getattr(item, "callspec", None)
    if POSTGRES_FIXTURES & set(item.fixturenames) or (callspec and "postgres" in callspec.params.values()):
        found.add("postgres")
    if SERVICES_FIXTURES & set(item.fixturenames):
        found.add("services")
    if any(known_to_start_processes(each) for each in (item.function, *fixture_functions(item))):
        found.add("process")
    return found


@functools.cache
def markers_of_folder(folder: Path) -> frozenset[str]:
    """The markers of every test in a folder."""
    return frozenset(marker for name, marker in FOLDERS.items() if folder.is_relative_to(TESTS / name))


def fixture_functions(item: pytest.Function) -> Iterator[Callable[..., Any]]:
    """The functions behind the fixtures of a test, except PostgreSQL's, which have a marker of their own."""
    for name, definitions in item._fixtureinfo.name2fixturedefs.items():
        if name not in POSTGRES_FIXTURES:
            yield from (inspect.unwrap(each.func) for each in definitions)


@functools.cache
def known_to_start_processes(function: Callable[..., Any]) -> bool:
    """The same as :func:`starts_processes`, looked for once: a fixture serves hundreds of tests."""
    return starts_processes(function)


def starts_processes(function: Callable[..., Any], seen: set[int] | None = None) -> bool:
    """Whether a function or what it calls in the tests starts a process, as far as the names in its code tell."""
    seen = set() if seen is None else seen
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType) or id(function) in seen:
        return False
    seen.add(id(function))
    for name in names_in(function.__code__):
        value = function.__globals__.get(name)
        if any(value is each for each in PROCESS_STARTERS) or name in PROCESS_CLASSES:
            return True
        if isinstance(value, type) and is_ours(value):
            if any(starts_processes(each, seen) for each in vars(value).values()):
                return True
        elif isinstance(value, FunctionType) and is_ours(value) and starts_processes(inspect.unwrap(value), seen):
            return True
    return False


def names_in(code: CodeType) -> Iterator[str]:
    """The global names and attributes that a function and the functions inside it use."""
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from names_in(each)


def is_ours(value: Any) -> bool:
    """Whether something is defined in the tests."""
    return str(getattr(value, "__module__", "")).partition(".")[0] == "tests"
