"""The house rules that a linter does not know: pure domains, one clock, modules and functions a reader can hold in mind."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.sizes import MAX_FUNCTION_LINES, MAX_MODULE_LINES, functions, generated
from tests.syntax_trees import parsed

ROOT = Path(__file__).parents[1]
SERVICES = ("ticket", "sla", "billing")
SUBJECT = "one subject's specification; its cases read on in one order"
ROUTES = "a table of routes; each route in it is short"
LONG_MODULES: dict[str, str] = {
    "shared/language/src/fristwerk_language/terms/agreement.py": "one document: its keys, and what must agree between them",
    "services/ticket-service/src/ticket_service/app.py": "the composition root: a line for each thing that is wired",
    "shared/language/src/fristwerk_language/events/tickets.py": "every event of a ticket and their union: one list to look up",
}
"""Modules of the packages over 300 lines, each with the reason why it is not two."""
LONG_TEST_MODULES: dict[str, str] = {
    "tests/billing_service/application/test_invoicing.py": SUBJECT,
    "tests/billing_service/test_mutants.py": "the list of planted mistakes beside the cases that find them",
    "tests/language/terms/test_agreement.py": SUBJECT,
    "tests/platform/event_log/test_on_postgres.py": "every test needs the same wire and the same servers",
    "tests/platform/http/test_commands.py": "every test needs the same small service of commands",
    "tests/platform/http/test_connection_limits.py": SUBJECT,
    "tests/platform/http/test_feed_routes.py": SUBJECT,
    "tests/platform/http/test_input.py": "every test needs the same small service of routes",
    "tests/platform/subscriptions/test_rebuild.py": "every test needs the same small world of tables, logs and subscribers",
    "tests/platform/subscriptions/test_subscription.py": "every test needs the same read model and its subscription",
    "tests/platform/test_auth.py": SUBJECT,
    "tests/sla_service/service/conftest.py": "the service's parts, its people and its recorded day: most tests use all three",
    "tests/sla_service/service/test_notices.py": SUBJECT,
    "tests/ticket_service/domain/contract/test_contract.py": SUBJECT,
    "tests/ticket_service/domain/ticket/test_every_command.py": "an example of every command, and what holds for all of them",
    "tests/ticket_service/domain/ticket/test_intake.py": SUBJECT,
    "tests/ticket_service/test_api_access.py": "the whole table of who may do what, and its exceptions",
    "tests/ticket_service/test_api_idempotency.py": "every command of the document, sent twice",
    "tests/ticket_service/test_api_routes.py": "the whole table of routes",
}
"""Modules of the tests over 300 lines, each with the reason why it is not two."""
LONG_FUNCTIONS: dict[str, str] = {
    "services/billing-service/src/billing_service/api/accounts.py accounts_router": ROUTES,
    "services/billing-service/src/billing_service/api/invoice_commands.py invoice_commands_router": ROUTES,
    "services/billing-service/src/billing_service/api/invoices.py _add_documents": ROUTES,
    "services/billing-service/src/billing_service/api/invoices.py _add_lines": ROUTES,
    "services/sla-service/src/sla_service/api/timers.py timers_router": ROUTES,
    "services/ticket-service/src/ticket_service/api/customers.py _add_reads": ROUTES,
    "services/ticket-service/src/ticket_service/api/terms.py _add_reads": ROUTES,
    "services/ticket-service/src/ticket_service/app.py _application": "a line for each use case that is wired",
    "services/ticket-service/src/ticket_service/api/terms_migrations.py migrations_router": ROUTES,
    "shared/platform/src/fristwerk_platform/http/health.py health_router": ROUTES,
}
"""Functions over 50 lines, each with the reason why it is not two."""

IMPURE = {
    "asyncio",
    "datetime.now",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
}
"""Parts of the standard library that bring a clock, randomness or the world outside into a domain."""


def sources() -> list[Path]:
    return sorted(
        path
        for folder in ("shared", "services", "tools", "deploy")
        for path in (ROOT / folder).glob("**/src/**/*.py")
        if not generated(path)
    )


def suite() -> list[Path]:
    return sorted((ROOT / "tests").glob("**/*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def naming(paths: Iterable[Path], word: str) -> Iterator[Path]:
    """The modules in which a word stands: the others need not be parsed to see that they do not use it."""
    return (path for path in paths if word in path.read_text("utf-8"))


def package(service: str) -> Path:
    return ROOT / "services" / f"{service}-service" / "src" / f"{service}_service"


def imports(tree: ast.Module) -> Iterator[str]:
    """The dotted names of everything imported."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str() as module, names=names):
                yield from (f"{module}.{each.name}" for each in names)
            case _:
                pass


def attributes(tree: ast.AST) -> Iterator[str]:
    """What is read of a plain name, such as ``datetime.now``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def read(tree: ast.AST, *clocks: str) -> int:
    return sum(each in clocks for each in attributes(tree))


def below(name: str, *roots: str) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_imports_the_standard_library_msgspec_events_and_terms_and_nothing_else(service: str) -> None:
    own = f"{service}_service.domain"
    strangers = [
        f"{named(path)}: {name}"
        for path in sorted((package(service) / "domain").glob("**/*.py"))
        for name in imports(parsed(path))
        if not below(name, own, "msgspec", "fristwerk_language.events", "fristwerk_language.terms")
        and (name.partition(".")[0] not in sys.stdlib_module_names or below(name, *IMPURE))
    ]

    assert strangers == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_clock_is_read_once_a_service_where_it_is_wired_or_beside(service: str) -> None:
    readings = {
        path.relative_to(package(service)).as_posix(): count
        for path in sorted(package(service).glob("**/*.py"))
        if (count := read(parsed(path), "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"))
    }

    assert readings in ({"app.py": 1}, {"clock.py": 1})  # beside it, so that a command has the time without the app


def test_shared_never_reads_the_clock() -> None:
    readers = [
        named(path) for path in naming((ROOT / "shared").glob("**/*.py"), "now") if read(parsed(path), "datetime.now")
    ]

    assert readers == []


def test_billing_never_computes_with_a_float() -> None:
    floats = [
        f"{named(path)}:{node.lineno}"
        for path in sorted((package("billing") / "domain").glob("**/*.py"))
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]

    assert floats == []


def test_nothing_is_mocked() -> None:
    modules = naming(sources() + suite(), "mock")
    mocking = [named(path) for path in modules if any("mock" in name for name in imports(parsed(path)))]

    assert mocking == []


def test_every_module_opens_with_a_sentence_that_says_its_duty() -> None:
    silent = []
    for path in sources() + suite():
        if path.name == "__init__.py" and not path.read_text("utf-8"):
            continue
        first, _, _ = (ast.get_docstring(parsed(path)) or "").partition("\n\n")
        if not first.endswith((".", ":", "!", "?", "``.")):
            silent.append(named(path))

    assert silent == []


def test_no_module_grows_past_what_a_reader_can_hold_in_mind() -> None:
    long = {named(path) for path in sources() + suite() if len(path.read_text("utf-8").splitlines()) > MAX_MODULE_LINES}

    assert long == LONG_MODULES.keys() | LONG_TEST_MODULES.keys()


def test_functions_stay_within_a_screen() -> None:
    long = {
        f"{named(path)} {name}"
        for path in sources() + suite()
        for name, lines in functions(parsed(path))
        if lines > MAX_FUNCTION_LINES
    }

    assert long == LONG_FUNCTIONS.keys()
