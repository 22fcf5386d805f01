"""The HTTP side of every service: routes, strict JSON, queries, problems, authentication, OpenAPI."""

from __future__ import annotations

from pydantic import StrictBool

from fristwerk_platform.http.answers import json_answer, responses
from fristwerk_platform.http.api import create_api
from fristwerk_platform.http.commands import answer_to_one_append, as_response, command_metadata
from fristwerk_platform.http.middleware import (
    AuthenticationMiddleware,
    RequestMeter,
    allowed,
    own_only,
    principal_of,
)
from fristwerk_platform.http.operations import Operation
from fristwerk_platform.http.routes import Routes
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
    PhoneNumber,
    SerialNumber,
    ShortLines,
    ShortText,
    parse_instant,
)

__all__ = [
    "AuthenticationMiddleware",
    "HttpModel",
    "Identifier",
    "Instant",
    "LocalDate",
    "LongText",
    "Minutes",
    "NotJsonError",
    "Operation",
    "OptionalText",
    "Ordinal",
    "PhoneNumber",
    "RequestMeter",
    "Routes",
    "SerialNumber",
    "ShortLines",
    "ShortText",
    "Stopping",
    "StrictBool",
    "allowed",
    "answer_to_one_append",
    "as_response",
    "command_metadata",
    "create_api",
    "json_answer",
    "own_only",
    "parse_instant",
    "principal_of",
    "responses",
    "serve",
    "strict_json",
]
