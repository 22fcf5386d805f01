"""Reads a bundle that anybody may have made: every name, length and digest is checked, and memory is bounded."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec

from fristwerk_proof.bundles import FORMAT, LOGS, MANIFEST
from fristwerk_verify.findings import BadInputError, CheckStep

LONGEST_LINE: Final = 32 * 1024**2
LARGEST_WHOLE: Final = 64 * 1024**2
"""Bytes of a file that is read at once."""
LARGEST_DENSE: Final = 16 * 1024**2
MOST_DENSE: Final = 300
"""How many times smaller a file above that may be packed: what was recorded is packed ten to thirty times."""
MOST_FILES: Final = 2_000_000
_PART: Final = 1 << 16
_NAME: Final = re.compile(r"[A-Za-z0-9_%~@.,+!()=' -]+(?:/[A-Za-z0-9_%~@.,+!()=' -]+)*")


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, rename={"size": "bytes"}):
    """A file's length and digest, as the manifest names them."""

    size: int
    sha256: str


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Of which tree a log's lines are, and how many there are."""

    origin: str
    size: int


class BundleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle says of itself."""

    format: str
    provider: str
    known_at: str
    made_at: str
    last_day: str
    logs: dict[str, LogEntry]
    files: dict[str, FileEntry]


class Bundle:
    """An open bundle. Raises BadInputError for what is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _sentences("not-a-zip", path=str(path)):
            self._zip = zipfile.ZipFile(path)
        try:
            self._check_entries()
            content = self.whole(MANIFEST)
            self.digest = sha256(content).hexdigest()
            self.manifest = self._manifest(content)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def names(self, prefix: str) -> list[str]:
        """The files below a folder."""
        return [name for name in self.manifest.files if name.startswith(prefix)]

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._sizes

    def check(self, step: CheckStep) -> None:
        """Compare every file with the manifest: names, lengths, digests."""
        described = self.manifest.files
        for name in sorted(self._sizes.keys() - described.keys() - {MANIFEST}):
            step.found("file-not-named", name=name)
        for name, entry in sorted(described.items()):
            step.count("files")
            step.count("bytes", entry.size)
            if name not in self._sizes:
                step.found("file-missing", name=name)
            elif self._sizes[name] != entry.size:
                step.found("file-size", name=name, size=self._sizes[name], named=entry.size)
            elif self._digest(name, step) != entry.sha256:
                step.found("file-digest", name=name)

    def whole(self, name: str) -> bytes:
        """The content of a file that is not long. Raises BadInputError."""
        if self._sizes.get(name, 0) > LARGEST_WHOLE:
            raise BadInputError("file-too-long", name=name, size=self._sizes[name])
        with self._open(name) as file, _sentences("file-damaged", name=name):
            return file.read(LARGEST_WHOLE + 1)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file without their ends. Raises BadInputError for one that is longer than any event."""
        with self._open(name) as file, _sentences("file-damaged", name=name):
            begun: list[bytes] = []
            length = 0
            while part := file.read(_PART):
                first, *more = part.split(b"\n")
                begun.append(first)
                length += len(first)
                if length > LONGEST_LINE:
                    raise BadInputError("line-too-long", name=name)
                if more:
                    yield b"".join(begun)
                    yield from more[:-1]
                    begun, length = [more[-1]], len(more[-1])
            if length:
                yield b"".join(begun)

    def _open(self, name: str) -> IO[bytes]:
        with _sentences("file-damaged", name=name):
            try:
                return self._zip.open(name)
            except KeyError:
                raise BadInputError("file-missing", name=name) from None

    def _digest(self, name: str, step: CheckStep) -> str | None:
        digest = sha256()
        try:
            with self._open(name) as file, _sentences("file-damaged", name=name):
                while part := file.read(_PART):
                    digest.update(part)
        except BadInputError as error:
            step.found(error.key, **error.values)
            return None
        return digest.hexdigest()

    def _check_entries(self) -> None:
        entries = self._zip.infolist()
        self._sizes = {each.filename: each.file_size for each in entries}
        if len(entries) > MOST_FILES:
            raise BadInputError("too-many-files", number=len(entries))
        if len(self._sizes) != len(entries):
            raise BadInputError("file-twice")
        for each in entries:
            name = each.filename
            if not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
                raise BadInputError("file-outside", name=name[:200])
            if each.file_size > LARGEST_DENSE and each.file_size > MOST_DENSE * max(each.compress_size, 1):
                raise BadInputError("file-bomb", name=name, size=each.file_size, packed=each.compress_size)

    def _manifest(self, content: bytes) -> BundleManifest:
        try:
            kind = msgspec.json.decode(content, type=dict[str, Any]).get("format")
            if kind != FORMAT:
                raise BadInputError("format-unknown", format=str(kind)[:100], known=FORMAT)
            manifest = msgspec.json.decode(content, type=BundleManifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise BadInputError("manifest-unreadable", error=str(error)) from error
        if manifest.logs.keys() != set(LOGS):
            raise BadInputError("manifest-unreadable", error=f"logs {sorted(manifest.logs)}")
        return manifest


@contextmanager
def _sentences(key: str, **values: Any) -> Iterator[None]:
    """Whatever is wrong with a ZIP becomes a sentence."""
    try:
        yield
    except BadInputError:
        raise
    except FileNotFoundError:
        raise BadInputError("no-such-file", **values) from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        raise BadInputError(key, **values, error=str(error) or type(error).__name__) from error
