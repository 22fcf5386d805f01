"""A terms document is read beside the event loop, whatever is in it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from fristwerk_language.terms import NotReadableError
from ticket_service.api.terms_documents import JSON, parse_terms_document

LARGEST = b"a: [" + b"x," * 19_990 + b"x]"


def unchanged(data: Any) -> Any:
    return data


async def test_the_event_loop_goes_on_while_documents_are_read() -> None:
    longest, stopped = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not stopped.is_set():
            began, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.001)
            # What this thread itself computed: others may use the same processors.
            longest = max(longest, min(time.monotonic() - began, time.thread_time() - used))

    watching = asyncio.create_task(watch())
    found = await asyncio.gather(*(parse_terms_document(LARGEST, "application/yaml", unchanged) for _ in range(20)))
    stopped.set()
    await watching

    assert len(found[0]["a"]) == 19_991
    assert longest < 0.02


async def test_what_the_reader_of_a_document_raises_comes_back() -> None:
    def refuse(_data: Any) -> None:
        raise LookupError("not this one")

    with pytest.raises(LookupError, match="not this one"):
        await parse_terms_document(b"a: 1", "application/yaml", refuse)
    assert await parse_terms_document(b"a: 1", "text/yaml", unchanged) == {"a": 1}
    with pytest.raises(NotReadableError, match="not JSON"):
        await parse_terms_document(b"a: 1", JSON, unchanged)
