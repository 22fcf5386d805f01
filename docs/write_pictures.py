"""Writes the pictures of the documentation: ``.venv/bin/python docs/write_pictures.py``. A test compares."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE))

from drawing import AMBER, BLUE, GREEN, PLAIN, Picture  # noqa: E402 - found beside this file

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


PICTURES: Final[dict[str, Callable[[], Picture]]] = {"overview": overview}


def main() -> None:
    """All of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw().svg(), "utf-8")


if __name__ == "__main__":
    main()
