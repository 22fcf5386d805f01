"""Publishing terms over HTTP: YAML and JSON, versions that stay, differences, previews, and refusals that point."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fristwerk_language.terms import read_yaml
from tests.ticket_service.conftest import Office, OpenOffice
from tests.watchdog import watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

TERMS = Path(__file__).parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
OFFICE_HOURS = {
    "calendar": "office",
    "timezone": "Europe/Zurich",
    "hours": {"mon-fri": ["08:00-17:00"]},
    "years": "2025-2027",
}
SUPPORT = {
    "agreement": "support",
    "timezone": "Europe/Zurich",
    "currency": "CHF",
    "calendar": "office",
    "severities": [{"id": "high", "name": "High"}],
    "channels": ["email"],
}


async def put(office: Office, path: Any, content: Any, media_type: Any = "application/yaml", **headers: Any) -> Any:
    """The answer to a document put as text."""
    given = office.who("admin") | {"Content-Type": media_type} | headers
    return await office.service.client.put(path, content=content, headers=given)


@pytest.mark.parametrize("file", sorted(TERMS.glob("calendars/*.yaml")), ids=lambda file: file.stem)
async def test_every_shipped_calendar_is_published_as_it_stands(open_office: OpenOffice, file: Any) -> None:
    office = await open_office("infoniqa")
    answer = await put(office, f"/v1/calendars/{file.stem}", file.read_bytes())
    assert answer.status_code in (200, 201)
    calendar = answer.json()["calendar"]
    assert (calendar["name"], calendar["version"]) == (file.stem, 1)
    assert answer.headers["ETag"] == '"1"'
    assert (await office.get(f"/v1/calendars/{file.stem}"))["calendar"] == calendar


async def test_the_same_document_again_makes_no_version_in_yaml_or_json(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    file = TERMS / "agreements" / "infoniqa.yaml"
    again = await put(office, "/v1/agreements/infoniqa", file.read_bytes())
    assert (again.status_code, again.json()["events"]) == (200, [])
    as_json = await office.call("PUT", "/v1/agreements/infoniqa", read_yaml(file.read_bytes()), role="admin")
    assert (as_json.status_code, as_json.json()["agreement"]["version"]) == (200, 1)
    assert [each["version"] for each in (await office.get("/v1/agreements/infoniqa/versions"))["items"]] == [1]


async def test_versions_stay_and_say_what_superseded_them(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    for number in range(2, 5):
        made = await office.publish("agreements/infoniqa", title=f"Fassung {number}")
        assert (made["agreement"]["version"], [each["type"] for each in made["events"]]) == (
            number,
            ["AgreementPublished"],
        )
    old = await office.get("/v1/agreements/infoniqa/versions/1")
    assert (old["agreement"]["document"]["title"], old["superseded_by"]) == ("Infoniqa Customer Support", 4)
    newest = await office.get("/v1/agreements/infoniqa/versions/4")
    assert newest["superseded_by"] is None
    listed = await office.call("GET", "/v1/agreements/infoniqa/versions?limit=3")
    assert [each["version"] for each in listed.json()["items"]] == [1, 2, 3]
    rest = await office.get(listed.links["next"]["url"])
    assert [(each["version"], each["superseded_by"]) for each in rest["items"]] == [(4, None)]
    assert [each["name"] for each in (await office.get("/v1/agreements"))["items"]] == ["infoniqa"]
    problem = await office.refused(404, "/v1/agreements/infoniqa/versions/5", method="GET")
    assert problem["type"] == "/problems/version-not-found"


async def test_a_list_of_versions_says_when_each_was_published_by_whom_and_which_is_in_force(
    open_office: OpenOffice,
) -> None:
    office = await open_office("infoniqa")
    await office.publish("agreements/infoniqa", title="Neu", valid_from="2099-01-01")
    first, second = (await office.get("/v1/agreements/infoniqa/versions"))["items"]
    assert (first["valid_from"], first["in_force"], first["superseded_by"]) == (None, True, None)
    assert (second["valid_from"], second["in_force"], second["superseded_by"]) == ("2099-01-01", False, None)
    assert {each["published_by"] for each in (first, second)} == {"admin"}
    age = datetime.now(UTC) - datetime.fromisoformat(second["published_at"])
    assert timedelta(0) <= age < timedelta(seconds=30)


async def test_a_ticket_takes_the_terms_in_force_at_its_receipt_however_late_it_is_entered(
    open_office: OpenOffice,
) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    await office.publish("agreements/infoniqa", title="Neu")
    await office.publish("calendars/infoniqa", bridge_days=True)
    tickets = [await office.ticket(customer, received_at="2026-05-13T09:00:00Z"), await office.ticket(customer)]
    assert [(each["agreement_version"], each["calendar_version"]) for each in tickets] == [(1, 1), (2, 2)]


async def test_what_is_published_ahead_binds_nobody_yet(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await office.publish("agreements/infoniqa", title="Neu", valid_from="2099-01-01")
    customer = await office.served()
    assert (await office.ticket(customer))["agreement_version"] == 1
    [version] = {
        each["data"]["agreement_version"] for each in await contract_events(office, customer, {"from": "2099-01-01"})
    }
    assert version == 2


async def contract_events(office: Office, customer: str, body: dict[str, Any]) -> Any:
    """The facts of a contract signed now."""
    given = {"agreement": "infoniqa", "plan": "m", "package_hours": 4} | body
    return (await office.post(f"/v1/customers/{customer}/contracts", given, role="admin"))["events"]


async def test_a_difference_names_the_places_and_the_days(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await office.publish("calendars/infoniqa", bridge_days=True)
    diff = await office.get("/v1/calendars/infoniqa/diff?from=1&to=2")
    assert {"pointer": "/bridge_days", "old": False, "new": True} in diff["changes"]
    assert diff["closed_days_gained"]
    assert diff["closed_days_lost"] == []
    back = await office.get("/v1/calendars/infoniqa/diff?from=2&to=1")
    assert back["closed_days_lost"] == diff["closed_days_gained"]
    await office.publish("agreements/infoniqa", title="Neu")
    diff = await office.get("/v1/agreements/infoniqa/diff?from=1&to=2")
    assert diff["changes"] == [{"pointer": "/title", "old": "Infoniqa Customer Support", "new": "Neu"}]


async def test_a_preview_materialises_and_stores_nothing(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    before = await office.service.position()
    text = (TERMS / "calendars" / "hamburg.yaml").read_bytes()
    headers = office.who("auditor") | {"Content-Type": "application/yaml"}
    answer = await office.service.client.post("/v1/calendars/preview", content=text, headers=headers)
    assert answer.status_code == 200
    assert any(day["on"] == "2026-05-15" for day in answer.json()["calendar"]["closed_days"])
    assert await office.service.position() == before


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"hours": {"mon-fri": ["25:00-26:00"]}}, "/hours/mon-fri/0"),
        ({"hours": {}}, "/hours"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"holydays": []}, "/holydays"),
        ({"years": "2027-2025"}, "/years"),
        ({"holidays": [{"country": "XX"}]}, "/holidays/0"),
    ],
)
async def test_an_impossible_calendar_is_refused_with_the_place(
    open_office: OpenOffice, change: Any, pointer: str
) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, "/v1/calendars/office", OFFICE_HOURS | change, method="PUT", role="admin")
    assert problem["errors"][0]["pointer"].startswith(pointer)
    problem = await office.refused(422, "/v1/calendars/preview", OFFICE_HOURS | change)
    assert problem["errors"][0]["pointer"].startswith(pointer)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"calendar": "unknown"}, "/calendar"),
        ({"service_levels": [{"metric": "first_smile", "target": "1 hours"}]}, "/service_levels/0/metric"),
        ({"service_levels": [{"metric": "callback", "target": "1 fortnight"}]}, "/service_levels/0/target"),
        ({"severity": []}, "/severity"),
        ({"currency": "Taler"}, "/currency"),
    ],
)
async def test_an_impossible_agreement_is_refused_with_the_place(
    open_office: OpenOffice, change: Any, pointer: str
) -> None:
    office = await open_office("infoniqa")
    await office.call("PUT", "/v1/calendars/office", OFFICE_HOURS, role="admin")
    problem = await office.refused(422, "/v1/agreements/support", SUPPORT | change, method="PUT", role="admin")
    assert problem["errors"][0]["pointer"].startswith(pointer)


async def test_a_document_is_put_under_its_own_name(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    problem = await office.refused(422, "/v1/calendars/bureau", OFFICE_HOURS, method="PUT", role="admin")
    assert problem["errors"][0]["pointer"] == "/calendar"


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"calendar: [", "application/yaml", 400),
        (b"calendar: *office", "application/yaml", 422),
        (b"", "application/yaml", 422),
        (b"- 1", "application/yaml", 422),
        (b'{"calendar": "office"', "application/json", 400),
        (b"calendar: &office a", "application/yaml", 422),
        (b"- " * 51 + b"x", "application/yaml", 422),
        (b"[" * 51 + b"]" * 51, "application/json", 422),
        (b"a: [" + b"x," * 30_000 + b"x]", "application/yaml", 422),
        (b"x" * 300_000, "application/yaml", 422),
        (b"calendar: office", "text/plain", 415),
        (b"calendar: office", "", 415),
        (b"\xff\xfe", "application/yaml", 400),
    ],
)
async def test_what_is_no_document_is_a_clear_problem(
    open_office: OpenOffice, content: bytes, media_type: str, status: int
) -> None:
    office = await open_office("infoniqa")
    before = await office.service.position()
    answer = await put(office, "/v1/calendars/office", content, media_type)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await office.service.position() == before


async def test_if_match_keeps_a_publication_from_overwriting_anothers(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    text = (TERMS / "agreements" / "infoniqa.yaml").read_bytes()
    newer = text.replace(b"title: Infoniqa", b"title: Neue Infoniqa")
    assert (await put(office, "/v1/agreements/infoniqa", newer, **{"If-Match": '"1"'})).status_code == 201
    late = await put(office, "/v1/agreements/infoniqa", text, **{"If-Match": '"1"'})
    assert late.status_code == 412
    assert [each["version"] for each in (await office.get("/v1/agreements/infoniqa/versions"))["items"]] == [1, 2]


async def test_ten_who_publish_the_same_at_once_make_one_version(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    same = await asyncio.gather(
        *(office.call("PUT", "/v1/calendars/office", OFFICE_HOURS, role="admin") for _ in range(10))
    )
    assert sorted(each.status_code for each in same) == [200] * 9 + [201]
    different = await asyncio.gather(
        *(
            office.call("PUT", "/v1/calendars/office", OFFICE_HOURS | {"title": f"Nummer {number}"}, role="admin")
            for number in range(10)
        )
    )
    assert sorted(each.json()["calendar"]["version"] for each in different) == list(range(2, 12))


async def test_a_name_with_a_dot_never_reads_or_continues_another_providers_terms(open_office: OpenOffice) -> None:
    """The streams of provider a.b's calendar c and provider a's calendar b.c have the same name."""
    office = await open_office("infoniqa")
    theirs, ours = office.of(f"{office.provider}.north"), office
    calendar = OFFICE_HOURS | {"calendar": "office"}
    assert (await theirs.call("PUT", "/v1/calendars/office", calendar, role="admin")).status_code == 201
    await ours.refused(404, "/v1/calendars/north.office", method="GET")
    problem = await ours.refused(
        409, "/v1/calendars/north.office", OFFICE_HOURS | {"calendar": "north.office"}, method="PUT", role="admin"
    )
    assert problem["type"] == "/problems/name-not-available"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"a: [" + b"x," * 120_000 + b"x]", "application/yaml"),
        (b'{"hours": [' + b'"a",' * 19_000, "application/json"),
        (b'{"hours": [' + b'"a",' * 19_000 + b'"a"]}', "application/json"),
        (b"\n".join(b"key%d: 1" % number for number in range(4_990)), "application/yaml"),
    ],
    ids=["YAML beyond the limit", "broken JSON", "JSON", "unknown keys"],
)
async def test_a_large_document_is_refused_and_leaves_the_event_loop_to_others(
    open_office: OpenOffice, content: Any, media_type: str
) -> None:
    office = await open_office("infoniqa")
    headers = office.who("agent") | {"Content-Type": media_type}

    async def preview() -> httpx.Response:
        return await office.service.client.post("/v1/calendars/preview", content=content, headers=headers)

    async with watched() as watchdog:
        answer = await watchdog.see("the document", preview)

    assert answer.status_code in (400, 422), answer.text
    assert watchdog.longest < 0.02
