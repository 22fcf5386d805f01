"""The body of a request as a terms document, read by a thread of its own.

The event loop serves everybody, so it reads no document: a caller's may be as large as the limits allow. One thread is
enough for what is published a few times a year, and another document waits instead of taking another processor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from fristwerk_language.terms import read_json, read_yaml

JSON: Final = "application/json"
Document = TypeVar("Document")
_worker: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="terms")


async def parse_terms_document(text: bytes, media_type: str, read: Callable[[Any], Document]) -> Document:
    """The document of a text; ``read`` makes it of plain data, such as ``calendar_document``.

    Raises NotReadableError for what cannot be read, and whatever ``read`` raises. JSON is never tried as YAML.
    """
    parse = read_json if media_type == JSON else read_yaml
    return await asyncio.get_running_loop().run_in_executor(_worker, lambda: read(parse(text)))
