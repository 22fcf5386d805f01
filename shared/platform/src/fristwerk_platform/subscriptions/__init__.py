"""Following another service's log, or one's own, exactly once; and serving a log to those who follow it."""

from __future__ import annotations

from fristwerk_platform.subscriptions.feed import Feed, HttpFeed, LogFeed, Page, Prefetch, SourceUnavailableError
from fristwerk_platform.subscriptions.subscription import (
    Apply,
    Checkpoints,
    Lag,
    SourceWentBackwardsError,
    Subscription,
)

__all__ = [
    "Apply",
    "Checkpoints",
    "Feed",
    "HttpFeed",
    "Lag",
    "LogFeed",
    "Page",
    "Prefetch",
    "SourceUnavailableError",
    "SourceWentBackwardsError",
    "Subscription",
]
