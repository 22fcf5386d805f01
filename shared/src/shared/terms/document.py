"""Terms documents as text: strict YAML or JSON in, a validated document out, canonical bytes and digest of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError

from shared.terms.agreement import AgreementDocument
from shared.terms.calendar import CalendarDocument
from shared.terms.values import TermsModel

MAX_DEPTH: Final = 50
_LEADING_POINTER: Final = re.compile(r"(?:Value error, )?(?P<pointer>/[^\s:]*): (?P<detail>.+)", re.DOTALL)
Document = TypeVar("Document", bound=TermsModel)


class TermsError(ValueError):
    """A terms document was refused. ``errors`` are (JSON pointer, sentence) pairs, in the order of the document."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in errors))


class NotReadableError(ValueError):
    """The text is not YAML (or JSON) at all."""


class _StrictLoader(yaml.SafeLoader):
    """YAML with the surprises taken out: no aliases, no duplicate keys, no ``no`` = false, numbers with a point as Decimal."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise NotReadableError("a terms document has no anchors and aliases")
        depth = getattr(self, "_depth", 0)
        if depth > MAX_DEPTH:
            raise NotReadableError(f"the document is nested deeper than {MAX_DEPTH} levels")
        self._depth = depth + 1
        node = super().compose_node(parent, index)
        self._depth = depth
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
        for number, key in enumerate(keys):
            if not isinstance(key, str):
                raise NotReadableError(f"the key {key!r} is not text")
            if key in keys[:number]:
                raise NotReadableError(f"the key {key!r} stands twice in the same place")
        return super().construct_mapping(node, deep=deep)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | str:
    text = loader.construct_scalar(node)
    return Decimal(text) if re.fullmatch(r"-?[0-9]+\.[0-9]+", text) else text


_StrictLoader.yaml_implicit_resolvers = {}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?[0-9]+\.[0-9]+$"), list("-0123456789"))
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _decimal)


def read_yaml(text: bytes) -> Any:
    """Plain data of a YAML (or JSON) text. Raises NotReadableError with a sentence naming line and column."""
    try:
        return yaml.load(text.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except UnicodeDecodeError:
        raise NotReadableError("the document is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise NotReadableError(f"not YAML: {error.problem or 'unreadable'}{place}") from error
    except yaml.YAMLError as error:
        raise NotReadableError(f"not YAML: {error}") from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, NotReadableError):
            raise
        raise NotReadableError(f"not YAML: {error}") from error


def calendar_document(data: Any) -> CalendarDocument:
    """The calendar that plain data describes. Raises TermsError."""
    return _validated(CalendarDocument, data)


def agreement_document(data: Any) -> AgreementDocument:
    """The agreement that plain data describes. Raises TermsError."""
    return _validated(AgreementDocument, data)


def canonical(document: TermsModel) -> dict[str, Any]:
    """The document as plain JSON data with every default written out: the same meaning gives the same data."""
    return document.model_dump(mode="json", by_alias=True)


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 over the data as JSON with sorted keys and no white space, as ``sha256:<hex>``."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _validated(model: type[Document], data: Any) -> Document:
    if not isinstance(data, dict):
        raise TermsError([("", f"a {model.__name__.removesuffix('Document').lower()} document is a mapping of keys")])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise TermsError([_readable(each) for each in error.errors(include_url=False)]) from error


def _readable(error: Any) -> tuple[str, str]:
    """pydantic's error as a JSON pointer (RFC 6901) and a sentence; checks of ours name the place below their own."""
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    found = _LEADING_POINTER.fullmatch(message)
    if found is not None:
        return pointer + found["pointer"], found["detail"]
    match error["type"]:
        case "extra_forbidden":
            return pointer, "is not a key of the terms language here"
        case "missing":
            return pointer, "is required"
        case _:
            return pointer, message
