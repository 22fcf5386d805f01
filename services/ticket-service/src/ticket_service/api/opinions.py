"""What customers say of the service: surveys by telephone or in person, suggestions and their outcome, and the scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS, STAFF
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    LongText,
    Routes,
    ShortText,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.queries import Page, QueryParameters, page
from ticket_service.api import answers, examples
from ticket_service.api.access import ADMIN, check_own, command_of, there
from ticket_service.api.opinion_answers import ScoreReport, Suggestions, Surveys
from ticket_service.api.parameters import CustomerId
from ticket_service.application.application import Application
from ticket_service.application.opinions import GroupBy
from ticket_service.domain.customer import opinions as domain
from ticket_service.domain.customer.opinion_commands import (
    CallOffSurvey,
    DecideSuggestion,
    HoldSurvey,
    MakeSuggestion,
    PlanSurvey,
)

_CURSOR: Final = r"^([0-9A-Za-z-]{1,40}\.[0-9]{1,9})?$"
OpinionNumber = Annotated[int, Field(ge=1, le=10_000, description="Counts from 1 within the customer")]
SURVEY: Final = {
    "number": 1,
    "channel": "phone",
    "planned_for": "2026-06-10",
    "agent": "agent-3",
    "held_at": "2026-06-10T09:00:00Z",
    "called_off_at": None,
    "score": 4,
    "agreement": "hamburg",
    "open": False,
    "text": "Antworten kommen schnell",
    "contact": "Vera Muster",
    "reason": None,
}
SUGGESTION: Final = {
    "number": 1,
    "made_at": "2026-06-10T09:00:00Z",
    "ticket": None,
    "outcome": "declined",
    "decided_at": "2026-06-12T09:00:00Z",
    "open": False,
    "text": "Samstags erreichbar sein",
    "contact": None,
    "reason": "Zu wenige fragen danach",
}
_CUSTOMER: Final = {"customer": "0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"}
_SCORES: Final = {"group": "2026-06", "count": 2, "mean": 4.5, "scores": {"4": 1, "5": 1}}


class SurveyBody(HttpModel):
    """How the customer is to be asked, on which local day and by whom."""

    channel: Identifier = Field(examples=["phone"])
    planned_for: LocalDate | None = None
    agent: Identifier | None = None
    occurred_at: Instant | None = None


class AnswersBody(HttpModel):
    """What the customer answered; `channel` where it is another than planned, `contact` is who answered."""

    score: Annotated[int, Field(strict=True, ge=1, le=5)] | None = Field(None, examples=[4])
    text: LongText | None = None
    contact: ShortText | None = None
    channel: Identifier | None = None
    occurred_at: Instant | None = None


class ReasonBody(HttpModel):
    """Why."""

    reason: LongText = Field(examples=["Der Kunde will nicht gefragt werden"])
    occurred_at: Instant | None = None


class SuggestionBody(HttpModel):
    """What the customer would like to be otherwise."""

    text: LongText = Field(examples=["Samstags erreichbar sein"])
    occurred_at: Instant | None = None


class OutcomeOfSuggestionBody(HttpModel):
    """Whether it is taken up; declining has a reason."""

    outcome: Literal["taken_up", "declined"]
    reason: LongText | None = None
    occurred_at: Instant | None = None


class OpenQuery(Page):
    """Which page, and whether those that are over are listed as well."""

    after: str = Field(
        "", pattern=_CURSOR, max_length=64, description="The cursor of the page before, as its Link has it"
    )
    open: bool = Field(True, description="Only what is planned, or not decided")


class ScoresQuery(QueryParameters):
    """From which day to which one (UTC, both inclusive), and by what the scores are told apart."""

    since: Annotated[LocalDate, Field(alias="from")]
    until: LocalDate
    group_by: GroupBy = "month"


def _cursor(item: Mapping[str, Any]) -> str:
    return f"{item['customer']}.{item['number']}"


def opinions_router(application: Application) -> Routes:
    """Surveys and suggestions below ``/v1/customers/{customer}``, and the lists and the report over all customers."""
    routes = Routes(tags=["customers"], found=there(application))
    _add_surveys(routes, application)
    _add_suggestions(routes, application)
    _add_lists(routes, application)
    return routes


def _done() -> Any:
    return responses(201, "Done", examples.CUSTOMER_CHANGED, answers.CustomerChanged)


def _add_surveys(routes: Routes, application: Application) -> None:
    opinions = application.opinions
    how: Any = {"status_code": 201, "headers": (IF_MATCH,), "permits": (ADMIN | STAFF, "ask customers")}

    @routes.post("/customers/{customer}/surveys", summary="Plan a survey", responses=_done(), **how)
    async def plan_survey(request: Request, customer: CustomerId, body: SurveyBody) -> Response:
        """By one of the agreement's `surveys.channels`, else by `phone` or `in_person`."""
        meta = await command_of(request, application, body.occurred_at)
        command = PlanSurvey(**body.model_dump(exclude={"occurred_at"}))
        return as_response(await opinions.plan(meta, customer, command))

    @routes.post("/customers/{customer}/surveys/{number}/answers", summary="Hold a survey", responses=_done(), **how)
    async def hold_survey(request: Request, customer: CustomerId, number: OpinionNumber, body: AnswersBody) -> Response:
        """What the customer answered: a score from 1 (poor) to 5, or words, or both. The words are sealed."""
        meta = await command_of(request, application, body.occurred_at)
        given = body.model_dump(exclude={"occurred_at"})
        command = HoldSurvey(number=number, agent=meta.principal.sub, **given)
        return as_response(await opinions.hold(meta, customer, command))

    @routes.post(
        "/customers/{customer}/surveys/{number}/cancellation", summary="Call off a survey", responses=_done(), **how
    )
    async def call_off_survey(
        request: Request, customer: CustomerId, number: OpinionNumber, body: ReasonBody
    ) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = CallOffSurvey(number=number, reason=body.reason)
        decide = lambda state: domain.call_off_survey(state, command)  # noqa: E731 - one decision
        return as_response(await opinions.change(meta, customer, decide))


