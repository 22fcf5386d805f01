"""What customers say of the service: surveys that are planned and held, suggestions and what becomes of them, and the scores."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.ticket_service.conftest import OpenOffice
from ticket_service.application import opinions

pytestmark = pytest.mark.asyncio(loop_scope="session")
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


async def test_a_survey_is_planned_held_and_reported_with_its_words_sealed(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer, other = await office.served(), await office.served()
    surveys = f"/v1/customers/{customer}/surveys"
    await office.refused(422, surveys, {"channel": "email"})
    for whose in (customer, other):
        await office.post(f"/v1/customers/{whose}/surveys", {"channel": "phone", "planned_for": TODAY, "agent": "eva"})
    planned = (await office.get("/v1/surveys"))["items"]
    assert sorted((each["customer"], each["planned_for"], each["agent"]) for each in planned) == sorted(
        (each, TODAY, "eva") for each in (customer, other)
    )

    await office.refused(422, f"{surveys}/1/answers", {"contact": "Vera"})
    await office.refused(422, f"{surveys}/1/answers", {"score": 6})
    held = await office.post(
        f"{surveys}/1/answers", {"score": 4, "text": "Schnelle Antworten", "contact": "Vera", "channel": "in_person"}
    )
    assert "Schnelle" not in json.dumps(held)
    await office.post(f"/v1/customers/{other}/surveys/1/answers", {"score": 5}, sub="tom")
    read = (await office.get(surveys))["items"][0]
    assert (read["score"], read["channel"], read["text"], read["contact"]) == (
        4,
        "in_person",
        "Schnelle Antworten",
        "Vera",
    )
    assert (read["agreement"], read["open"]) == ("hamburg", False)
    assert (await office.refused(409, f"{surveys}/1/answers", {"score": 4}))["type"] == "/problems/survey-over"
    await office.refused(404, f"{surveys}/2/answers", {"score": 4})
    await office.post(surveys, {"channel": "phone"})
    await office.post(f"{surveys}/2/cancellation", {"reason": "Nicht erreichbar"})
    assert (await office.get("/v1/surveys"))["items"] == []
    assert [each["reason"] for each in (await office.get(surveys))["items"]] == [None, "Nicht erreichbar"]

    async def report(group_by: str) -> list[tuple[str, int, float]]:
        found = await office.get(f"/v1/reports/scores?from={TODAY}&until={TODAY}&group_by={group_by}")
        return [(each["group"], each["count"], each["mean"]) for each in found["items"]]

    assert await report("month") == [(TODAY[:7], 2, 4.5)]
    assert await report("agreement") == [("hamburg", 2, 4.5)]
    assert await report("customer") == sorted([(customer, 1, 4.0), (other, 1, 5.0)])
    assert (await office.get("/v1/reports/scores?from=2020-01-01&until=2020-12-31"))["items"] == []


async def test_a_suggestion_is_taken_up_or_declined_with_a_reason(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer, other = await office.served(), await office.served()
    suggestions = f"/v1/customers/{customer}/suggestions"
    as_customer = {"role": "customer", "customer": customer}
    await office.post(suggestions, {"text": "Samstags erreichbar sein"}, **as_customer)
    await office.post(suggestions, {"text": "Mehr Licht"})
    await office.refused(404, suggestions, {"text": "X"}, role="customer", customer=other)
    waiting = (await office.get("/v1/suggestions"))["items"]
    assert [(each["customer"], each["text"]) for each in waiting] == [
        (customer, "Samstags erreichbar sein"),
        (customer, "Mehr Licht"),
    ]

    outcome = f"{suggestions}/1/outcome"
    await office.refused(422, outcome, {"outcome": "declined"})
    await office.post(outcome, {"outcome": "declined", "reason": "Zu wenige fragen danach"})
    assert (await office.refused(409, outcome, {"outcome": "declined", "reason": "R"}))["type"] == (
        "/problems/suggestion-already-decided"
    )
    assert [each["number"] for each in (await office.get("/v1/suggestions"))["items"]] == [2]
    read = (await office.get(suggestions, **as_customer))["items"][0]
    assert (read["outcome"], read["reason"]) == ("declined", "Zu wenige fragen danach")
    await office.post(outcome, {"outcome": "taken_up"})
    assert (await office.get(suggestions))["items"][0]["outcome"] == "taken_up"
    assert len((await office.get("/v1/suggestions?open=false"))["items"]) == 2
    await office.refused(409, outcome, {"outcome": "declined", "reason": "R"})

    await office.post(f"/v1/customers/{customer}/forget", {"accept": ["contracts"]}, role="admin")
    assert {each["text"] for each in (await office.get(suggestions))["items"]} == {None}


@pytest.mark.parametrize("part", [1, 2, 50])
async def test_surveys_and_suggestions_of_all_customers_are_listed_in_pages(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(opinions, "PART", part)
    office = await open_office("hamburg")
    customers = sorted([await office.served() for _ in range(3)])
    for customer in customers:
        for number in (1, 2, 3):
            await office.post(f"/v1/customers/{customer}/surveys", {"channel": "phone"})
            await office.post(f"/v1/customers/{customer}/suggestions", {"text": f"Vorschlag {number}"})
    await office.post(f"/v1/customers/{customers[1]}/surveys/2/cancellation", {"reason": "Nicht erreichbar"})
    await office.post(f"/v1/customers/{customers[0]}/suggestions/3/outcome", {"outcome": "taken_up"})
    every = [(customer, number) for customer in customers for number in (1, 2, 3)]
    over = {"surveys": (customers[1], 2), "suggestions": (customers[0], 3)}

    for kind, ended in over.items():
        for query, expected in (("open=false", every), ("", [each for each in every if each != ended])):
            for limit in (1, 2, 9):
                found: list[tuple[str, int]] = []
                following: str | None = f"/v1/{kind}?{query}&limit={limit}".replace("?&", "?")
                while following:
                    answer = await office.call("GET", following)
                    items = answer.json()["items"]
                    assert 0 < len(items) <= limit
                    found += [(each["customer"], each["number"]) for each in items]
                    following = answer.links.get("next", {}).get("url")
                assert found == expected, (kind, query, limit)
        for cursor in ("x", f"{customers[0]}.", f"{customers[0]}.1.1", "a.b"):
            await office.refused(422, f"/v1/{kind}?after={cursor}", method="GET")
        other = office.of("another")
        assert (await other.get(f"/v1/{kind}?after={customers[0]}.1&open=false"))["items"] == []
