"""Starting and stopping a service: whatever was opened is closed in reverse order, however far the
start came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

CloseResource = Callable[[], Awaitable[None]]
StartupStep = Callable[[], AbstractAsyncContextManager[None]]
"""A part of the start, undone by leaving the context."""


def step(start: Callable[[], Awaitable[None]], stop: CloseResource | None = None) -> StartupStep:
    """A part of the start that ``stop`` undoes, even where ``start`` fails half-way."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        try:
            await start()
            yield
        finally:
            if stop is not None:
                await stop()

    return run


def service_lifespan(
    *, closing: Sequence[CloseResource], steps: Sequence[StartupStep]
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """An application's lifespan: the steps one after the other, undone in reverse order at the end.

    ``closing`` closes what was opened before the start, in the order of opening. It runs last and
    in reverse order, and also where a step fails.
    """

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for close in closing:
                stack.push_async_callback(close)
            for each in steps:
                await enter(stack, each)
            yield

    return lifespan


async def enter(stack: AsyncExitStack, each: StartupStep) -> None:
    """Carry out one step of the start."""
    await stack.enter_async_context(each())
