"""A verifier that measures itself: in a process of its own, which imports no service, so that the memory is the verifier's."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import msgspec

from fristwerk_verify.findings import Report
from fristwerk_verify.verification import verify


class Verified(msgspec.Struct, frozen=True):
    """What a verifier in a process of its own found, and what that took."""

    provider: str
    report: Report
    chain_seconds: float
    """Of the processor, until every signature and every hash was checked."""
    seconds: float
    megabytes: float
    """The most memory that the process has held since its start."""

    @property
    def events(self) -> int:
        return int(self.figures("lines")["events"])

    def figures(self, key: str) -> dict[str, int | str]:
        """The figures of a step."""
        return next(step.figures for step in self.report.steps if step.key == key)

    def row(self) -> str:
        """A row of the table."""
        return (
            f"{self.provider:<10} {self.events:>8,} events {self.figures('timers')['timers']:>8,} timers"
            f" {self.figures('documents').get('documents', 0):>6,} documents"
            f" {self.figures('charges').get('lines', 0):>8,} charges {self.seconds:>7.1f} s: {self.report.outcome}"
        )


def verified(provider: str, bundle: Path) -> Verified:
    """Verifies a bundle in this process."""
    began, after_chains = time.process_time(), [0.0]

    def note(step: str) -> None:
        if step == "terms":
            after_chains[0] = time.process_time() - began

    report = verify(bundle, progress=note)
    seconds = time.process_time() - began
    return Verified(provider, report, after_chains[0], seconds, _most_megabytes())


def _most_megabytes() -> float:
    """Linux counts into ``ru_maxrss`` what the process was a copy of before it began."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
