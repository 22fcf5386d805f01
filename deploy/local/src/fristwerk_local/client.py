"""The three services as the local runner calls them: through ``fristwerk_client``, each call in the name of one of many people.

ServiceDownError      a service did not answer for longer than the client's patience
RefusedError          an answer that was not the one asked for
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from fristwerk_client import AsyncFristwerk, Retrying, follow, last_position, next_cursor
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_local.errors import FailedError
from fristwerk_local.services import ServiceName, settings_on, urls
from fristwerk_platform.auth import ALL_PROVIDERS, Principal, Tokens
from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.token_keys import load_keys

PATIENCE_SECONDS: Final = 60.0
TIMEOUT_SECONDS: Final = 30.0


class NotConnectedError(FailedError):
    """There is no key file to sign tokens with: nothing has run on that folder yet."""


class ServiceDownError(FailedError):
    """A service did not answer in time; the message is a sentence."""


class RefusedError(FailedError):
    """A service answered with a problem; ``status`` is its code, the message its detail."""

    def __init__(self, request: str, answer: httpx.Response) -> None:
        self.status = answer.status_code
        super().__init__(f"{request} answered {answer.status_code}: {_detail(answer)}")


class Client:
    """Calls to the three services. Each call says in whose name; the token comes from ``issue``."""

    def __init__(
        self,
        clients: Mapping[ServiceName, httpx.AsyncClient],
        issue: Callable[[Principal], str],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._clients = clients
        self._issue = issue
        self._retrying = Retrying(seconds=patience_seconds)
        self._in_names: dict[Principal, AsyncFristwerk] = {}

    def requests(self, service: ServiceName, who: Principal) -> httpx.AsyncClient:
        """A service in somebody's name, for what is sent by its path."""
        return self.in_name_of(who).requests[service]

    def in_name_of(self, who: Principal) -> AsyncFristwerk:
        """The services in somebody's name."""
        if who not in self._in_names:
            self._in_names[who] = AsyncFristwerk(self._clients, self._issue(who), retrying=self._retrying, new_key=None)
        return self._in_names[who]

    async def get(self, service: ServiceName, path: str, who: Principal, **params: str | int) -> Any:
        """The JSON answer of a read. Raises RefusedError or ServiceDownError."""
        answer = await self._send(service, "GET", path, who, params=params)
        if not answer.is_success:
            raise RefusedError(f"GET {path}", answer)
        return answer.json()

    async def get_all(self, path: str, who: Principal) -> list[Any]:
        """All items of a list of the ticket service, over as many pages as there are."""
        items: list[Any] = []
        params: dict[str, str | int] = {"limit": 200}
        while True:
            answer = await self._send("ticket", "GET", path, who, params=params)
            if not answer.is_success:
                raise RefusedError(f"GET {path}", answer)
            items += answer.json()["items"]
            following = next_cursor(answer.headers)
            if following is None:
                return items
            params["after"] = following

    async def post(
        self, service: ServiceName, path: str, body: Mapping[str, Any], who: Principal, key: str
    ) -> httpx.Response:
        """The answer to a command, whatever it is. ``key`` lets a repetition count once. Raises ServiceDownError."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return await self._send(service, "POST", path, who, headers=headers, content=msgspec.json.encode(body))

    async def publish(self, document: str, text: bytes, who: Principal) -> httpx.Response:
        """Publish a YAML document at ``calendars/NAME`` or ``agreements/NAME``. Raises ServiceDownError."""
        headers = {"Content-Type": "application/yaml"}
        return await self._send("ticket", "PUT", f"/v1/{document}", who, headers=headers, content=text)

    async def events_after(self, position: int, provider: str) -> tuple[list[dict[str, Any]], int]:
        """The provider's events in the ticket service's feed after a position, and the position to go on from."""
        events: list[dict[str, Any]] = []
        async for batch in follow(self.requests("ticket", follower(provider)), position, until_end=True):
            position = batch.position
            events += batch.events
        return events, position

    async def last_position(self) -> int:
        """The last position of the ticket service's log, 0 while it is empty."""
        return await last_position(self.requests("ticket", follower(ALL_PROVIDERS)))

    async def caught_up(self, seconds: float) -> bool:
        """Whether SLA and billing have applied everything that the ticket service has recorded, waiting up to ``seconds``."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        last = await self.last_position()
        while loop.time() < ends_at:
            if min([await self._applied("sla"), await self._applied("billing")]) >= last:
                return True
            await asyncio.sleep(0.05)
        return False

    def token(self, who: Principal) -> str:
        """A bearer token in somebody's name."""
        return self._issue(who)

    async def _applied(self, service: ServiceName) -> int:
        answer = await self._send(service, "GET", "/health/ready", follower(ALL_PROVIDERS))
        return int(answer.json()["feeds"]["ticket-service"]["position"])

    async def _send(self, service: ServiceName, method: str, path: str, who: Principal, **parts: Any) -> httpx.Response:
        try:
            return await self.requests(service, who).request(method, path, **parts)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise ServiceDownError(f"The {service} service does not answer {method} {path}: {why}.") from error


@asynccontextmanager
async def connected(folder: Path, first_port: int) -> AsyncIterator[Client]:
    """A client of the services that run on that folder and those ports, its tokens signed with their key.

    Raises NotConnectedError and SettingsError.
    """
    settings = settings_on(folder, first_port)
    try:
        tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    except KeyFileError as error:
        raise NotConnectedError(str(error)) from error

    def issue(who: Principal) -> str:
        return tokens.issue(who, now=datetime.now(UTC))

    clients = {name: httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) for name, url in urls(first_port).items()}
    try:
        yield Client(clients, issue)
    finally:
        for client in clients.values():
            await client.aclose()


def staff(role: Role, provider: str) -> Principal:
    """Somebody of the provider's people, named after the role."""
    return Principal(sub=role, role=role, provider=provider)


def customer(name: str, customer_id: str, provider: str) -> Principal:
    """Somebody at a customer."""
    return Principal(sub=name, role="customer", provider=provider, belongs_to=customer_id)


def follower(provider: str) -> Principal:
    """A program that follows the feed."""
    return Principal(sub="player", role="service", provider=provider)


def _detail(answer: httpx.Response) -> str:
    """The problem's sentence and the places it names, or the beginning of whatever the answer was."""
    try:
        problem = answer.json()
        places = [f"{each['pointer']} {each['detail']}" for each in problem.get("errors", [])]
        return " ".join([problem["detail"], *places])
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200] or "(nothing)"
