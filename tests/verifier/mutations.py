"""Ways to change a bundle, each with where it has to be found; drawn by a seeded generator."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_proof.bundles import MANIFEST
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import leaf_hash, root_of
from fristwerk_proof.notes import SigningKey
from tests.verifier.bundling import Files, signed_again, with_lines

LOGS: Final = ("tickets", "billing")


class Mutation(msgspec.Struct, frozen=True, kw_only=True):
    """A changed bundle: of which kind, in which step it has to be found, and at which line where one was changed.

    ``sealed``: the manifest was made to fit. ``steps`` are those of which one at least has to fail.
    """

    kind: str
    files: Files
    steps: frozenset[str]
    line: tuple[str, int] | None = None
    sealed: bool = True


class Mutations:
    """Draws mutations of a bundle."""

    def __init__(self, files: Files, keys: CheckpointKeys, seed: int) -> None:
        self._files = files
        self._keys = keys
        self._random = random.Random(seed)  # noqa: S311 - the same ones each time
        self.kinds: dict[str, Callable[[], Mutation]] = {
            "edited event": self._edited,
            "deleted event": self._deleted,
            "swapped events": self._swapped,
            "inserted event": self._inserted,
            "truncated log": self._truncated,
            "changed hash": self._tile,
            "changed head": self._head,
            "signed with another key": self._other_key,
            "rewritten, signed again": self._rewritten,
            "rewritten fact, signed again": self._rewritten_fact,
            "rewritten document, signed again": self._rewritten_document,
            "changed claim": self._claim,
            "changed notice": self._notice,
            "changed terms": self._terms,
            "changed file": self._unsealed,
        }

    def draw(self, kind: str) -> Mutation:
        """One more of a kind."""
        return self.kinds[kind]()

    def _log(self) -> tuple[str, str, list[bytes]]:
        log = self._random.choice(LOGS)
        name = f"{log}/events.ndjson"
        return log, name, self._files[name].splitlines()

    def _lines(self, kind: str, name: str, lines: Sequence[bytes], log: str, place: int) -> Mutation:
        files = with_lines(self._files, name, lambda _: list(lines))
        return Mutation(kind=kind, files=files, steps=frozenset({"tree"}), line=(log, place + 1))

    def _edited(self) -> Mutation:
        log, name, lines = self._log()
        place = self._random.randrange(len(lines))
        lines[place] = self._another_byte(lines[place])
        return self._lines("edited event", name, lines, log, place)

    def _deleted(self) -> Mutation:
        log, name, lines = self._log()
        place = self._random.randrange(len(lines) - 1)
        del lines[place]
        return self._lines("deleted event", name, lines, log, place)

    def _swapped(self) -> Mutation:
        log, name, lines = self._log()
        one, other = sorted(self._random.sample(range(len(lines)), 2))
        lines[one], lines[other] = lines[other], lines[one]
        return self._lines("swapped events", name, lines, log, one)

    def _inserted(self) -> Mutation:
        log, name, lines = self._log()
        place = self._random.randrange(len(lines))
        lines.insert(place, self._another_byte(self._random.choice(lines)))
        return self._lines("inserted event", name, lines, log, place)

    def _truncated(self) -> Mutation:
        log, name, lines = self._log()
        kept = self._random.randrange(1, len(lines))
        return self._lines("truncated log", name, lines[:kept], log, kept)

    def _tile(self) -> Mutation:
        name = self._random.choice([each for each in self._files if "/tile/" in each])
        content = bytearray(self._files[name])
        content[self._random.randrange(len(content))] ^= self._random.randrange(1, 256)
        return Mutation(kind="changed hash", files=self._files | {name: bytes(content)}, steps=frozenset({"tree"}))

    def _head(self) -> Mutation:
        name = f"{self._random.choice(LOGS)}/checkpoints.ndjson"
        heads = [json.loads(each) for each in self._files[name].splitlines()]
        head = self._random.choice(heads)
        origin, size, *rest = head["note"].split("\n")
        head["note"] = "\n".join([origin, str(int(size) + self._random.choice((-1, 1))), *rest])
        files = with_lines(self._files, name, lambda _: [json.dumps(each).encode() for each in heads])
        return Mutation(kind="changed head", files=files, steps=frozenset({"signatures"}))

    def _other_key(self) -> Mutation:
        other = msgspec.structs.replace(self._keys, seeds=[_seed(self._random)])
        files = signed_again(self._files, other)
        return Mutation(kind="signed with another key", files=files, steps=frozenset({"signatures"}))

    def _rewritten(self) -> Mutation:
        """Only whoever kept a head can tell."""
        _, name, lines = self._log()
        place = self._random.randrange(len(lines))
        event = json.loads(lines[place])
        event["actor"]["id"] = "somebody-else"
        lines[place] = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        files = signed_again(with_lines(self._files, name, lambda _: lines), self._keys)
        return Mutation(kind="rewritten, signed again", files=files, steps=frozenset({"seen"}))

    def _rewritten_fact(self) -> Mutation:
        """Minutes or an instant of a ticket: what was issued and shown no longer follows."""
        name = "tickets/events.ndjson"
        lines = self._files[name].splitlines()
        facts = [at for at, each in enumerate(lines) if b'"TimeLogged"' in each]
        place = self._random.choice(facts)
        event = json.loads(lines[place])
        event["data"]["minutes"] += 600
        lines[place] = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        files = signed_again(with_lines(self._files, name, lambda _: lines), self._keys)
        steps = frozenset({"documents", "charges", "timers"})
        return Mutation(kind="rewritten fact, signed again", files=files, steps=steps)

    def _rewritten_document(self) -> Mutation:
        """A figure of an issued document, with a digest that fits."""
        from fristwerk_language.terms import digest

        name = "billing/events.ndjson"
        lines = self._files[name].splitlines()
        place = self._random.choice([at for at, each in enumerate(lines) if b'"document"' in each])
        event = json.loads(lines[place])
        totals = event["data"]["document"]["totals"]
        field = self._random.choice(("net", "vat", "gross", "payable"))
        totals[field]["amount"] = f"{float(totals[field]['amount']) + self._random.randrange(1, 10_000) / 100:.2f}"
        event["data"]["digest"] = digest(event["data"]["document"])
        lines[place] = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        files = signed_again(with_lines(self._files, name, lambda _: lines), self._keys)
        return Mutation(kind="rewritten document, signed again", files=files, steps=frozenset({"documents"}))

    def _claim(self) -> Mutation:
        name = f"claims/{self._random.choice(('timers', 'charges', 'invoices'))}.ndjson"
        return self._changed_value("changed claim", name, {"timers", "charges", "shown"})

    def _notice(self) -> Mutation:
        """A last word of a timer; what was superseded since proves nothing."""
        name = "notices/events.ndjson"
        lines = self._files[name].splitlines()
        last: dict[str, int] = {}
        for at, line in enumerate(lines):
            event = json.loads(line)
            if event["type"] in {"TimerMet", "TimerMissed"}:
                last[event["stream"]] = at
        place = self._random.choice(list(last.values()))
        event = json.loads(lines[place])
        field = "met_at" if event["type"] == "TimerMet" else "missed_at"
        event["data"][field] = event["data"][field][:14] + f"{self._random.randrange(60):02}:17Z"
        lines[place] = json.dumps(event).encode()
        return Mutation(
            kind="changed notice",
            files=with_lines(self._files, name, lambda _: lines),
            steps=frozenset({"notices"}),
        )

    def _terms(self) -> Mutation:
        name = self._random.choice([each for each in self._files if each.startswith("terms/")])
        document = json.loads(self._files[name])
        key = self._random.choice(list(document))
        document[key] = "something else"
        files = self._files | {name: json.dumps(document).encode()}
        return Mutation(kind="changed terms", files=files, steps=frozenset({"terms"}))

    def _unsealed(self) -> Mutation:
        name = self._random.choice([each for each, content in self._files.items() if each != MANIFEST and content])
        files = self._files | {name: self._another_byte(self._files[name])}
        return Mutation(kind="changed file", files=files, steps=frozenset({"manifest"}), sealed=False)

    def _changed_value(self, kind: str, name: str, steps: set[str]) -> Mutation:
        lines = self._files[name].splitlines()
        place = self._random.randrange(len(lines))
        claim = json.loads(lines[place])
        holder, key = self._random.choice(list(_values(claim["shown"])))
        holder[key] = _another(holder[key], self._random)
        lines[place] = json.dumps(claim).encode()
        files = with_lines(self._files, name, lambda _: lines)
        return Mutation(kind=kind, files=files, steps=frozenset(steps))

    def _another_byte(self, content: bytes) -> bytes:
        """Another digit or letter: what it was in stays a line."""
        while True:
            at = self._random.randrange(len(content))
            if chr(content[at]).isalnum():
                other = self._random.choice([each for each in b"0123456789abcdef" if each != content[at]])
                return content[:at] + bytes([other]) + content[at + 1 :]


def heads_of(files: Files) -> list[tuple[str, int, str]]:
    """What whoever kept the newest heads knows: log, size, root in hexadecimal."""
    found = []
    for log in LOGS:
        leaves = [leaf_hash(line) for line in files[f"{log}/events.ndjson"].splitlines()]
        found.append((log, len(leaves), Checkpoint("", len(leaves), root_of(leaves)).root.hex()))
    return found


def _values(data: Any) -> list[tuple[Any, Any]]:
    """Every place of a value that is neither an object nor a list."""
    items = list(data.items()) if isinstance(data, dict) else list(enumerate(data))
    found = []
    for key, value in items:
        if isinstance(value, dict | list):
            found += _values(value)
        else:
            found.append((data, key))
    return found


def _another(value: Any, drawn: random.Random) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + drawn.randrange(1, 1_000)
        case str():
            return value + drawn.choice("0123456789")
        case _:
            return drawn.randrange(1, 1_000)


def _seed(drawn: random.Random) -> str:
    import base64

    seed = base64.b64encode(drawn.randbytes(32)).decode()
    assert SigningKey("any", Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed)))
    return seed
