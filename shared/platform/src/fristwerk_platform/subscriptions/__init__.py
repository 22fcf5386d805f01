"""Following another service's log, or one's own, exactly once.

Feed, LogFeed, HttpFeed    where lines come from
Subscription               applies them to a database
BatchDelay                 how long events gather between two batches
Checkpoints                how far each source is applied, in that database
PartitionedSubscription    applies its share of them, beside other processes
Partitions                 who has which share, and how far it is applied
AppliedPositions           up to where a read model is applied, for whoever compares it with the log
LineSpool, pages_between   reading a part of a feed once, and putting its lines aside by key
FeedEvent                  what a subscription must know of the events that ``decode`` returns
"""

from __future__ import annotations

from fristwerk_platform.subscriptions.applied_positions import AppliedPositions, applied_positions
from fristwerk_platform.subscriptions.batch_delay import BatchDelay
from fristwerk_platform.subscriptions.checkpoints import Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, FeedEvent, position_of, with_position
from fristwerk_platform.subscriptions.feed import Feed, HttpFeed, LogFeed, SourceUnavailableError
from fristwerk_platform.subscriptions.line_spool import LineSpool
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.partitioned import Membership, PartitionedSubscription
from fristwerk_platform.subscriptions.partitions import Partitions, partition_in_sql, partition_of
from fristwerk_platform.subscriptions.prefetch import Prefetch, pages_between
from fristwerk_platform.subscriptions.subscription import Apply, Follower, Lag, Subscription

__all__ = [
    "AppliedPositions",
    "Apply",
    "BatchDelay",
    "Checkpoints",
    "Decode",
    "Feed",
    "FeedEvent",
    "FeedPage",
    "Follower",
    "HttpFeed",
    "Lag",
    "LineSpool",
    "LogFeed",
    "Membership",
    "PartitionedSubscription",
    "Partitions",
    "Prefetch",
    "SourceUnavailableError",
    "SourceWentBackwardsError",
    "Subscription",
    "applied_positions",
    "pages_between",
    "partition_in_sql",
    "partition_of",
    "position_of",
    "with_position",
]
