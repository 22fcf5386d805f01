"""Writes the pictures of the documentation: ``.venv/bin/python docs/write_pictures.py``. A test compares."""

from __future__ import annotations

import functools
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE))

from drawing import AMBER, BLUE, GREEN, PLAIN, VIOLET, WHITE, Picture  # noqa: E402 - found beside this file

FOLDER: Final = HERE / "pictures"


def overview() -> Picture:
    """What Fristwerk is, for its first page."""
    picture = Picture(960, 372, "Commands become facts in a log; deadlines and invoice lines are derived from them")
    picture.text(28, 38, "your systems", look="bold", size=15)
    for number, name in enumerate(("helpdesk", "portal", "telephone", "ERP")):
        picture.box(28, 60 + 66 * number, 128, 46)
        picture.text(92, 88 + 66 * number, name, anchor="middle")
    picture.arrow((168, 182), (262, 182))
    picture.text(215, 170, "commands", anchor="middle", size=13, look="faint")

    picture.text(272, 38, "what happened", look="bold", size=15)
    picture.box(272, 60, 216, 244, BLUE)
    picture.text(380, 90, "ticket-service", anchor="middle", look="bold", size=16)
    picture.text(380, 114, "decides by the agreement,", anchor="middle", size=13, look="faint")
    picture.text(380, 132, "records what happened", anchor="middle", size=13, look="faint")
    picture.cylinder(312, 152, 136, 128, PLAIN)
    picture.text(380, 192, "log of facts", anchor="middle", look="bold")
    for number, name in enumerate(("TicketCreated", "SeveritySet", "Responded", "TimeLogged")):
        picture.text(380, 213 + 17 * number, name, anchor="middle", size=12, look="mono")

    picture.arrow((488, 182), (540, 182), (540, 114), (592, 114))
    picture.arrow((488, 182), (540, 182), (540, 250), (592, 250))
    picture.text(514, 172, "feed", anchor="middle", size=13, look="faint")

    picture.text(602, 38, "what follows from it", look="bold", size=15)
    for top, colour, name, lines in (
        (
            60,
            GREEN,
            "sla-service",
            (
                "Due Friday 09:30: two support hours,",
                "Thursday is a holiday in Lucerne,",
                "by /service_levels/0 of infoniqa, version 1",
            ),
        ),
        (
            196,
            AMBER,
            "billing-service",
            (
                "60 minutes out of the package:",
                "50 worked, in steps of 15, by rules R1 and",
                "R3 and by /billing/package of infoniqa",
            ),
        ),
    ):
        picture.box(602, top, 330, 108, colour)
        picture.text(622, top + 28, name, look="bold", size=16)
        for number, line in enumerate(lines):
            picture.text(622, top + 53 + 19 * number, line, size=13)

    picture.box(28, 324, 904, 30)
    picture.text(
        480,
        344,
        "the log is never changed: anyone who has it computes the same deadlines and lines again",
        anchor="middle",
        size=13,
        look="faint",
    )
    return picture


WAYS: Final = tomllib.loads((HERE / "ways.toml").read_text("utf-8"))
CONTRACTS: Final = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
COLOURS: Final = {
    "fristwerk_platform": PLAIN,
    "fristwerk_language": VIOLET,
    "ticket_service": BLUE,
    "sla_service": GREEN,
    "billing_service": AMBER,
}
STEP: Final = 48
"""Pixels from one step of a way to the next."""


def way(name: str) -> Picture:
    """The steps of a way, one below the other, each in the colour of its package."""
    about = WAYS[name]
    steps: list[tuple[str, str]] = about["steps"]
    picture = Picture(880, 78 + STEP * len(steps), about["title"])
    _legend(picture, {module.partition(".")[0] for module, _ in steps})
    if "inside" in about:
        first, last, what = about["inside"]
        top, height = 62 + STEP * first, STEP * (last - first) + 42
        picture.bracket(840, top, height, what)
    for number, (module, does) in enumerate(steps):
        top = 66 + STEP * number
        package, _, rest = module.partition(".")
        picture.box(28, top, 330, 34, COLOURS[package])
        picture.text(42, top + 22, rest.replace(".", "/") + ".py", size=12.5, look="mono")
        picture.text(376, top + 22, does, size=13.5)
        if number + 1 < len(steps):
            picture.arrow((193, top + 34), (193, top + STEP - 1))
    return picture


def _legend(picture: Picture, packages: set[str]) -> None:
    x = 28.0
    for package in (each for each in COLOURS if each in packages):
        picture.box(x, 24, 16, 16, COLOURS[package])
        picture.text(x + 24, 37, package, size=13, look="mono")
        x += 60 + 8 * len(package)


def house() -> Picture:
    """Which package may import which, from the contracts of import-linter."""
    columns = {service: layers(service) for service in ("ticket_service", "sla_service", "billing_service")}
    rows = max(len(each) for each in columns.values())
    foot = 74 + 38 * rows + 40
    picture = Picture(960, foot + 206, "Packages, and who may import whom: arrows point down only")
    for number, (service, found) in enumerate(columns.items()):
        x = 28 + 308 * number
        picture.box(x, 24, 288, 38 * rows + 50, COLOURS[service])
        picture.text(x + 144, 50, service, anchor="middle", look="bold mono", size=14)
        for row, layer in enumerate(found):
            picture.box(x + 14, 64 + 38 * row, 260, 30, WHITE)
            size = min(12.5, 405 / len(layer))
            picture.text(x + 144, 83 + 38 * row, layer, anchor="middle", size=size, look="mono")
        picture.line((x + 144, 38 * rows + 74), (x + 144, foot - 22))
    picture.line((172, foot - 22), (788, foot - 22))
    for x, package, what, more in (
        (
            28,
            "fristwerk_language",
            "what the services agree on: events, terms, examples",
            "imports no platform, decides nothing",
        ),
        (
            490,
            "fristwerk_platform",
            "log, subscriptions, read models, commands, HTTP",
            "imports no language, knows no business word",
        ),
    ):
        picture.arrow((x + 221, foot - 22), (x + 221, foot + 5))
        picture.box(x, foot + 6, 442, 86, COLOURS[package])
        picture.text(x + 221, foot + 34, package, anchor="middle", look="bold mono", size=14)
        picture.text(x + 221, foot + 57, what, anchor="middle", size=13)
        picture.text(x + 221, foot + 77, more, anchor="middle", size=13, look="faint")
    for x, package, what in (
        (28, "fristwerk_local", "starts the services as processes, speaks HTTP to them"),
        (490, "fristwerk_cases", "runs known cases through the services' domains"),
    ):
        picture.box(x, foot + 110, 442, 72)
        picture.text(x + 221, foot + 138, package, anchor="middle", look="bold mono", size=14)
        picture.text(x + 221, foot + 161, what, anchor="middle", size=13)
    return picture


def layers(service: str) -> list[str]:
    """The layers of a service from top to bottom, as its contract has them."""
    for contract in CONTRACTS:
        if contract["type"] == "layers" and service in contract["containers"]:
            return [layer.replace("(", "").replace(")", "").replace(" | ", " · ") for layer in contract["layers"]]
    raise LookupError(f"no contract of layers names {service}")


PICTURES: Final[dict[str, Callable[[], Picture]]] = {
    "overview": overview,
    "house": house,
    "command": functools.partial(way, "command"),
    "batch": functools.partial(way, "batch"),
}


def main() -> None:
    """All of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw().svg(), "utf-8")


if __name__ == "__main__":
    main()
