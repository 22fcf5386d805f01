"""What a customer sees of its timers: what was promised and what became of it, not how the vendor watches over it.

What does not stand here is hidden, so whatever is added later is hidden until somebody decides. The page
``docs/reference/visibility.md`` is written from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fristwerk_platform.auth import Principal
from sla_service.domain.explanation.explanation_steps import ExplanationStep

_NAMES: Final = (
    "id ticket metric state started_at target clock due_at soft_due_at met_at missed_at cancelled_at ended_at"
    " paused_seconds paused_since pauses worked_seconds target_seconds remaining_seconds calendar terms line severity level"
    " note started_by ended_by changes"
)
TIMER_SHOWS: Final = frozenset(_NAMES.split())
"""The fields of a timer that a customer sees: not when the vendor's staff are warned, nor when its miss was noticed."""
HIDDEN_STEPS: Final = frozenset({"warning"})
"""Rules of explanations whose steps a customer does not see."""


def timer_seen_by(principal: Principal) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """How a timer that the caller may read is shown to it."""
    return _timer_for_customer if principal.role == "customer" else _whole


def step_is_seen_by(principal: Principal, step: ExplanationStep) -> bool:
    """Whether the caller sees a step of an explanation."""
    return principal.role != "customer" or step.rule not in HIDDEN_STEPS


def _timer_for_customer(timer: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in timer.items() if name in TIMER_SHOWS}


def _whole(timer: Mapping[str, Any]) -> Mapping[str, Any]:
    return timer
