"""Following another service's log, or one's own, exactly once.

Feed, LogFeed, HttpFeed    where lines come from
Subscription               applies them to a database
Checkpoints                how far each source is applied, in that database
LineSpool, pages_between   reading a part of a feed once, and putting its lines aside by key
FeedEvent                  what a subscription must know of the events that ``decode`` returns
"""

from __future__ import annotations

from fristwerk_platform.subscriptions.checkpoints import Checkpoints, SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import Decode, FeedEvent, position_of, with_position
from fristwerk_platform.subscriptions.feed import Feed, HttpFeed, LogFeed, SourceUnavailableError
from fristwerk_platform.subscriptions.line_spool import LineSpool
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.subscriptions.prefetch import Prefetch, pages_between
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
    "LineSpool",
    "LogFeed",
    "Prefetch",
    "SourceUnavailableError",
    "SourceWentBackwardsError",
    "Subscription",
    "pages_between",
    "position_of",
    "with_position",
]
