"""Who at a customer has access to its portal: invited, activated, ended, and what a token is worth then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")
VERA = {"user": "vera", "email": "vera@muster.example", "name": "Vera Muster"}


class Portal:
    """A customer's portal users, and requests in their names."""

    def __init__(self, office: Office, customer: str) -> None:
        self.office = office
        self.customer = customer
        self.path = f"/v1/customers/{customer}/portal-users"

    def as_user(self, user: str) -> dict[str, Any]:
        return {"role": "customer", "customer": self.customer, "sub": user}

    async def invite(self, user: str, **given: Any) -> None:
        """Invited and activated."""
        await self.office.post(self.path, VERA | {"user": user} | given)
        await self.office.post(f"{self.path}/{user}/activation", **self.as_user(user))

    async def end(self, user: str, **how: Any) -> Any:
        return await self.office.post(f"{self.path}/{user}/end", {"reason": "Hat das Haus verlassen"}, **how)

    async def items(self, query: str = "", **how: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.office.get(f"{self.path}{query}", **how))["items"]
        return found


async def opened(open_office: OpenOffice) -> Portal:
    office = await open_office("infoniqa")
    return Portal(office, await office.served())


async def test_access_is_invited_activated_and_ended_with_its_dates_and_history(open_office: OpenOffice) -> None:
    portal = await opened(open_office)
    office, vera = portal.office, f"{portal.path}/vera"
    invited = await office.post(portal.path, VERA | {"occurred_at": "2026-06-03T08:00:00Z"})
    assert "muster" not in json.dumps(invited).lower()
    assert invited["portal_user"] == {
        "user": "vera",
        "state": "invited",
        "administrator": False,
        "invited_at": "2026-06-03T08:00:00Z",
        "activated_at": None,
        "ended_at": None,
    }
    assert [(each["email"], each["name"]) for each in await portal.items()] == [("vera@muster.example", "Vera Muster")]

    await office.post(f"{vera}/activation", {"occurred_at": "2026-06-04T08:00:00Z"}, **portal.as_user("vera"))
    ended = await office.post(f"{vera}/end", {"reason": "Geht", "occurred_at": "2026-06-05T08:00:00Z"})
    assert ended["portal_user"]["state"] == "ended"
    [read] = await portal.items()
    dates = [read[f"{what}_at"] for what in ("invited", "activated", "ended")]
    assert dates == [f"2026-06-0{day}T08:00:00Z" for day in (3, 4, 5)]

    history = (await office.get(f"{vera}/events"))["items"]
    assert [(each["type"], each["actor"]["id"]) for each in history] == [
        ("PortalUserInvited", "agent"),
        ("PortalUserActivated", "vera"),
        ("PortalAccessEnded", "agent"),
    ]
    assert history[2]["personal"] == {"reason": "Geht"}
    assert "surveys" in (await office.get(f"/v1/customers/{portal.customer}"))["customer"]


async def test_the_list_has_pages_and_states_and_the_history_has_pages(open_office: OpenOffice) -> None:
    portal = await opened(open_office)
    for user in ("a", "b", "c"):
        await portal.invite(user)
    await portal.end("b")
    assert [each["user"] for each in await portal.items("?state=ended")] == ["b"]
    assert [each["user"] for each in await portal.items("?state=active")] == ["a", "c"]
    first = await portal.office.call("GET", f"{portal.path}?limit=2")
    assert [each["user"] for each in first.json()["items"]] == ["a", "b"]
    following = first.headers["Link"].split(">")[0][1:]
    assert [each["user"] for each in (await portal.office.get(following))["items"]] == ["c"]
    history = await portal.office.call("GET", f"{portal.path}/b/events?limit=2")
    following = history.headers["Link"].split(">")[0][1:]
    rest = (await portal.office.get(following))["items"]
    assert [each["type"] for each in rest] == ["PortalAccessEnded"]


async def test_refusals_of_invitations_activations_and_ends(open_office: OpenOffice) -> None:
    portal = await opened(open_office)
    office, vera = portal.office, f"{portal.path}/vera"
    await office.refused(404, f"{vera}/activation")
    await office.refused(404, f"{vera}/end")
    await office.refused(404, f"{vera}/events", method="GET")
    assert (await office.refused(422, portal.path, VERA | {"email": "vera"}))["errors"][0]["pointer"] == "/email"
    assert (await office.refused(422, portal.path, VERA | {"user": "vera@muster.example"}))["errors"][0][
        "pointer"
    ] == "/user"
    await portal.invite("vera")
    assert (await office.refused(409, portal.path, VERA))["type"] == "/problems/portal-user-has-access"
    assert (await office.refused(409, f"{vera}/activation"))["type"] == "/problems/portal-user-active"
    await portal.end("vera")
    for path in (f"{vera}/end", f"{vera}/activation"):
        assert (await office.refused(409, path))["type"] == "/problems/portal-access-ended"
    await office.post(portal.path, VERA)
    assert [each["state"] for each in await portal.items()] == ["invited"]


