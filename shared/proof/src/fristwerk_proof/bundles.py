"""The bundle: everything that one provider's services recorded and show, as one ZIP that can be checked without them.

manifest.json                     what it is, as of when, and each file's length and SHA-256
<log>/events.ndjson               the stored lines of a log, in the order of its tree; the logs are ``tickets`` and ``billing``
<log>/tile/<level>/<index>        the tree's hashes, C2SP ``tlog-tiles``
<log>/checkpoints.ndjson          every signed head, the smallest first
<log>/keys.json                   the origin, and the keys that signed heads, as the operator publishes them
notices/events.ndjson             the SLA service's notices
terms/agreements/<name>@<version>.json, terms/calendars/<name>@<version>.json
claims/timers.ndjson              each ticket's timers, as the SLA service shows them
claims/charges.ndjson             each customer's charges, as the billing service shows them
claims/invoices.ndjson            each invoice and credit note, as the billing service shows it

Names and texts of persons stand in it sealed, as in the logs.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "fristwerk-bundle/1"
MANIFEST: Final = "manifest.json"
LOGS: Final = ("tickets", "billing")
NOTICES: Final = "notices/events.ndjson"
TIMERS: Final = "claims/timers.ndjson"
CHARGES: Final = "claims/charges.ndjson"
INVOICES: Final = "claims/invoices.ndjson"
_READ_BYTES: Final = 1 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The same content gives the same ZIP, so files carry no time."""


def events_of(log: str) -> str:
    """Where a log's lines stand."""
    return f"{log}/events.ndjson"


def checkpoints_of(log: str) -> str:
    """Where a log's heads stand."""
    return f"{log}/checkpoints.ndjson"


def keys_of(log: str) -> str:
    """Where the keys of a log's heads stand."""
    return f"{log}/keys.json"


def tile_of(log: str, path: str) -> str:
    """Where a tile stands; ``path`` is as ``Tile.path`` has it."""
    return f"{log}/tile/{path}"


def terms_of(kind: str, name: str, version: int) -> str:
    """Where a version of an agreement or a calendar stands; ``name`` is written so that it can be a file's."""
    return f"terms/{kind}s/{name}@{version}.json"


def pack(folder: Path, out: Path, head: dict[str, Any]) -> None:
    """Write the files of a folder as a bundle, whole or not at all; ``head`` is the manifest without its files."""
    names = sorted(_files(folder))
    files = {name: _described(folder / name) for name in names}
    draft = out.with_name(f".{out.name}.draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        packed.writestr(_entry(MANIFEST), json.dumps({"format": FORMAT, **head, "files": files}, indent=1))
        for name in names:
            with (folder / name).open("rb") as file, packed.open(_entry(name), "w", force_zip64=True) as target:
                while part := file.read(_READ_BYTES):
                    target.write(part)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(out)


def _files(folder: Path) -> Iterator[str]:
    return (each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())


def _described(path: Path) -> dict[str, int | str]:
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
