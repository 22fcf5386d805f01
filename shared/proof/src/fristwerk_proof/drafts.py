"""The folder in which a bundle grows: each file page by page, so that what was interrupted goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_STATE: Final = "state.json"


class BundleDraft:
    """A folder with the files of a bundle below ``content``, and how far each came."""

    def __init__(self, folder: Path) -> None:
        self.content = folder / "content"
        self.content.mkdir(parents=True, exist_ok=True)
        self._path = folder / _STATE
        self._state: dict[str, Any] = json.loads(self._path.read_bytes()) if self._path.exists() else {}

    @property
    def moment(self) -> dict[str, Any] | None:
        """As of when the bundle is made; ``None`` at its very beginning."""
        return self._state.get("moment")

    def begin(self, moment: dict[str, Any]) -> None:
        """Note as of when the bundle is made: that stays however often it is interrupted."""
        self._state["moment"] = moment
        self._save()

    def cursor(self, name: str) -> Any:
        """Where a file goes on; ``None`` at its beginning. What was written beyond that is cut off."""
        noted = self._state.get(name)
        path = self.content / name
        if path.exists():
            os.truncate(path, noted["bytes"] if noted else 0)
        return noted["cursor"] if noted else None

    def is_complete(self, name: str) -> bool:
        """Whether nothing is left to be added to a file."""
        noted = self._state.get(name)
        return noted is not None and bool(noted["complete"])

    def add(self, name: str, lines: Sequence[bytes], cursor: Any, *, complete: bool = False) -> None:
        """Append lines to a file, and note where it goes on."""
        path = self.content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(each + b"\n" for each in lines)
            end = file.tell()
        self._state[name] = {"bytes": end, "cursor": cursor, "complete": complete}
        self._save()

    def write(self, name: str, content: bytes) -> None:
        """A file that is written at once."""
        path = self.content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.part")
        draft.write_bytes(content)
        draft.replace(path)

    def has(self, name: str) -> bool:
        """Whether a file that is written at once was."""
        return (self.content / name).exists()

    def lines(self, name: str) -> list[bytes]:
        """Where the lines of a file are few enough, all of them."""
        return (self.content / name).read_bytes().splitlines()

    def _save(self) -> None:
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(self._state))
        draft.replace(self._path)
