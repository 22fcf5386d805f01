"""The HTTP chassis of every service; FastAPI alone accepts NaN, duplicate keys, lone surrogates and endless bodies."""

from __future__ import annotations

from shared.http.bodies import (
    Code,
    Flag,
    HttpModel,
    Instant,
    Line,
    LocalDate,
    Minutes,
    Number,
    OptionalText,
    Text,
    parse_instant,
)
from shared.http.commands import (
    CommandMeta,
    NewFact,
    Replay,
    StreamChange,
    as_response,
    check_version,
    command_answer,
    command_meta,
    lines_of,
    record,
)
from shared.http.entrance import Answered, Entrance, RequestMeter, allowed, principal_of
from shared.http.routing import answers, create_api, json_answer, router
from shared.http.server import Stopping, serve
from shared.http.strict_json import NotJsonError, strict_json

__all__ = [
    "Answered",
    "Code",
    "CommandMeta",
    "Entrance",
    "Flag",
    "HttpModel",
    "Instant",
    "Line",
    "LocalDate",
    "Minutes",
    "NewFact",
    "NotJsonError",
    "Number",
    "OptionalText",
    "Replay",
    "RequestMeter",
    "Stopping",
    "StreamChange",
    "Text",
    "allowed",
    "answers",
    "as_response",
    "check_version",
    "command_answer",
    "command_meta",
    "create_api",
    "json_answer",
    "lines_of",
    "parse_instant",
    "principal_of",
    "record",
    "router",
    "serve",
    "strict_json",
]
