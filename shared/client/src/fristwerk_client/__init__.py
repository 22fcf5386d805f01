"""A typed client of Fristwerk: generated operations of its three services, and what makes them safe to use.

    async with AsyncFristwerk.at(ticket=…, sla=…, billing=…, token=…) as fristwerk:
        customer = expect(await register_customer.asyncio_detailed(client=fristwerk.ticket, body=CustomerBody(…)))

``fristwerk_client.ticket``, ``.sla`` and ``.billing`` are generated from the services' descriptions: operations in ``api``,
bodies and answers in ``models``.
"""

from fristwerk_client.feeds import Batch, FeedShortenedError, follow, last_position
from fristwerk_client.installation import AsyncFristwerk, Fristwerk, InstalledService
from fristwerk_client.paging import etag, next_cursor, pages, pages_now
from fristwerk_client.problems import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OperationAnswer,
    Place,
    ProblemError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
    VersionMismatchError,
    expect,
    raise_for_problem,
)
from fristwerk_client.retrying import Retrying
from fristwerk_client.tokens import AsyncToken, Token

__all__ = [
    "AsyncFristwerk",
    "AsyncToken",
    "Batch",
    "ConflictError",
    "FeedShortenedError",
    "ForbiddenError",
    "Fristwerk",
    "InstalledService",
    "InvalidError",
    "NotFoundError",
    "OperationAnswer",
    "Place",
    "ProblemError",
    "Retrying",
    "Token",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "VersionMismatchError",
    "etag",
    "expect",
    "follow",
    "last_position",
    "next_cursor",
    "pages",
    "pages_now",
    "raise_for_problem",
]
