"""Prints how long modules and functions are, package by package: ``python tests/sizes.py [ROOT]``."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
GENERATED = [
    Path(__file__).parents[1] / "shared/client/src/fristwerk_client" / each for each in ("ticket", "sla", "billing")
]
GROUPS = ("shared/*", "services/*", "deploy/*", "tests")


class Module(msgspec.Struct, frozen=True):
    """A module's lines, and the lines of each of its functions by name; functions inside a function count with it."""

    path: Path
    lines: int
    functions: dict[str, int]


def modules(folder: Path) -> list[Module]:
    """The modules of a folder that have more than one line, except what is installed or generated there."""
    paths = sorted(path for path in folder.glob("**/*.py") if ".venv" not in path.parts and not generated(path))
    return [each for each in map(measured, paths) if each.lines > 1]


def generated(path: Path) -> bool:
    """Whether a module is one of the client's operations and models, which nobody reads or edits."""
    return any(package in path.parents for package in GENERATED)


def measured(path: Path) -> Module:
    """One module's sizes."""
    text = path.read_text("utf-8")
    return Module(path, len(text.splitlines()), dict(functions(ast.parse(text))))


def functions(tree: ast.AST, within: str = "") -> Iterator[tuple[str, int]]:
    """Every function and method with its lines, decorators left out."""
    for node in ast.iter_child_nodes(tree):
        name = f"{within}{getattr(node, 'name', '')}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, (node.end_lineno or node.lineno) - node.lineno + 1
        yield from functions(node, f"{name}." if isinstance(node, ast.ClassDef | ast.FunctionDef) else within)


def percentile_90(numbers: list[int]) -> int:
    """The nearest-rank 90th percentile."""
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * 0.9))]


def main(root: Path) -> None:
    """One row a package, and what is over the limits below."""
    table = Table("package", "modules", "lines", "median", "p90", "longest", f"> {MAX_MODULE_LINES}")
    for column in ("functions", "median", "p90", "longest", f"> {MAX_FUNCTION_LINES}"):
        table.add_column(column)
    over: list[str] = []
    for folder in sorted(path for group in GROUPS for path in root.glob(group) if path.is_dir()):
        found = modules(folder)
        if not found:
            continue
        lines = [each.lines for each in found]
        calls = [length for each in found for length in each.functions.values()] or [0]
        long = [f"{each.path.relative_to(root)}: {each.lines}" for each in found if each.lines > MAX_MODULE_LINES]
        deep = [
            f"{each.path.relative_to(root)} {name}: {length}"
            for each in found
            for name, length in each.functions.items()
            if length > MAX_FUNCTION_LINES
        ]
        over += long + deep
        table.add_row(
            folder.relative_to(root).as_posix(),
            *map(str, (len(found), sum(lines), round(statistics.median(lines)), percentile_90(lines), max(lines))),
            str(len(long)),
            *map(str, (len(calls), round(statistics.median(calls)), percentile_90(calls), max(calls), len(deep))),
        )
    console = Console(width=140, highlight=False)
    console.print(table)
    console.print("\n".join(over), soft_wrap=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
