"""Following another service's log, or one's own, exactly once; and serving a log to those who follow it."""

from __future__ import annotations

from shared.feed.following import Apply, Follower, Following, Lag, SourceWentBackwardsError
from shared.feed.routes import feed_router
from shared.feed.source import Feed, HttpFeed, LogFeed, Page, ReadAhead, SourceUnavailableError

__all__ = [
    "Apply",
    "Feed",
    "Follower",
    "Following",
    "HttpFeed",
    "Lag",
    "LogFeed",
    "Page",
    "ReadAhead",
    "SourceUnavailableError",
    "SourceWentBackwardsError",
    "feed_router",
]
