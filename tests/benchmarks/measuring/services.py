"""Services as processes on one PostgreSQL, their terms and tickets, and load on them from a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec

from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.token_keys import load_keys
from measuring.load import Task, Told

HERE = Path(__file__).parent
TERMS = HERE.parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
PROVIDER = "bench"
CUSTOMERS = 200
AT_ONCE = 64
SEVERITIES = ("kritisch", "hoch", "mittel", "niedrig")
START_SECONDS = 60
LONGEST_SECONDS = 120
"""No load runs longer."""
Name = Literal["ticket", "sla", "billing", "bare"]


class Services:
    """Processes that share a folder and a database; each is started when it is needed."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self._ports = dict(zip(("ticket", "sla", "billing", "bare"), free_ports(4), strict=True))
        self._environment = os.environ | {
            "FRISTWERK_VAR": str(folder),
            "FRISTWERK_DATABASE_URL": database_url,
            "FRISTWERK_TICKET_URL": f"http://127.0.0.1:{self._ports['ticket']}",
            "FRISTWERK_SLA_URL": f"http://127.0.0.1:{self._ports['sla']}",
            "FRISTWERK_LOG_LEVEL": "warning",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.customers: list[str] = []

    def start(self, name: Name, program: Sequence[str] = (), **settings: str) -> None:
        """Start it, one worker, and return when it is ready; ``program`` is run by Python in its place."""
        program = program or ([str(HERE / "bare_app.py")] if name == "bare" else ["-m", f"{name}_service", "serve"])
        environment = self._environment | {"FRISTWERK_PORT": str(self._ports[name])} | settings
        if name == "bare":
            environment.pop("FRISTWERK_VAR")
        self._processes[name] = subprocess.Popen([sys.executable, *program], env=environment)  # noqa: S603
        ends_at = time.monotonic() + START_SECONDS
        while time.monotonic() < ends_at and self._processes[name].poll() is None:
            try:
                if httpx.get(f"{self.url(name)}/health/ready").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise SystemExit(f"{name} did not start")

    def stop(self, name: Name | None = None) -> None:
        """End it, or all."""
        for each in [name] if name else list(self._processes):
            process = self._processes.pop(each)
            process.terminate()
            process.wait()

    def pid(self, name: Name) -> int:
        """Its process id."""
        return self._processes[name].pid

    def command(self, name: Name, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """One of the service's commands, started in its surroundings; its output can be read."""
        program = [sys.executable, "-m", f"{name}_service", *arguments]
        return subprocess.Popen(program, env=self._environment | settings, stdout=subprocess.PIPE)  # noqa: S603

    def position(self, name: Name) -> int:
        """How far it has applied the ticket service's events, or its own."""
        feeds = httpx.get(f"{self.url(name)}/health/ready", timeout=30).json()["feeds"]
        return int(feeds.get("ticket-service", feeds.get("own log"))["position"])

    def megabytes(self, name: Name) -> float:
        """Its resident memory."""
        text = httpx.get(f"{self.url(name)}/metrics", timeout=30).text
        found = re.search(r"^process_resident_memory_bytes (\S+)", text, re.MULTILINE)
        return float(found[1]) / 1024**2 if found else float("nan")

    def last_position(self) -> int:
        """The end of the ticket service's log."""
        headers = {"Authorization": f"Bearer {self.cached_token('service')}"}
        answer = httpx.get(f"{self.url('ticket')}/v1/events", params={"after": 2**60}, headers=headers)
        return int(answer.headers["Fristwerk-Last-Position"])

    def url(self, name: Name) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def token(self, role: Role = "agent", provider: str = PROVIDER, subject: str | None = None) -> str:
        """A bearer token, of somebody of that role unless the subject is named."""
        tokens = Tokens(load_keys(self.folder / "keys.json"), TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
        return tokens.issue(Principal(sub=subject or role, role=role, provider=provider), now=datetime.now(UTC))

    def request(self, method: str, path: str, body: Any = None, role: Role | None = "agent", **headers: str) -> bytes:
        """A request ready to be sent; without a role it carries no token."""
        content = b"" if body is None else msgspec.json.encode(body)
        lines = {"Host": "bench", "Content-Type": "application/json", "Content-Length": str(len(content))} | headers
        if role is not None and "Authorization" not in lines:
            lines["Authorization"] = f"Bearer {self.cached_token(role)}"
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content

    def cached_token(self, role: Role) -> str:
        """The same token for the same role."""
        known: dict[Role, str] = self.__dict__.setdefault("_tokens", {})
        if role not in known:
            known[role] = self.token(role, "*" if role == "service" else PROVIDER)
        return known[role]

    def post(self, path: str, body: Any) -> None:
        """A command to the ticket service that must succeed."""
        httpx.post(self.url("ticket") + path, json=body, headers=self._headers("agent")).raise_for_status()

    def load(self, name: Name | Sequence[Name], requests: Sequence[bytes], **how: Any) -> Told:
        """What a load generator of its own measured; a refused request ends the benchmark."""
        with self.loading(name, requests, **how) as finished:
            told: Told = finished()
            return told

    @contextmanager
    def loading(self, name: Name | Sequence[Name], requests: Sequence[bytes], **how: Any) -> Iterator[Any]:
        """The load runs meanwhile; the function given waits for its end and returns what it measured."""
        with tempfile.TemporaryDirectory() as folder:
            task, told = Path(folder) / "task", Path(folder) / "told"
            ports = [self._ports[each] for each in ([name] if isinstance(name, str) else name)]
            given = Task(ports=ports, requests=list(requests), **({"connections": AT_ONCE} | how))
            task.write_bytes(msgspec.msgpack.encode(given))
            command = [sys.executable, "-m", "measuring.load", str(task), str(told)]
            process = subprocess.Popen(command, cwd=HERE.parent)  # noqa: S603

            def finished() -> Told:
                if process.wait(LONGEST_SECONDS) != 0:
                    raise SystemExit("the load ended early")
                found = msgspec.msgpack.decode(told.read_bytes(), type=Told)
                if found.refused:
                    raise SystemExit(f"{found.refused} requests were refused: {found.first_refusal}")
                return found

            yield finished

    def prepare(self, tickets: int, *, contracts: Literal["all", "half"] = "half") -> list[str]:
        """Terms, customers of whom every other or each has a contract, and so many open tickets of all severities."""
        return asyncio.run(self._prepare(tickets, 1 if contracts == "all" else 2))

    async def _prepare(self, tickets: int, every: int) -> list[str]:
        async with httpx.AsyncClient(base_url=self.url("ticket"), timeout=60) as client:
            for path in ("calendars/fluxpunkt", "agreements/fluxpunkt"):
                headers = self._headers("admin") | {"Content-Type": "application/yaml"}
                answer = await client.put(f"/v1/{path}", content=(TERMS / f"{path}.yaml").read_bytes(), headers=headers)
                answer.raise_for_status()
            customers = self.customers = await _in_turns(
                CUSTOMERS, lambda number: self._customer(client, number, every)
            )
            began_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)

            async def ticket(number: int) -> str:
                body = {
                    "customer": customers[number % CUSTOMERS],
                    "received_at": (began_at + timedelta(seconds=number)).isoformat(),
                    "channel": "email",
                    "subject": f"Anliegen {number}",
                    "description": "Es geht nicht.",
                    "severity": SEVERITIES[number % 4],
                }
                return str((await self._post(client, "/v1/tickets", body))["ticket"]["id"])

            return await _in_turns(tickets, ticket)

    async def _customer(self, client: httpx.AsyncClient, number: int, every: int) -> str:
        body = {"name": f"Kunde {number}", "kind": "company", "contact": {"name": f"Person {number}"}}
        customer: str = (await self._post(client, "/v1/customers", body, "admin"))["customer"]["id"]
        if number % every == every - 1:
            contract = {"agreement": "fluxpunkt", "plan": "service_and_maintenance", "from": "2024-01-01"}
            await self._post(client, f"/v1/customers/{customer}/contracts", contract, "admin")
        return customer

    async def _post(self, client: httpx.AsyncClient, path: str, body: Mapping[str, Any], role: Role = "agent") -> Any:
        answer = await client.post(path, json=body, headers=self._headers(role))
        answer.raise_for_status()
        return answer.json()

    def _headers(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.cached_token(role)}"}


async def _in_turns(number: int, make: Any) -> list[str]:
    found: list[str] = []
    for first in range(0, number, AT_ONCE):
        found += await asyncio.gather(*(make(each) for each in range(first, min(first + AT_ONCE, number))))
    return found


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.socket() for _ in range(number)]
    for each in probes:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in probes]
    for each in probes:
        each.close()
    return ports


@contextmanager
def services(database_url: str) -> Iterator[Services]:
    """Services on an empty folder; all of them end with the benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        running = Services(Path(folder), database_url)
        try:
            yield running
        finally:
            running.stop()
