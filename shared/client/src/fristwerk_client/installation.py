"""An installation as a caller sees it: the three services in somebody's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Final, Literal, Self

import httpx

from fristwerk_client.billing import AuthenticatedClient as BillingClient
from fristwerk_client.retrying import Retrying
from fristwerk_client.sla import AuthenticatedClient as SlaClient
from fristwerk_client.ticket import AuthenticatedClient as TicketClient
from fristwerk_client.tokens import AsyncToken, BearerToken, Token
from fristwerk_client.transports import AsyncRepeatingTransport, RepeatingTransport, new_key

InstalledService = Literal["ticket", "sla", "billing"]
TIMEOUT_SECONDS: Final = 30.0
PATIENT: Final = Retrying()
_IN_THE_TRANSPORT: Final = ""
"""The token of the generated clients, which never send one of their own: requests get theirs on the way."""


class AsyncFristwerk:
    """The three services through three ``httpx.AsyncClient``, with a token, a key for each command, and retries.

    ``ticket``, ``sla`` and ``billing`` are what the generated operations take as ``client``. ``requests`` are the same as
    plain httpx clients, for what is sent by its path. ``new_key`` None gives no command a key of its own accord.
    """

    def __init__(
        self,
        clients: Mapping[InstalledService, httpx.AsyncClient],
        token: AsyncToken,
        *,
        retrying: Retrying = PATIENT,
        new_key: Callable[[], str] | None = new_key,
    ) -> None:
        self._clients = clients
        self._retrying = retrying
        self._new_key = new_key
        auth = BearerToken(token)
        self.requests: Mapping[InstalledService, httpx.AsyncClient] = {
            name: httpx.AsyncClient(
                base_url=each.base_url,
                timeout=each.timeout,
                auth=auth,
                transport=AsyncRepeatingTransport(each, retrying, new_key),
            )
            for name, each in clients.items()
        }

    @classmethod
    def at(cls, *, ticket: str, sla: str, billing: str, token: AsyncToken, retrying: Retrying = PATIENT) -> Self:
        """The services at their addresses, such as ``http://127.0.0.1:8001``. To be used in ``async with``."""
        addresses: dict[InstalledService, str] = {"ticket": ticket, "sla": sla, "billing": billing}
        clients = {name: httpx.AsyncClient(base_url=each, timeout=TIMEOUT_SECONDS) for name, each in addresses.items()}
        return cls(clients, token, retrying=retrying)

    @property
    def ticket(self) -> TicketClient:
        """For ``fristwerk_client.ticket.api``."""
        client = self.requests["ticket"]
        return TicketClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_async_httpx_client(client)

    @property
    def sla(self) -> SlaClient:
        """For ``fristwerk_client.sla.api``."""
        client = self.requests["sla"]
        return SlaClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_async_httpx_client(client)

    @property
    def billing(self) -> BillingClient:
        """For ``fristwerk_client.billing.api``."""
        client = self.requests["billing"]
        return BillingClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_async_httpx_client(client)

    def as_(self, token: AsyncToken) -> AsyncFristwerk:
        """The same services over the same connections in another name."""
        return AsyncFristwerk(self._clients, token, retrying=self._retrying, new_key=self._new_key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the clients, those that were given as well."""
        async with AsyncExitStack() as stack:
            for each in self._clients.values():
                stack.push_async_callback(each.aclose)


class Fristwerk:
    """The same without await, for scripts: operations are called by ``sync_detailed``."""

    def __init__(
        self,
        clients: Mapping[InstalledService, httpx.Client],
        token: Token,
        *,
        retrying: Retrying = PATIENT,
        new_key: Callable[[], str] | None = new_key,
    ) -> None:
        self._clients = clients
        self._retrying = retrying
        self._new_key = new_key
        auth = BearerToken(token)
        self.requests: Mapping[InstalledService, httpx.Client] = {
            name: httpx.Client(
                base_url=each.base_url,
                timeout=each.timeout,
                auth=auth,
                transport=RepeatingTransport(each, retrying, new_key),
            )
            for name, each in clients.items()
        }

    @classmethod
    def at(cls, *, ticket: str, sla: str, billing: str, token: Token, retrying: Retrying = PATIENT) -> Self:
        """The services at their addresses, such as ``http://127.0.0.1:8001``. To be used in ``with``."""
        addresses: dict[InstalledService, str] = {"ticket": ticket, "sla": sla, "billing": billing}
        clients = {name: httpx.Client(base_url=each, timeout=TIMEOUT_SECONDS) for name, each in addresses.items()}
        return cls(clients, token, retrying=retrying)

    @property
    def ticket(self) -> TicketClient:
        """For ``fristwerk_client.ticket.api``."""
        client = self.requests["ticket"]
        return TicketClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_httpx_client(client)

    @property
    def sla(self) -> SlaClient:
        """For ``fristwerk_client.sla.api``."""
        client = self.requests["sla"]
        return SlaClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_httpx_client(client)

    @property
    def billing(self) -> BillingClient:
        """For ``fristwerk_client.billing.api``."""
        client = self.requests["billing"]
        return BillingClient(str(client.base_url), token=_IN_THE_TRANSPORT).set_httpx_client(client)

    def as_(self, token: Token) -> Fristwerk:
        """The same services over the same connections in another name."""
        return Fristwerk(self._clients, token, retrying=self._retrying, new_key=self._new_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the clients, those that were given as well."""
        with ExitStack() as stack:
            for each in self._clients.values():
                stack.callback(each.close)
