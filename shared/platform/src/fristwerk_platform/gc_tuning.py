"""Python's collector of cycles, set for programs that keep much and leave hardly a cycle behind.

It walks through everything that is kept each time. By Python's own thresholds that was a fifth of a
command's time, in pauses of a tenth of a second.
"""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 20)
"""Python's own are (700, 10, 10)."""


def tune_garbage_collection() -> None:
    """Leave alone what there is now, which lives as long as the program, and look rarely for cycles
    in what comes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
