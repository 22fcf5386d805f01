"""What the hash trees take of commands: one ticket service, whose trees work in one round and rest in the next.

Two processes of the same program differ by 6 % on this bench, three times what is looked for, and
two rounds of one process by as much: hence one process, and many short rounds. What the trees
missed while they rested they take after the round, before the next one begins.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

from measuring import Figure, empty_database, postgres, show
from measuring.pausable_trees import GO_ON, REST
from measuring.services import AT_ONCE, Services, services

ROUNDS = 40
TICKETS = 2_000
SECONDS = 2.0
CATCH_UP_SECONDS = 1.0
"""Many times what the trees take for the events of a round."""
ANSWER = {"channel": "email", "text": "Wir schauen es uns an und melden uns heute noch bei Ihnen."}
PAUSABLE = str(Path(__file__).parent / "measuring" / "pausable_trees.py")
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(running: Services) -> float:
    """What the ticket service has taken so far."""
    fields = Path(f"/proc/{running.pid('ticket')}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def round_of(running: Services, answers: list[bytes]) -> tuple[float, float]:
    """Commands a second, and commands for each second of the service's processor."""
    before = processor_seconds(running)
    told = running.load("ticket", answers, seconds=SECONDS)
    return told.per_second, told.per_second * told.seconds / (processor_seconds(running) - before)


def main() -> None:
    """Print the table."""
    rounds: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with postgres() as server, services(empty_database(server)) as running:
        running.start("ticket", program=[PAUSABLE, "serve"])
        tickets = itertools.islice(itertools.cycle(running.prepare(TICKETS)), 20_000)
        answers = [running.request("POST", f"/v1/tickets/{each}/responses", ANSWER) for each in tickets]
        round_of(running, answers)
        for number in range(ROUNDS):
            for working in (True, False) if number % 2 else (False, True):
                os.kill(running.pid("ticket"), GO_ON if working else REST)
                rounds[working].append(round_of(running, answers))
                if not working:
                    os.kill(running.pid("ticket"), GO_ON)
                    time.sleep(CATCH_UP_SECONDS)
    kinds = enumerate((f"commands, {AT_ONCE} connections", "the same for each second of the service's processor"))
    figures = [
        Figure(
            what=what,
            rounds=[each[kind] for each in rounds[True]],
            beside="while the trees rest",
            reference=[each[kind] for each in rounds[False]],
            reach=0.98,
        )
        for kind, what in kinds
    ]
    show("hash trees beside commands, PostgreSQL", figures, f"{SECONDS:.0f} s a round, in turn")


if __name__ == "__main__":
    main()
