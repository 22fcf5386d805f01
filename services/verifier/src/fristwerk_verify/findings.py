"""What a check found: its steps in order, each with figures, and what does not hold in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

MOST_SHOWN: Final = 20
"""So many findings of a step are told one by one."""
Outcome = Literal["holds", "fails", "open"]
"""``open``: could not be checked, by this version or because of what failed before."""


class BadInputError(Exception):
    """What was given cannot be checked at all. Named by its sentence's key, with what stands in it."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not hold: the key of its sentence, and what stands in it."""

    key: str
    values: Mapping[str, Any]


class CheckStep(msgspec.Struct, kw_only=True):
    """One step of a check: what of, figures for its sentence, and what was found."""

    key: str
    figures: dict[str, Any] = {}
    findings: list[Finding] = []
    more: int = 0
    """How many findings came after those that are told."""
    is_open: bool = False

    @property
    def outcome(self) -> Outcome:
        """Whether it holds; what could not be checked does not."""
        if self.findings:
            return "fails"
        return "open" if self.is_open else "holds"

    def found(self, key: str, **values: Any) -> None:
        """Note something that does not hold."""
        if len(self.findings) < MOST_SHOWN:
            self.findings.append(Finding(key=key, values=values))
        else:
            self.more += 1

    def count(self, figure: str, number: int = 1) -> None:
        """Add to a figure."""
        self.figures[figure] = self.figures.get(figure, 0) + number


class Report(msgspec.Struct, kw_only=True):
    """The result of a check: of what, as of when, and its steps."""

    provider: str
    installation: str
    known_at: str
    made_at: str
    bundle: str
    """SHA-256 of the bundle's manifest, which names the digests of everything else."""
    keys: dict[str, list[str]] = {}
    """By log the keys that its heads were checked with."""
    pinned: bool = False
    """Whether the keys were given by whoever checks, and not only by the operator."""
    heads: dict[str, str] = {}
    """By log the short form of the newest head."""
    steps: list[CheckStep] = []
    remarks: list[Finding] = []
    """What does not make the check fail, but has to be known."""

    @property
    def outcome(self) -> Outcome:
        """Whether everything holds."""
        outcomes = {each.outcome for each in self.steps}
        if "fails" in outcomes:
            return "fails"
        return "open" if "open" in outcomes else "holds"

    def step(self, key: str) -> CheckStep:
        """A new step."""
        made = CheckStep(key=key)
        self.steps.append(made)
        return made
