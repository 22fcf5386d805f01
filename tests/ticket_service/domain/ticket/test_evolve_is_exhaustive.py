"""A new type of event fails type checking until ``evolve`` handles it or names it as ignored."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
LANGUAGE = ROOT / "shared/language/src/fristwerk_language"
SERVICE = ROOT / "services/ticket-service/src/ticket_service"
NEW_TYPE = '''
class TicketPraised(msgspec.Struct, frozen=True, kw_only=True):
    """A type of event that nobody handles."""
'''
FAMILIES = {
    "tickets": ("TicketEvent = (", "TicketEvent = (\n    TicketPraised\n    |", "ticket/evolve.py"),
    "customers": ("CustomerEvent = ", "CustomerEvent = TicketPraised | ", "customer/evolve.py"),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the language's events and of the domain, which a test may change."""
    shutil.copytree(LANGUAGE, tmp_path / "fristwerk_language")
    shutil.copytree(SERVICE / "domain", tmp_path / "ticket_service" / "domain")
    for package in ("fristwerk_language", "ticket_service"):
        (tmp_path / package / "py.typed").touch()
    (tmp_path / "ticket_service" / "__init__.py").touch()
    return tmp_path


def type_errors(sources: Path) -> str:
    """What mypy, with the house's own settings, finds in the three modules that apply events."""
    domain = sources / "ticket_service" / "domain"
    done = subprocess.run(  # noqa: S603 - our own interpreter on files of our own
        [
            *(
                sys.executable,
                "-m",
                "mypy",
                "--config-file",
                "",
                "--strict",
                "--explicit-package-bases",
                "--ignore-missing-imports",
            ),
            *("--enable-error-code", "exhaustive-match", "--cache-dir", str(sources / "cache")),
            *(str(domain / kind / "evolve.py") for kind in ("ticket", "customer", "contract")),
        ],
        cwd=sources,
        env={"MYPYPATH": str(sources)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def test_a_new_type_of_event_fails_type_checking_where_it_is_not_handled(sources: Path) -> None:
    assert "Success" in type_errors(sources)

    for family, (old, new, _) in FAMILIES.items():
        module = sources / "fristwerk_language" / "events" / f"{family}.py"
        text = module.read_text("utf-8")
        assert text.count(old) == 1
        first_class = text.index("\nclass ")
        planted = text.replace(old, new)
        module.write_text(planted[:first_class] + NEW_TYPE + "\n" + planted[first_class:], "utf-8")

    found = type_errors(sources)
    for _, _, unhandled in FAMILIES.values():
        assert f"domain/{unhandled}:" in found
