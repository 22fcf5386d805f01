"""Replay: every timer recomputed from the log and compared with the read model; nothing but temporary files is written.

The log is read in parts and the tickets are derived in partitions, both by as many processes as are
given: each line is read by its head alone and put into the file of its ticket's partition, so that
memory grows with neither. The digests are merged by ticket, so it does not matter who derived what.
"""

from __future__ import annotations

from sla_service.replay.comparison import Replay, replay
from sla_service.replay.parts import OpenFeed, PartitionsApartError, Sizes, SourceShorterError

__all__ = ["OpenFeed", "PartitionsApartError", "Replay", "Sizes", "SourceShorterError", "replay"]
