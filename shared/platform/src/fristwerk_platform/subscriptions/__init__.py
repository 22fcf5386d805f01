"""Following another service's log, or one's own, exactly once.

Feed, LogFeed, HttpFeed    where lines come from
Subscription               applies them to a database
Checkpoints                how far each source is applied, in that database
FeedEvent                  what a subscription must know of the events that ``decode`` returns
"""

from __future__ import annotations

from fristwerk_platform.subscriptions.checkpoints import Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, FeedEvent, position_of, with_position
from fristwerk_platform.subscriptions.feed import Feed, FeedPage, HttpFeed, LogFeed, SourceUnavailableError
from fristwerk_platform.subscriptions.prefetch import Prefetch
from fristwerk_platform.subscriptions.subscription import Apply, Lag, Subscription

__all__ = [
    "Apply",
    "Checkpoints",
    "Decode",
    "Feed",
    "FeedEvent",
    "FeedPage",
    "HttpFeed",
    "Lag",
    "LogFeed",
    "Prefetch",
    "SourceUnavailableError",
    "SourceWentBackwardsError",
    "Subscription",
    "position_of",
    "with_position",
]
