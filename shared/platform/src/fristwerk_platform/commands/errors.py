"""The errors that a command may meet, apart from the domain's own refusals.

No error knows a status code; ``http.problems`` maps them.

AnsweredBefore              the key has an answer; the command is not carried out again
CommandError                the root of everything else; nothing was stored
    InvalidKeyError         the idempotency key is none
    KeyReusedError          the idempotency key belongs to another request
    VersionMismatchError    the client decided on another version, or names none
    InTheFutureError        the fact is dated in the future
    RetryLaterError         the same command may succeed in a moment
        ContentionError     others changed the same thing again and again
        NotRecordedError    the log cannot be written
        NotCurrentError     the read model has not caught up with the log
"""

from __future__ import annotations

from typing import ClassVar

from fristwerk_platform.event_log import Answer


class AnsweredBefore(Exception):  # noqa: N818 - not an error: the answer that the command has got
    """The command was answered before; ``answer`` is that answer, to the byte."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


class CommandError(Exception):
    """The root of what keeps a command from being carried out: a stable code and a sentence.

    Nothing was stored.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidKeyError(CommandError):
    """The idempotency key is empty, too long or holds other characters than printable ASCII."""

    code = "idempotency-key"

    def __init__(self) -> None:
        super().__init__("An Idempotency-Key is 1 to 255 printable ASCII characters without spaces.")


class KeyReusedError(CommandError):
    """The idempotency key was used for another request."""

    code = "idempotency-key-reused"

    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key!r} was used for another request.")


class VersionMismatchError(CommandError):
    """The client decided on another version than the present one, or named something that is no
    version.
    """

    code = "version-conflict"


class InTheFutureError(CommandError):
    """A fact is dated in the future; ``sentence`` says which instant, ``pointer`` where in the body
    (RFC 6901).
    """

    code = "in-the-future"

    def __init__(self, sentence: str, pointer: str = "/occurred_at") -> None:
        super().__init__(f"The fact cannot be recorded: {sentence}.")
        self.sentence = sentence
        self.pointer = pointer


class RetryLaterError(CommandError):
    """The command failed for a reason that passes; it may be repeated as it is, after a moment."""

    code = "not-available"
    retry_after_seconds: ClassVar[int] = 1


class ContentionError(RetryLaterError):
    """Others changed the same thing each time the command was about to be recorded."""

    def __init__(self, detail: str = "Others change the same thing at the moment.") -> None:
        super().__init__(detail)


class NotRecordedError(RetryLaterError):
    """The log could not be written: closing, disk full, too many appends waiting."""


class NotCurrentError(RetryLaterError):
    """The read model did not catch up with the log in time."""

    def __init__(self, detail: str = "The read model is behind the log at the moment.") -> None:
        super().__init__(detail)
