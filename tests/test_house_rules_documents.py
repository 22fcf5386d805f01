"""The house rules for what is not code: no addresses of machines or mirrors, and documents that keep in step with the code."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fristwerk_language.events import EVENT_TYPES
from fristwerk_platform.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.txt"))
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "http" not in page.parts and "_site" not in page.parts),
]
WRITTEN_BY_HAND = [page for page in PAGES if page.name != "events.md"]
NOT_OURS = {".git", ".venv", "var", "__pycache__", "node_modules"}

# Put together from parts, so that this file does not contain what it forbids.
FORBIDDEN = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + "hosted",
            "registry" + r"\.npm",
            r"(?<![\w-])--(extra-)?index" + "-url",
            r"(?<![\w-])--find" + "-links",
            "file:" + "//",
            r"(?<![\w.}/-])/" + r"(home|root|Users|work|opt|mnt|workspace)" + r"/\w",
        ]
    )
)


def our_files() -> list[Path]:
    """What git keeps, or everything that is not made by a command where this is no checkout."""
    listed = subprocess.run(  # noqa: S603
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        found = [path for path in ROOT.glob("**/*") if not NOT_OURS.intersection(path.relative_to(ROOT).parts)]
    return [path for path in found if path.is_file()]


def loaded(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_file_carries_an_index_a_mirror_or_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in our_files()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes_and_without_an_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    requirements = re.findall(r"^\S.*(?:\n +--hash=.*)*", text, re.MULTILINE)

    assert requirements
    assert [each.splitlines()[0] for each in requirements if not re.match(r"\S+==\S+ .*\n +--hash=sha256:", each)] == []
    assert "://" not in text
    assert "@" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_lock_pins_what_is_asked_for(lock: Path) -> None:
    asked = {
        re.split(r"[\[<>=;\s]", line, maxsplit=1)[0].lower()
        for line in lock.with_suffix(".in").read_text("utf-8").splitlines()
        if line and not line.startswith(("#", "-"))
    }

    assert asked <= {name.lower() for name in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.MULTILINE)}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def commands_of_make() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)) - {"welcome", "help"}


def test_the_page_of_events_is_what_the_code_says() -> None:
    script = loaded(ROOT / "docs" / "write_events.py")

    assert script.PAGE.read_text("utf-8") == script.page(), "run: .venv/bin/python docs/write_events.py"


def test_the_page_of_what_a_customer_sees_is_what_the_tables_say() -> None:
    script = loaded(ROOT / "docs" / "write_visibility.py")

    assert script.PAGE.read_text("utf-8") == script.page(), "run: .venv/bin/python docs/write_visibility.py"


def test_every_event_type_is_on_the_page_of_events() -> None:
    titles = re.findall(r"^### (\w+)$", (ROOT / "docs" / "reference" / "events.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(titles) == sorted(EVENT_TYPES)


def test_the_page_of_settings_lists_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))
    defaults = {name.upper(): getattr(Settings(), name) for name in Settings.__struct_fields__}

    assert list(rows) == list(defaults)
    assert {name: rows[name] for name, value in defaults.items() if value is not None} == {
        name: f"`{value}`" for name, value in defaults.items() if value is not None
    }


def test_the_readme_names_every_command_of_make() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [target for target in sorted(commands_of_make()) if f"make {target}" not in readme] == []


def test_make_help_names_every_command_of_make() -> None:
    said = re.findall(r'^\t@echo "make (\w+) ', (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert sorted(said) == sorted(commands_of_make())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_commands_of_make_that_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)make (?!-)(\w+)", page.read_text("utf-8"), re.MULTILINE))

    assert named <= commands_of_make() | {"help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_to_what_exists(page: Path) -> None:
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)

    assert missing == []


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_prose_is_wrapped(page: Path) -> None:
    long = [line for line in prose(page).splitlines() if len(line) > 100 and not line.startswith(("|", "#"))]

    assert long == []


def test_the_readme_stays_a_first_page() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 100


def options_of(module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The subcommands of a module with their options, as its ``--help`` has them."""

    def help_of(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", [module, *words, "--help"])
        with pytest.raises(SystemExit):
            runpy.run_module(module, run_name="__main__")
        return capsys.readouterr().out

    names = re.search(r"\{([\w,-]+)\}", help_of())
    assert names
    return {name: set(re.findall(r"^  (--[\w-]+)", help_of(name), re.MULTILINE)) for name in names[1].split(",")}


@pytest.mark.parametrize("module", ["ticket_service", "sla_service", "billing_service", "fristwerk_local"])
def test_the_page_of_command_lines_names_every_command_and_option(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "reference" / "command-lines.md").read_text("utf-8")
    rows = re.findall(rf"^\| `python -m {module} ([\w-]+)(.*)", page, re.MULTILINE)
    named = {name: set(re.findall(r"--[a-z-]+", rest)) for name, rest in rows}

    assert named == options_of(module, capsys, monkeypatch)


def test_the_pages_of_the_http_interfaces_name_every_operation() -> None:
    script = loaded(ROOT / "docs" / "write_http.py")

    for name, document in script.documents().items():
        page = "\n".join(script.page(name, document))
        operations = [f"`{method.upper()} {path}`" for path, methods in document["paths"].items() for method in methods]
        assert operations
        assert [operation for operation in operations if operation not in page] == []


def test_the_pictures_are_what_their_script_draws() -> None:
    script = loaded(ROOT / "docs" / "write_pictures.py")
    drawn = {f"{name}.svg": draw().svg() for name, draw in script.PICTURES.items()}

    assert drawn == {path.name: path.read_text("utf-8") for path in script.FOLDER.iterdir()}, (
        "run: .venv/bin/python docs/write_pictures.py"
    )


def test_a_page_that_loads_something_from_elsewhere_is_found(tmp_path: Path) -> None:
    script = loaded(ROOT / "docs" / "check_site.py")
    (tmp_path / "good.html").write_text('<a href="https://example.org/">there</a><script src="_static/a.js"></script>')
    assert script.loads(tmp_path) == []

    (tmp_path / "bad.html").write_text('<script defer src="https://cdn.example.org/a.js"></script>')
    (tmp_path / "bad.css").write_text("body { background: url(//example.org/a.png) }")
    assert len(script.loads(tmp_path)) == 2


def test_every_decision_is_in_the_index_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")

    assert [page.name for page in sorted(folder.glob("0*.md")) if f"]({page.name})" not in index] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda page: page.name)
def test_a_decision_says_what_else_was_weighed(page: Path) -> None:
    parts = re.findall(r"^\*\*(\w+)\.\*\*", page.read_text("utf-8"), re.MULTILINE)

    assert parts == ["Context", "Decision", "Weighed", "Consequences"]
