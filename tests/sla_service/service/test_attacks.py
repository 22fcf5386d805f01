"""Bad input, wrong roles and foreign providers: a clear problem each, never a failure of the service."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sla_service.service.conftest import Desk

BILLION = "1000000000 minutes"


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    return problem


REFUSED_QUESTIONS = [
    ("/v1/tickets/{t}/timers", {"at": "yesterday"}, "#query/at"),
    ("/v1/tickets/{t}/timers", {"at": "2026-06-03T14:30:00"}, "#query/at"),
    ("/v1/tickets/{t}/timers", {"at": "2026-02-30T14:30:00Z"}, "#query/at"),
    ("/v1/tickets/{t}/timers", {"at": ""}, "#query/at"),
    ("/v1/tickets/{t}/timers", {"known_at": "0001-01-01T00:00:00+02:00"}, "#query/known_at"),
    ("/v1/tickets/{t}/timers", {"known_at": "9999-12-31T23:59:59-02:00"}, "#query/known_at"),
    ("/v1/tickets/{t}/timers", {"att": "2026-06-03T14:30:00Z"}, "#query/att"),
    ("/v1/timers", {"state": "late"}, "#query/state"),
    ("/v1/timers", {"metric": "smiles"}, "#query/metric"),
    ("/v1/timers", {"mertic": "callback"}, "#query/mertic"),
    ("/v1/timers", {"within": "-5m"}, "#query/within"),
    ("/v1/timers", {"within": "5 minutes"}, "#query/within"),
    ("/v1/timers", {"within": "١m"}, "#query/within"),
    ("/v1/timers", {"limit": "0"}, "#query/limit"),
    ("/v1/timers", {"limit": "201"}, "#query/limit"),
    ("/v1/timers", {"order": "random"}, "#query/order"),
    ("/v1/timers", {"order": "due_at", "after": "x" * 300}, "#query/after"),
    ("/v1/timers", {"due_before": "soon"}, "#query/due_before"),
    ("/v1/timers/x:first_response/explanation", {"lang": "fr"}, "#query/lang"),
    ("/v1/reports/compliance", {"from": "2026-07-01", "until": "2026-06-01"}, "#query/from"),
    ("/v1/reports/compliance", {"from": "2026-07-01T00:00:00Z", "until": "2026-06-01"}, "#query/from"),
    ("/v1/reports/compliance", {"from": "26-06-01"}, "#query/from"),
    ("/v1/reports/compliance", {"from": "2026-06-01T00:00:00"}, "#query/from"),
    ("/v1/reports/compliance", {"group_by": "mood"}, "#query/group_by"),
    ("/v1/reports/compliance", {"format": "pdf"}, "#query/format"),
    ("/v1/reports/compliance", {"since": "2026-06-01"}, "#query/since"),
    ("/v1/reports/attribution", {}, "#query/ticket"),
    ("/v1/reports/attribution", {"ticket": "{t}", "from": "2026-06-01"}, "#query/ticket"),
    ("/v1/simulations", {"limit": "many"}, "#query/limit"),
    ("/v1/simulations/x", {"after": "-1"}, "#query/after"),
    ("/v1/simulations/x", {"differs": "maybe"}, "#query/differs"),
]


async def test_a_question_that_cannot_be_answered_is_refused_with_the_parameter(day: Desk) -> None:
    ticket = day.id("lohnlauf")
    for path, params, pointer in REFUSED_QUESTIONS:
        given = {name: value.replace("{t}", ticket) for name, value in params.items()}
        problem = is_problem(await day.ask(path.replace("{t}", ticket), role="manager", **given), 422)
        assert pointer in [each["pointer"] for each in problem["errors"]], (path, params, problem)


async def test_extreme_questions_are_answered(day: Desk) -> None:
    ticket = day.id("lohnlauf")
    for path, params in (
        (f"/v1/tickets/{ticket}/timers", {"at": "2100-12-31T23:59:59Z"}),
        (f"/v1/tickets/{ticket}/timers", {"known_at": "2100-12-31T23:59:59Z"}),
        ("/v1/timers", {"within": "0m"}),
        ("/v1/timers", {"within": "999999d"}),
        ("/v1/timers", {"due_before": "2100-12-31T23:59:59Z", "order": "due_at"}),
        ("/v1/timers", {"due_before": "1970-01-01T00:00:00Z"}),
        ("/v1/timers", {"after": "zzz"}),
        ("/v1/timers", {"customer": "'; DROP TABLE timers; --"}),
        ("/v1/reports/compliance", {"from": "1970-01-01", "until": "2100-12-31"}),
        ("/v1/reports/compliance", {"from": "1970-01-01T00:00:00Z", "until": "2100-12-31T23:59:59Z"}),
        ("/v1/reports/compliance", {"after": "zzz"}),
        ("/v1/reports/attribution", {"from": "1970-01-01"}),
        ("/v1/reports/attribution", {"until": "2100-12-31"}),
    ):
        answer = await day.ask(path, role="manager", **params)
        assert answer.status_code == 200, (path, params, answer.text)
    assert is_problem(await day.ask(f"/v1/tickets/{ticket}/timers", at="1970-01-01T00:00:00Z"), 404)


async def test_what_does_not_exist_is_not_found(day: Desk) -> None:
    for path in (
        "/v1/tickets/0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80/timers",
        "/v1/tickets/%F0%9F%98%80/timers",
        "/v1/timers/nothing/explanation",
        "/v1/simulations/nothing",
        "/v1/nothing",
    ):
        is_problem(await day.ask(path), 404)
    is_problem(await day.ask("/v1/reports/attribution", ticket="nothing"), 404)


REFUSED_DEADLINES: list[tuple[object, int, str | None]] = [
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": BILLION}, 422, "/target"),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "999999999 business hours"}, 422, "/target"),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "3660 business days"}, 422, None),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "60 worked minutes"}, 422, "/target"),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "-1 hours"}, 422, "/target"),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "0 hours"}, 422, "/target"),
    ({"calendar": "infoniqa", "start": "9999-12-31T23:59:59Z", "target": "1 hours"}, 422, "/start"),
    ({"calendar": "infoniqa", "start": "9999-12-31T23:59:59Z", "target": "1 business hours"}, 422, None),
    ({"calendar": "infoniqa", "start": "0001-01-01T00:00:00Z", "target": "1 business hours"}, 422, None),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00", "target": "1 hours"}, 422, "/start"),
    ({"calendar": "infoniqa", "start": 1780497000, "target": "1 hours"}, 422, "/start"),
    ({"calendar": "nowhere", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 404, None),
    ({"calendar": "infoniqa@9", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 404, None),
    ({"calendar": "infoniqa@" + "9" * 400, "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 404, None),
    ({"calendar": "infoniqa@x", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 404, None),
    ({"calendar": "@1", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 404, None),
    ({"calendar": "", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 422, "/calendar"),
    ({"start": "2026-06-03T14:30:00Z", "target": "1 hours"}, 422, "/calendar"),
    ({"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "1 hours", "x": 1}, 422, "/x"),
    ([], 422, None),
]


async def test_a_deadline_that_cannot_be_computed_is_a_problem(day: Desk) -> None:
    for body, status, pointer in REFUSED_DEADLINES:
        problem = is_problem(await day.post("/v1/deadlines", body, service="sla"), status)
        if pointer is not None:
            assert pointer in [each["pointer"] for each in problem["errors"]], body


async def test_a_deadline_is_computed_with_its_steps_and_the_same_key_gives_the_same_answer(day: Desk) -> None:
    body = {"calendar": "infoniqa", "start": "2026-06-03T16:30:00+02:00", "target": "2 business hours"}
    first = await day.post("/v1/deadlines", body, service="sla", key="d-1")
    assert first.json()["due_at"] == "2026-06-05T07:30:00Z"
    assert "Fronleichnam" in str(first.json()["steps"])
    again = await day.post("/v1/deadlines", body, service="sla", key="d-1")
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    other = await day.post("/v1/deadlines", body | {"target": "1 hours"}, service="sla", key="d-1")
    assert is_problem(other, 422)["type"] == "/problems/idempotency-key-reused"
    is_problem(await day.post("/v1/deadlines", body, role="service", service="sla"), 403)
    literal = await day.post("/v1/deadlines", body | {"calendar": "infoniqa-literal@1"}, service="sla")
    assert literal.json()["due_at"] == "2026-06-04T08:00:00Z"


async def test_bodies_that_are_not_json_are_refused(day: Desk) -> None:
    headers = day.stack.headers("agent", "infoniqa") | {"Content-Type": "application/json"}
    sla = day.stack.clients["sla"]
    for path in ("/v1/deadlines", "/v1/simulations"):
        for content in (b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b"[" * 100_000, b"\xff", b""):
            answer = await sla.post(path, content=content, headers=headers)
            assert answer.status_code in {400, 422}, (content[:20], answer.text)
        answer = await sla.post(path, content=b"a=1", headers=headers | {"Content-Type": "text/plain"})
        assert answer.status_code == 415
        answer = await sla.post(path, content=b"x" * (1024 * 1024 + 1), headers=headers)
        assert answer.status_code == 413


CUSTOMER_MAY_NOT = (
    "/v1/timers",
    "/v1/reports/compliance",
    "/v1/reports/attribution?from=2026-01-01",
    "/v1/simulations",
)


async def test_a_customer_reads_the_own_tickets_timers_and_nothing_else(day: Desk) -> None:
    own, other = day.id("lohnlauf"), day.id("druck")
    muster = {"role": "customer", "as_customer": day.id("muster", "customer")}
    timers = (await day.read(f"/v1/tickets/{own}/timers", **muster))["items"]
    assert len(timers) == 1
    assert (await day.ask(f"/v1/timers/{own}:first_response/explanation", **muster)).status_code == 200

    foreign = is_problem(await day.ask(f"/v1/tickets/{other}/timers", **muster), 404)
    missing = is_problem(await day.ask("/v1/tickets/nothing/timers", **muster), 404)
    assert foreign["detail"].replace(other, "nothing") == missing["detail"]
    is_problem(await day.ask(f"/v1/timers/{other}:first_response/explanation", **muster), 404)
    for path in CUSTOMER_MAY_NOT:
        is_problem(await day.ask(path, **muster), 403)
    headers = day.stack.headers("customer", "infoniqa", day.id("muster", "customer"))
    for path, body in (
        ("/v1/deadlines", {"calendar": "infoniqa", "start": "2026-06-03T14:30:00Z", "target": "1 hours"}),
        ("/v1/simulations", {"agreement": "infoniqa"}),
    ):
        is_problem(await day.stack.clients["sla"].post(path, json=body, headers=headers), 403)


async def test_the_role_of_followers_reads_no_timers(day: Desk) -> None:
    for path in (f"/v1/tickets/{day.id('lohnlauf')}/timers", *CUSTOMER_MAY_NOT):
        is_problem(await day.ask(path, role="service"), 403)


async def test_another_provider_gets_the_same_not_found_as_for_what_never_was(day: Desk) -> None:
    other, ticket = day.of("hamburg"), day.id("lohnlauf")
    for path in (f"/v1/tickets/{ticket}/timers", f"/v1/timers/{ticket}:first_response/explanation"):
        foreign = is_problem(await other.ask(path, role="admin"), 404)
        missing = is_problem(await other.ask(path.replace(ticket, "nothing"), role="admin"), 404)
        assert foreign["detail"].replace(ticket, "nothing") == missing["detail"]
    is_problem(await other.ask("/v1/reports/attribution", role="admin", ticket=ticket), 404)
    assert all(each["id"].partition(":")[0] != ticket for each in (await other.read("/v1/timers", limit=200))["items"])
    answer = await other.ask("/v1/timers", order="due_at", after=f"2026-06-05T07:30:00Z~{ticket}:first_response")
    assert ticket not in answer.text
    report = await other.read("/v1/reports/compliance", customer=day.id("muster", "customer"))
    assert report["total"]["timers"] == 0


async def test_without_a_valid_token_nothing_is_answered(day: Desk) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        for path in ("/v1/timers", "/v1/reports/compliance", "/v1/simulations", "/v1/events"):
            is_problem(await day.stack.clients["sla"].get(path, headers=headers), 401)


async def test_every_operation_has_an_id_a_summary_and_an_example(day: Desk) -> None:
    described = (await day.stack.clients["sla"].get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    ids = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            ids.append(operation["operationId"])
            assert operation["summary"], place
            good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            assert any("example" in content for content in good["content"].values()), place
            if "requestBody" in operation:
                assert "examples" in str(operation["requestBody"]) or "$ref" in str(operation["requestBody"]), place
    assert len(ids) == len(set(ids))
    assert {
        "read_ticket_timers",
        "list_timers",
        "explain_timer",
        "compute_deadline",
        "report_compliance",
        "report_attribution",
        "start_simulation",
        "list_simulations",
        "read_simulation",
        "read_events",
    } <= set(ids)
