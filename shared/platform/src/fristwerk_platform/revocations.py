"""Tokens that hold no more although they have not expired: a file of lines, which whoever runs the
services writes.

    token 4f3cb7…                                one token, by its id (the claim ``jti``)
    subject north sam 2026-06-03T14:00:00Z       every token of a provider's subject that was issued before an instant
    subject north sam%20hill 2026-06-03T14:00Z   blanks and the like in a name are percent-encoded (RFC 3986, section 2.1)

Empty lines and those that begin with ``#`` say nothing. A command of the command line adds lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from fristwerk_platform.settings import SettingsError

TOKEN: Final = "token"  # noqa: S105 - a word of the file
SUBJECT: Final = "subject"
_AS_THEY_ARE: Final = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}~"
"""What of ASCII's printable characters needs no encoding, beside those that never do."""


class Revocations:
    """What a file of revocations says."""

    def __init__(self, lines: str = "", name: str = "") -> None:
        """Raises SettingsError for a line that is none: who believes that a token is revoked must
        not be wrong.
        """
        self._tokens: set[str] = set()
        self._subjects: dict[tuple[str, str], float] = {}
        for number, line in enumerate(lines.splitlines(), 1):
            words = line.split()
            if words and not line.startswith("#") and not self._take(words):
                raise SettingsError(f"Line {number} of {name} revokes nothing: {line[:100]!r}.")

    def _take(self, words: list[str]) -> bool:
        match words:
            case ["token", token]:
                self._tokens.update((token, unquote(token)))
            case ["subject", provider, subject, before]:
                try:
                    instant = datetime.fromisoformat(before)
                except ValueError:
                    return False
                if instant.tzinfo is None:
                    return False
                # lines of earlier versions are not encoded: what may mean two subjects revokes both
                for named in {(provider, subject), (unquote(provider), unquote(subject))}:
                    self._subjects[named] = max(self._subjects.get(named, 0.0), instant.timestamp())
            case _:
                return False
        return True

    def name(self, claims: Mapping[str, Any], provider: str) -> bool:
        """Whether the claims of a token, which speaks for the provider, are named."""
        before = self._subjects.get((provider, str(claims["sub"])))
        issued_at = claims["iat"]
        return claims.get("jti") in self._tokens or (
            before is not None and (not isinstance(issued_at, int) or issued_at < before)
        )


def read_revocations(file: Path) -> Revocations:
    """What the file says; nothing is revoked where there is none. Raises SettingsError."""
    try:
        return Revocations(file.read_text("utf-8"), str(file))
    except FileNotFoundError:
        return Revocations()
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"The list of revoked tokens {file} cannot be read: {type(error).__name__}.") from error


def token_line(token: str) -> str:
    """The line that revokes one token by its id."""
    return f"{TOKEN} {_encoded(token)}\n"


def subject_line(provider: str, subject: str, before: datetime) -> str:
    """The line that revokes what a provider's subject was issued before an instant."""
    return f"{SUBJECT} {_encoded(provider)} {_encoded(subject)} {before.isoformat()}\n"


def _encoded(word: str) -> str:
    """One word of a line, whatever blanks, line ends or percent signs are in it."""
    return quote(word, safe=_AS_THEY_ARE)
