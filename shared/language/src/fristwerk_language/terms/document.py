"""Terms documents as text: strict YAML or JSON in, a validated document out, canonical bytes and
digest of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from fristwerk_language.terms.agreement import AgreementDocument
from fristwerk_language.terms.calendar import CalendarDocument, written_places
from fristwerk_language.terms.values import STORED, PlacedError, TermsModel, place

Document = TypeVar("Document", bound=TermsModel)
_LIBRARYS_OWN: Final = re.compile(r"^(?:Input|String|List|Dictionary) should ")
"""How pydantic begins what it says; we say what a value must be."""


class TermsError(ValueError):
    """A terms document was refused. ``errors`` are (JSON pointer, sentence) pairs, in the order of
    the document.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in errors))


def calendar_document(data: Any) -> CalendarDocument:
    """The calendar that plain data describes. Raises TermsError."""
    try:
        return _validated(CalendarDocument, data)
    except TermsError as error:
        if not isinstance(data, dict):
            raise
        raise TermsError(written_places(error.errors, data)) from error


def agreement_document(data: Any) -> AgreementDocument:
    """The agreement that plain data describes. Raises TermsError."""
    return _validated(AgreementDocument, data)


def stored_agreement(data: Any) -> AgreementDocument:
    """The agreement of an event: names in it may be what is refused today, as a log is not
    rewritten. Raises TermsError.
    """
    return _validated(AgreementDocument, data, STORED)


def canonical(document: TermsModel) -> dict[str, Any]:
    """The document as plain JSON data with every default written out: the same meaning gives the
    same data.
    """
    return document.model_dump(mode="json", by_alias=True)


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 over the data as JSON with sorted keys and no white space, as ``sha256:<hex>``."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _validated(model: type[Document], data: Any, context: str | None = None) -> Document:
    if not isinstance(data, dict):
        raise TermsError([("", f"a {model.__name__.removesuffix('Document').lower()} document is a mapping of keys")])
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        raise TermsError([_readable(each) for each in error.errors(include_url=False)]) from error


def _readable(error: Any) -> tuple[str, str]:
    """An error of pydantic as a JSON pointer (RFC 6901) and a sentence; checks of ours name the
    place below their own.
    """
    pointer = place(*(part for part in error["loc"] if part != "[key]"))
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, PlacedError):
        return pointer + cause.pointer, cause.detail
    match error["type"]:
        case "extra_forbidden":
            return pointer, "is not a key of the terms language here"
        case "missing":
            return pointer, "is required"
        case _:
            return pointer, _LIBRARYS_OWN.sub("must ", str(error["msg"])).removeprefix("Value error, ")