async def test_administrators_of_the_customer_manage_its_users_and_nobody_elses(open_office: OpenOffice) -> None:
    portal = await opened(open_office)
    office, other = portal.office, Portal(portal.office, await portal.office.served())
    await portal.invite("anna", administrator=True)
    await portal.invite("tom")
    anna, tom, stranger = (portal.as_user(each) for each in ("anna", "tom", "nobody-knows"))

    await office.post(portal.path, VERA, **anna)
    for who in (tom, stranger):
        refused = await office.refused(403, portal.path, VERA | {"user": "eva"}, **who)
        assert refused["type"] == "/problems/no-portal-administrator"
        await office.refused(403, portal.path, {"no such": "key"}, **who)
        await office.refused(403, f"{portal.path}/vera/activation", **who)
        await office.refused(403, f"{portal.path}/anna/end", **who)
        await office.refused(403, portal.path, method="GET", **who)
        await office.refused(403, f"{portal.path}/anna/events", method="GET", **who)
    for path, method in ((other.path, "GET"), (other.path, "POST"), (f"{other.path}/x/end", "POST")):
        await office.refused(404, path, VERA if path == other.path and method == "POST" else None, method, **anna)
    assert [each["user"] for each in await portal.items("?state=invited", **anna)] == ["vera"]

    await portal.end("tom", **anna)
    history = (await office.get(f"{portal.path}/tom/events", **anna))["items"]
    assert [each["actor"]["id"] for each in history] == ["vendor", "tom", "anna"]
    await portal.end("anna")
    await office.refused(403, portal.path, VERA | {"user": "eva"}, **anna)


async def test_a_token_opens_nothing_once_its_users_access_has_ended(open_office: OpenOffice) -> None:
    """Nothing of this customer; a colleague's token, and one of who never was invited, are as good as before."""
    portal = await opened(open_office)
    office, other = portal.office, await portal.office.served()
    ticket = await office.ticket(portal.customer)
    vera, tom, stranger = (portal.as_user(each) for each in ("vera", "tom", "nobody-knows"))
    for user in ("vera", "tom"):
        await portal.invite(user)
    await portal.end("vera")

    for path in ("/v1/tickets", f"/v1/tickets/{ticket['id']}", f"/v1/customers/{portal.customer}", "/v1/nowhere"):
        refused = await office.refused(403, path, method="GET", **vera)
        assert refused["type"] == "/problems/portal-access-ended"
    message = {"channel": "portal", "text": "Noch da"}
    await office.refused(403, f"/v1/tickets/{ticket['id']}/messages", message, **vera)
    for who in (tom, stranger, {"role": "customer", "customer": other, "sub": "vera"}, {"sub": "vera"}):
        await office.get("/v1/tickets", **who)

    await office.post(portal.path, VERA)
    await office.get(f"/v1/tickets/{ticket['id']}", **vera)


async def test_forgetting_the_customer_forgets_names_addresses_and_reasons(open_office: OpenOffice) -> None:
    portal = await opened(open_office)
    await portal.invite("vera")
    await portal.end("vera")
    await portal.invite("tom")
    await portal.office.post(f"/v1/customers/{portal.customer}/forget", {"accept": ["contracts"]}, role="admin")
    found = [(each["user"], each["state"], each["email"], each["name"]) for each in await portal.items()]
    assert found == [("tom", "active", None, None), ("vera", "ended", None, None)]
    history = (await portal.office.get(f"{portal.path}/vera/events"))["items"]
    assert {each["personal"] and tuple(each["personal"]) for each in history} == {None}
    await portal.office.get("/v1/tickets", **portal.as_user("tom"))


async def test_a_forgotten_persons_token_opens_nothing(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    portal = Portal(office, await office.customer(kind="person", name="Nele Neu"))
    await portal.invite("nele")
    await office.get("/v1/tickets", **portal.as_user("nele"))
    await office.post(f"/v1/customers/{portal.customer}/forget", {}, role="admin")
    await office.refused(403, "/v1/tickets", method="GET", **portal.as_user("nele"))
