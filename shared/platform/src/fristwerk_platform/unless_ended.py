"""Waiting that something else may end, such as the end of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class EndedError(Exception):
    """The wait was ended before it had its result."""


async def unless_ended(waiting: Coroutine[Any, Any, Result], ending: Coroutine[Any, Any, object]) -> Result:
    """The result of ``waiting``, which is cancelled where ``ending`` returns first. Raises EndedError then."""
    wanted, ended = asyncio.ensure_future(waiting), asyncio.ensure_future(ending)
    try:
        await asyncio.wait([wanted, ended], return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return wanted.result()
        raise EndedError
    finally:
        wanted.cancel()
        ended.cancel()