def _add_suggestions(routes: Routes, application: Application) -> None:
    opinions = application.opinions
    how: Any = {"status_code": 201, "headers": (IF_MATCH,)}

    @routes.post(
        "/customers/{customer}/suggestions",
        summary="Make a suggestion",
        responses=_done(),
        permits=(STAFF | {"customer"}, "make suggestions"),
        **how,
    )
    async def make_suggestion(request: Request, customer: CustomerId, body: SuggestionBody) -> Response:
        """By the customer, or by staff who heard it."""
        _check_own(request, customer)
        meta = await command_of(request, application, body.occurred_at)
        command = MakeSuggestion(text=body.text)
        return as_response(await opinions.change(meta, customer, lambda state: domain.make_suggestion(state, command)))

    @routes.post(
        "/customers/{customer}/suggestions/{number}/outcome",
        summary="Say what becomes of a suggestion",
        responses=_done(),
        permits=(ADMIN | STAFF, "decide on suggestions"),
        **how,
    )
    async def decide_suggestion(
        request: Request, customer: CustomerId, number: OpinionNumber, body: OutcomeOfSuggestionBody
    ) -> Response:
        meta = await command_of(request, application, body.occurred_at)
        command = DecideSuggestion(number=number, outcome=body.outcome, reason=body.reason)
        return as_response(
            await opinions.change(meta, customer, lambda state: domain.decide_suggestion(state, command))
        )

    @routes.get(
        "/customers/{customer}/suggestions",
        summary="List a customer's suggestions",
        responses=responses(200, "Suggestions", {"items": [SUGGESTION]}, Suggestions),
    )
    async def list_suggestions_of(request: Request, customer: CustomerId) -> Response:
        """With what became of each, and why; a customer reads its own."""
        _check_own(request, customer)
        items = await opinions.of(principal_of(request).provider, customer, "suggestion")
        return json_answer({"items": items})


def _add_lists(routes: Routes, application: Application) -> None:
    opinions = application.opinions

    @routes.get(
        "/customers/{customer}/surveys",
        summary="List a customer's surveys",
        responses=responses(200, "Surveys", {"items": [SURVEY]}, Surveys),
    )
    async def list_surveys_of(request: Request, customer: CustomerId) -> Response:
        provider = allowed(request, READERS, "read surveys").provider
        return json_answer({"items": await opinions.of(provider, customer, "survey")})

    @routes.get(
        "/surveys",
        summary="List surveys",
        responses=responses(200, "A page", {"items": [SURVEY | _CUSTOMER]}, Surveys),
        is_long=True,
    )
    async def list_surveys(request: Request, query: OpenQuery) -> Response:
        """Of all customers; without `open=false` those that are planned."""
        provider = allowed(request, READERS, "read surveys").provider
        items = await opinions.page(provider, "survey", open_only=query.open, after=query.after, limit=query.limit + 1)
        return page(request, items, query.limit, _cursor)

    @routes.get(
        "/suggestions",
        summary="List suggestions",
        responses=responses(200, "A page", {"items": [SUGGESTION | _CUSTOMER]}, Suggestions),
        is_long=True,
    )
    async def list_suggestions(request: Request, query: OpenQuery) -> Response:
        """Of all customers; without `open=false` those on which nobody has decided."""
        provider = allowed(request, READERS, "read suggestions").provider
        items = await opinions.page(
            provider, "suggestion", open_only=query.open, after=query.after, limit=query.limit + 1
        )
        return page(request, items, query.limit, _cursor)

    @routes.get(
        "/reports/scores",
        summary="Report the scores of surveys",
        responses=responses(200, "A row for each group", {"items": [_SCORES]}, ScoreReport),
        is_long=True,
    )
    async def read_scores(request: Request, query: ScoresQuery) -> Response:
        """Of the surveys that were held in the period, by month, customer or agreement."""
        provider = allowed(request, READERS, "read reports").provider
        return json_answer({"items": await opinions.scores(provider, query.since, query.until, query.group_by)})


def _check_own(request: Request, customer: str) -> None:
    principal = principal_of(request)
    check_own(principal, customer)
    if principal.role != "customer":
        allowed(request, READERS, "read suggestions")
