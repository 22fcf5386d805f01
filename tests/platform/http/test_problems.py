"""A refusal has one form everywhere (RFC 9457), whatever was refused and wherever."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi import Request
from fastapi.responses import Response
from pydantic import Field, TypeAdapter, ValidationError

from fristwerk_platform.http.problems import CODES, MAX_ERRORS, TITLES, Problem, instance, invalid, response
from fristwerk_platform.http.sentences import said_of


def request(path: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"[")], "query_string": b""})


def told(answer: Response) -> Any:
    return json.loads(bytes(answer.body))


def test_a_problem_has_type_title_status_detail_and_instance() -> None:
    refusal = Problem(409, "Ticket HAM-7 is closed.", code="ticket-closed", headers={"Retry-After": "1"})

    answer = response(request("/v1/tickets/HAM-7/work"), refusal)

    assert (answer.status_code, answer.media_type) == (409, "application/problem+json")
    assert answer.headers["retry-after"] == "1"
    assert told(answer) == {
        "type": "/problems/ticket-closed",
        "title": "Not possible in this state",
        "status": 409,
        "detail": "Ticket HAM-7 is closed.",
        "instance": "/v1/tickets/HAM-7/work",
    }


def test_bad_input_names_its_places() -> None:
    refusal = Problem(422, "Wrong.", errors=[("/fields/phone", "required for a malfunction"), ("", "is no object")])

    assert told(response(request("/"), refusal))["errors"] == [
        {"pointer": "/fields/phone", "detail": "required for a malfunction"},
        {"pointer": "", "detail": "is no object"},
    ]


def test_not_every_place_is_named_where_there_are_very_many() -> None:
    refusal = Problem(422, "Wrong.", errors=[(f"/{number}", "is wrong") for number in range(10_000)])

    assert len(told(response(request("/"), refusal))["errors"]) == MAX_ERRORS


@pytest.mark.parametrize("status", sorted(set(TITLES) | {418}))
def test_every_status_has_a_title_and_a_code(status: int) -> None:
    answer = told(response(request("/"), Problem(status, "Because.")))

    assert answer["title"]
    assert answer["type"] == f"/problems/{CODES.get(status, 'problem')}"


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("/v1/tickets/HAM-7", "/v1/tickets/HAM-7"),
        ("/a b/ü", "/a%20b/%C3%BC"),
        ("/a?b#c%", "/a%3Fb%23c%25"),
        ('/"<>\\^`{|}\n', "/%22%3C%3E%5C%5E%60%7B%7C%7D%0A"),
        ("/\ud800", "/%3F"),
        ("", ""),
    ],
)
def test_the_instance_is_a_uri_reference_whatever_the_path(path: str, reference: str) -> None:
    assert instance(request(path)) == reference


@pytest.mark.parametrize(
    ("place", "pointer"),
    [
        (("body",), ""),
        (("body", "fields", "phone"), "/fields/phone"),
        (("body", "a/b", "c~d", "~1"), "/a~1b/c~0d/~01"),
        (("body", "items", 0, ""), "/items/0/"),
        (("query", "limit"), "#query/limit"),
        (("header", "last-event-id"), "#header/last-event-id"),
    ],
)
def test_a_place_in_a_body_is_a_json_pointer_and_a_parameter_is_named(
    place: tuple[str | int, ...], pointer: str
) -> None:
    problem = invalid([{"loc": place, "msg": "Value error, Must be", "type": "value_error"}])

    assert (problem.status, problem.code, problem.errors) == (422, "invalid-request", ((pointer, "must be"),))


def test_what_a_path_names_and_cannot_be_is_not_there() -> None:
    wrong = [
        {"loc": ("body", "text"), "msg": "", "type": "missing"},
        {"loc": ("path", "number"), "msg": "", "type": "int_parsing"},
    ]
    problem = invalid(wrong)

    assert (problem.status, problem.code) == (404, "not-found")
    assert problem.errors == (("#path/number", "must be a whole number"),)
    assert problem.detail == "There is no such thing: #path/number must be a whole number."


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (int, "a", "must be a whole number"),
        (int, 0.5, "must be a whole number"),
        (bool, "perhaps", "must be true or false"),
        (str, 1, "must be a text"),
        (list[int], {}, "must be a list"),
        (dict[str, int], [], "must be an object"),
        (Literal["de", "en"], "fr", "must be 'de' or 'en'"),
        (Annotated[str, Field(max_length=3)], "four", "must have at most 3 characters"),
        (Annotated[str, Field(pattern="^a+$")], "b", "must match ^a+$"),
        (Annotated[list[int], Field(min_length=1)], [], "must have at least 1 entries"),
        (Annotated[int, Field(ge=1, le=9)], 0, "must be at least 1"),
        (Annotated[int, Field(ge=1, le=9)], 10, "must be at most 9"),
        (UUID, "x", "must be a valid UUID"),
    ],
)
def test_a_check_speaks_in_our_words(annotation: Any, value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as found:
        TypeAdapter(annotation).validate_python(value)

    (error,) = found.value.errors()
    assert said_of(error).startswith(sentence)
