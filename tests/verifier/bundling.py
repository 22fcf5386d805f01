"""Makes a bundle of the recorded day with invoices, and changes bundles as somebody would who has them and a text editor."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from fristwerk_local.client import Client
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.story import read_story
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_proof.bundles import MANIFEST
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.claims import ServiceAnswer
from fristwerk_proof.collecting import Collected, Fetch, collect
from fristwerk_proof.merkle import complete_root, leaf_hash, root_of
from fristwerk_proof.tiles import TILE_WIDTH, tiles_of
from tests.conftest import OpenServices, ServicesInOneProcess

PROVIDER = "infoniqa"
Files = dict[str, bytes]


async def play_a_day(settings: Settings, open_services: OpenServices) -> None:
    """The recorded day, then invoices of the provider: credited to be billed again, and waived."""
    async with open_services(settings) as stack:
        journal = Journal()
        await play(read_story(RECORDED_DAY), Client(stack.clients, stack.issue), read_terms(TERMS), journal)
        feed = await stack.clients["ticket"].get("/v1/events", headers=stack.headers("auditor", PROVIDER))
        events = [json.loads(line) for line in feed.content.splitlines()]
        contracts = [each["data"]["contract"] for each in events if each["type"] == "ContractSigned"]
        await caught_up(stack, events[-1]["position"])
        for contract in contracts:
            await bill(stack, contract)


async def caught_up(stack: ServicesInOneProcess, position: int) -> None:
    """Until billing has applied the log up to there."""
    while True:
        ready = (await stack.clients["billing"].get("/health/ready")).json()
        if ready["feeds"]["ticket-service"]["position"] >= position:
            return


async def bill(stack: ServicesInOneProcess, contract: str) -> None:
    """An invoice, a credit note after which it is billed again, one more invoice, and that one waived."""

    async def post(path: str, body: dict[str, Any]) -> Any:
        headers = stack.headers("billing", PROVIDER) | {"Idempotency-Key": str(uuid.uuid4())}
        answer = await stack.clients["billing"].post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["invoice"]["number"]

    first = await post("/v1/invoices", {"contract": contract, "until": "2026-06-30"})
    await post(f"/v1/invoices/{first}/credit-note", {"reason": "Falscher Empfänger", "then": "reissue"})
    second = await post("/v1/invoices", {"contract": contract, "until": "2026-07-31"})
    await post(f"/v1/invoices/{second}/sent", {"channel": "post"})
    await post(f"/v1/invoices/{second}/credit-note", {"reason": "Kulanz", "then": "waive"})


def fetch_from(stack: ServicesInOneProcess, provider: str = PROVIDER) -> Fetch:
    """Asks the services in this process, as an auditor."""

    async def fetch(service: Collected, path: str) -> ServiceAnswer:
        transport = httpx.ASGITransport(stack.apps[service])
        async with httpx.AsyncClient(transport=transport, base_url="http://audited") as client:
            answer = await client.get(path, headers=stack.headers("auditor", provider))
        return ServiceAnswer(
            answer.status_code, answer.content, {name.lower(): each for name, each in answer.headers.items()}
        )

    return fetch


async def export(stack: ServicesInOneProcess, out: Path, provider: str = PROVIDER) -> None:
    """A bundle of everything up to now."""
    await collect(fetch_from(stack, provider), provider, out, now=_soon, until=None, say=lambda *_: None)


def _soon() -> datetime:
    """So that what was just recorded is in the bundle: nothing goes on beside it."""
    return datetime.now(UTC) + timedelta(seconds=2)


def files_of(bundle: Path) -> Files:
    """The files of a bundle, the manifest among them."""
    with zipfile.ZipFile(bundle) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def write(files: Files, out: Path, *, sealed: bool = True) -> Path:
    """A bundle of these files; ``sealed``: the manifest names what is in it now."""
    if sealed:
        manifest = json.loads(files[MANIFEST])
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": sha256(content).hexdigest()}
            for name, content in files.items()
            if name != MANIFEST
        }
        files = files | {MANIFEST: json.dumps(manifest).encode()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out


def with_lines(files: Files, name: str, change: Callable[[list[bytes]], list[bytes]]) -> Files:
    """The files with the lines of one of them changed."""
    lines = change(files[name].splitlines())
    return files | {name: b"".join(each + b"\n" for each in lines)}


def signed_again(files: Files, keys: CheckpointKeys) -> Files:
    """The files with trees and heads made anew for the lines that stand in them now: what an operator can do by night."""
    changed = {name: each for name, each in files.items() if "/tile/" not in name}
    manifest = json.loads(files[MANIFEST])
    for log, entry in manifest["logs"].items():
        leaves = [leaf_hash(line) for line in files[f"{log}/events.ndjson"].splitlines()]
        entry["size"] = len(leaves)
        for tile, content in _tiles(leaves):
            changed[f"{log}/tile/{tile}"] = content
        heads = [json.loads(each) for each in files[f"{log}/checkpoints.ndjson"].splitlines()]
        kept = [each for each in heads if each["size"] < len(leaves)] + [dict(heads[-1])]
        kept[-1]["size"] = len(leaves)
        for each in kept:
            checkpoint = Checkpoint(entry["origin"], each["size"], root_of(leaves[: each["size"]]))
            each["note"] = checkpoint.signed(keys.signing(entry["origin"])).decode()
        changed[f"{log}/checkpoints.ndjson"] = b"".join(json.dumps(each).encode() + b"\n" for each in kept)
        published = [str(each) for each in keys.verifiers(entry["origin"])]
        changed[f"{log}/keys.json"] = json.dumps({"origin": entry["origin"], "keys": published}).encode()
    return changed | {MANIFEST: json.dumps(manifest).encode()}


def _tiles(leaves: list[bytes]) -> list[tuple[str, bytes]]:
    found, level, below = [], 0, leaves
    for tile in tiles_of(len(leaves)):
        while tile.level > level:
            full = range(0, len(below) - len(below) % TILE_WIDTH, TILE_WIDTH)
            below = [complete_root(below[at : at + TILE_WIDTH]) for at in full]
            level += 1
        start = tile.index * TILE_WIDTH
        found.append((tile.path, b"".join(below[start : start + tile.width])))
    return found
