"""The HTTP chassis of every service; FastAPI alone accepts NaN, duplicate keys, lone surrogates and endless bodies."""

from __future__ import annotations

from fristwerk_platform.http.commands import (
    CommandMetadata,
    NewFact,
    Replay,
    StreamChange,
    as_response,
    check_version,
    command_answer,
    command_metadata,
    lines_of,
    record,
)
from fristwerk_platform.http.middleware import Answered, AuthenticationMiddleware, RequestMeter, allowed, principal_of
from fristwerk_platform.http.routing import create_api, json_answer, responses, router
from fristwerk_platform.http.server import Stopping, serve
from fristwerk_platform.http.strict_json import NotJsonError, strict_json
from fristwerk_platform.http.types import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    LongText,
    Minutes,
    OptionalText,
    Ordinal,
    ShortText,
    StrictBool,
    parse_instant,
)

__all__ = [
    "Answered",
    "AuthenticationMiddleware",
    "CommandMetadata",
    "HttpModel",
    "Identifier",
    "Instant",
    "LocalDate",
    "LongText",
    "Minutes",
    "NewFact",
    "NotJsonError",
    "OptionalText",
    "Ordinal",
    "Replay",
    "RequestMeter",
    "ShortText",
    "Stopping",
    "StreamChange",
    "StrictBool",
    "allowed",
    "as_response",
    "check_version",
    "command_answer",
    "command_metadata",
    "create_api",
    "json_answer",
    "lines_of",
    "parse_instant",
    "principal_of",
    "record",
    "responses",
    "router",
    "serve",
    "strict_json",
]
