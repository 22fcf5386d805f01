"""Replay: every statement recomputed from the two logs, and compared with what the read model comes to.

The logs are read once, into a spool by account. Where the read model's facts, agreements and
billed lines are the same bytes, its statement is the same one, because rating is a pure function of
them: so each account is rated once. Only where bytes differ is the read model's side rated as well.
"""

from __future__ import annotations

from billing_service.replay.applied_lines import NothingToCompareError
from billing_service.replay.comparison import ReplayComparison, compare, replay

__all__ = ["NothingToCompareError", "ReplayComparison", "compare", "replay"]
