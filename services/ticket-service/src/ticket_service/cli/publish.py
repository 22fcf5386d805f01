"""Publishing terms documents from files at a running ticket service: calendars first, because
agreements refer to them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec

from fristwerk_language.terms import NotReadableError, read_yaml
from fristwerk_platform.cli import CliError

KINDS = ("agreement", "calendar")
"""A document is named by the key that says what it is; an agreement has the key ``calendar`` too."""


class NotPublishedError(CliError):
    """A document was not published; the message is a sentence for each thing that is wrong."""


class TermsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with terms, and what the terms call themselves."""

    file: Path
    kind: str
    name: str
    text: bytes


async def published(client: httpx.AsyncClient, files: Iterable[Path]) -> AsyncIterator[str]:
    """Publish each; a line for each done. Raises NotPublishedError at the first that is refused."""
    documents = sorted((read_document(file) for file in files), key=lambda each: each.kind != "calendar")
    for each in documents:
        yield await _publish(client, each)


def read_document(file: Path) -> TermsFile:
    """The document in a file. Raises NotPublishedError."""
    try:
        text = file.read_bytes()
        content = read_yaml(text)
    except OSError as error:
        raise NotPublishedError(f"{file} cannot be read: {error.strerror}.") from error
    except NotReadableError as error:
        raise NotPublishedError(f"{file}: {error}.") from error
    kind = next((kind for kind in KINDS if isinstance(content, dict) and kind in content), None)
    if kind is None:
        raise NotPublishedError(f"{file} is neither a calendar nor an agreement.")
    return TermsFile(file=file, kind=kind, name=str(content[kind]), text=text)


async def _publish(client: httpx.AsyncClient, document: TermsFile) -> str:
    path = f"/v1/{document.kind}s/{quote(document.name, safe='')}"
    try:
        answer = await client.put(path, content=document.text, headers={"Content-Type": "application/yaml"})
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        raise NotPublishedError(f"The ticket service at {client.base_url} does not answer: {why}.") from error
    if not answer.is_success:
        raise NotPublishedError(f"{document.file}: {_refusal(answer)}")
    done = answer.json()
    warnings = [f"\n  warning: {each['pointer']}: {each['detail']}" for each in done.get("warnings", [])]
    return f"{document.kind} {document.name}: version {done[document.kind]['version']}" + "".join(warnings)


def _refusal(answer: httpx.Response) -> str:
    """The problem's sentence, and below it the places that are wrong; whatever else answered, its
    beginning.
    """
    try:
        problem = answer.json()
        places = [f"\n  {each['pointer']}: {each['detail']}" for each in problem.get("errors", [])]
        return str(problem["detail"]) + "".join(places)
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answered {answer.status_code} {answer.text[:200]}"
