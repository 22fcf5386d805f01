"""The headers of requests and answers, as OpenAPI describes them; each is written down once and
referred to by its name.
"""

from __future__ import annotations

from typing import Any, Final

Described = dict[str, dict[str, Any]]
ETAG: Final = "ETag"
LINK: Final = "Link"
LOCATION: Final = "Location"
NEXT_POSITION: Final = "Fristwerk-Next-Position"
LAST_POSITION: Final = "Fristwerk-Last-Position"
HEAD: Final = "Fristwerk-Head"
POSITION: Final = "Fristwerk-Position"
REPLAYED: Final = "Idempotency-Replayed"
CORRELATION: Final = "X-Correlation-ID"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
LAST_EVENT_ID: Final = "Last-Event-ID"
PREFER: Final = "Prefer"
PREFERENCE_APPLIED: Final = "Preference-Applied"

PARAMETERS: Final[Described] = {
    IDEMPOTENCY_KEY: {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": (
            "A name of the client's own for this command. Sent again under it within 90 days, the command gets its first"
            " answer and nothing happens twice; another request under it is 422."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "0199c3c4-9e50-7c66-8d77-2e3f4a5b6c7d",
    },
    IF_MATCH: {
        "name": IF_MATCH,
        "in": "header",
        "description": "The ETag of the version that the command is about; 412 if it is no longer the newest (RFC 9110, 13.1.1)",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    IF_NONE_MATCH: {
        "name": IF_NONE_MATCH,
        "in": "header",
        "description": "ETags of earlier answers; 304 without a body while one of them is still right (RFC 9110, 13.1.2)",
        "schema": {"type": "string"},
        "example": 'W/"2f1c0a.1780498799"',
    },
    LAST_EVENT_ID: {
        "name": LAST_EVENT_ID,
        "in": "header",
        "description": "The position of the last event that was received, instead of `after` (HTML, section 9.2.2)",
        "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
        "example": "1042",
    },
    PREFER: {
        "name": PREFER,
        "in": "header",
        "description": (
            "`return=minimal` (RFC 7240): 204 with the ETag instead of the document; what is made for the first time is"
            " answered whole"
        ),
        "schema": {"type": "string"},
        "example": "return=minimal",
    },
    CORRELATION: {
        "name": CORRELATION,
        "in": "header",
        "description": "Names what the request belongs to; it stands in the logs and in every event that it causes",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:\\-]{1,128}$"},
        "example": "import-2026-06",
    },
}
HEADERS: Final[Described] = {
    ETAG: {"description": "The version that is answered, for If-Match", "schema": {"type": "string"}, "example": '"7"'},
    LINK: {
        "description": 'Where the list goes on, as `rel="next"` (RFC 8288); absent at its end, but always there on a feed',
        "schema": {"type": "string"},
        "example": '</v1/things?after=0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80>; rel="next"',
    },
    LOCATION: {
        "description": "Where the progress can be read",
        "schema": {"type": "string"},
        "example": "/v1/things/0199c3c4-7c30-7a44-b3f7-8c3b5e401d92",
    },
    NEXT_POSITION: {
        "description": "The position to go on after, also where everything was filtered away",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1042,
    },
    LAST_POSITION: {
        "description": "The position of the newest line of the feed",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1100,
    },
    HEAD: {
        "description": (
            "The newest signed head of the log that the lines come from or were derived from, in short: the log, how many"
            " events of the provider it covers, and its root's first 16 digits. Keep it: `fristwerk-verify --head` holds a"
            " bundle against it. Absent while there is none or it is not known, and for readers of all providers"
        ),
        "schema": {"type": "string"},
        "example": "log:1042:0ac526069818a78f",
    },
    POSITION: {
        "description": "As of which position of the log the answer is; left out for those who may not know positions",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1042,
    },
    PREFERENCE_APPLIED: {
        "description": "Which preference of the request was followed (RFC 7240, section 3)",
        "schema": {"type": "string"},
        "example": "return=minimal",
    },
    REPLAYED: {
        "description": "`true` where this is the first answer to the same command under its Idempotency-Key",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    CORRELATION: {
        "description": "The request's correlation id, its own or a new one",
        "schema": {"type": "string"},
        "example": "b1d5c3c45a107e2292b16a1f3c2e9b70",
    },
}


def header(name: str) -> dict[str, str]:
    """A reference to a header of answers."""
    return {"$ref": f"#/components/headers/{name}"}
