"""A terms document is read beside the event loop, whatever is in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fristwerk_language.terms import NotReadableError
from tests.watchdog import watched
from ticket_service.api.terms_documents import JSON, parse_terms_document

LARGEST = b"a: [" + b"x," * 19_990 + b"x]"


def unchanged(data: Any) -> Any:
    return data


async def test_the_event_loop_goes_on_while_documents_are_read() -> None:
    async def read_all() -> list[Any]:
        return await asyncio.gather(*(parse_terms_document(LARGEST, "application/yaml", unchanged) for _ in range(20)))

    async with watched() as watchdog:
        found = await watchdog.see("twenty documents", read_all)

    assert len(found[0]["a"]) == 19_991
    assert watchdog.longest < 0.02


async def test_what_the_reader_of_a_document_raises_comes_back() -> None:
    def refuse(_data: Any) -> None:
        raise LookupError("not this one")

    with pytest.raises(LookupError, match="not this one"):
        await parse_terms_document(b"a: 1", "application/yaml", refuse)
    assert await parse_terms_document(b"a: 1", "text/yaml", unchanged) == {"a": 1}
    with pytest.raises(NotReadableError, match="not JSON"):
        await parse_terms_document(b"a: 1", JSON, unchanged)
