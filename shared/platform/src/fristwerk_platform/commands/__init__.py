"""What every command needs, whatever carries it: metadata, idempotency keys, preconditions,
recording. Knows no HTTP.
"""

from __future__ import annotations

from fristwerk_platform.commands.errors import (
    AnsweredBefore,
    CommandError,
    ContentionError,
    InTheFutureError,
    InvalidKeyError,
    KeyReusedError,
    NotCurrentError,
    NotRecordedError,
    RetryLaterError,
    VersionMismatchError,
)
from fristwerk_platform.commands.idempotency import (
    AnswerStore,
    already_answered,
    check_unanswered,
    idempotency_key,
    twin_answer,
)
from fristwerk_platform.commands.metadata import (
    CLOCK_TOLERANCE,
    CommandMetadata,
    check_not_in_the_future,
    check_version,
)
from fristwerk_platform.commands.recording import (
    CommandResult,
    EncodeEvent,
    NewFact,
    StreamChange,
    command_result,
    new_events,
    record,
    store_answer,
)
from fristwerk_platform.commands.storage_failures import STORAGE_FAILURES

__all__ = [
    "CLOCK_TOLERANCE",
    "STORAGE_FAILURES",
    "AnswerStore",
    "AnsweredBefore",
    "CommandError",
    "CommandMetadata",
    "CommandResult",
    "ContentionError",
    "EncodeEvent",
    "InTheFutureError",
    "InvalidKeyError",
    "KeyReusedError",
    "NewFact",
    "NotCurrentError",
    "NotRecordedError",
    "RetryLaterError",
    "StreamChange",
    "VersionMismatchError",
    "already_answered",
    "check_not_in_the_future",
    "check_unanswered",
    "check_version",
    "command_result",
    "idempotency_key",
    "new_events",
    "record",
    "store_answer",
    "twin_answer",
]
