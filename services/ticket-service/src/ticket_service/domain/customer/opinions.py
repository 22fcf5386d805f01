"""What customers say of the service, beside their tickets: surveys that are planned and held, suggestions and their outcome.

Decisions return facts or raise a refusal.
"""

from __future__ import annotations

from typing import Final

from fristwerk_language.events.customers import (
    SuggestionDecided,
    SuggestionMade,
    SurveyCalledOff,
    SurveyHeld,
    SurveyPlanned,
)
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.handling import SurveyTerms
from ticket_service.domain.customer.opinion_commands import (
    CallOffSurvey,
    DecideSuggestion,
    HoldSurvey,
    MakeSuggestion,
    PlanSurvey,
)
from ticket_service.domain.customer.state import Customer, Suggestion, Survey, check_not_forgotten
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.validation import Violations, personal

BY_DEFAULT: Final = SurveyTerms(channels=["phone", "in_person"])
"""How customers are asked whose agreement says nothing of surveys."""
SCORES: Final = range(1, 6)


def plan_survey(customer: Customer, command: PlanSurvey, agreement: AgreementDocument | None) -> list[DecidedEvent]:
    """A survey of the customer by one of the agreement's ``surveys.channels``. Raises a refusal."""
    check_not_forgotten(customer)
    violations = Violations()
    _check_channel(command.channel, agreement, violations)
    violations.raise_if_any(f"No survey of customer {customer.id} is planned like this.")
    event = SurveyPlanned(
        customer=customer.id,
        survey=len(customer.surveys) + 1,
        channel=command.channel,
        planned_for=command.planned_for,
        agent=command.agent,
    )
    return [DecidedEvent(event)]


def hold_survey(customer: Customer, command: HoldSurvey, agreement: AgreementDocument | None) -> list[DecidedEvent]:
    """What the customer answered, with a score, or none. Raises a refusal."""
    check_not_forgotten(customer)
    survey = _open_survey(customer, command.number)
    channel = command.channel or survey.channel
    violations = Violations()
    _check_channel(channel, agreement, violations)
    if command.score is not None:
        violations.require(command.score in SCORES, "/score", "is a number from 1 (poor) to 5")
    else:
        violations.texts(text=command.text)
    violations.raise_if_any(f"The survey {survey.number} of customer {customer.id} is not held like this.")
    event = SurveyHeld(
        customer=customer.id,
        survey=survey.number,
        channel=channel,
        agent=command.agent,
        score=command.score,
        agreement=None if agreement is None else agreement.agreement,
    )
    return [DecidedEvent(event, personal(text=command.text, contact=command.contact))]


def call_off_survey(customer: Customer, command: CallOffSurvey) -> list[DecidedEvent]:
    """The customer is not asked, for a reason. Raises a refusal."""
    survey = _open_survey(customer, command.number)
    violations = Violations()
    violations.texts(reason=command.reason)
    violations.raise_if_any(f"The survey {survey.number} of customer {customer.id} stays planned.")
    return [DecidedEvent(SurveyCalledOff(customer=customer.id, survey=survey.number), personal(reason=command.reason))]


def make_suggestion(customer: Customer, command: MakeSuggestion) -> list[DecidedEvent]:
    """Somebody at the customer would like something to be otherwise. Raises a refusal."""
    check_not_forgotten(customer)
    violations = Violations()
    violations.texts(text=command.text)
    violations.raise_if_any(f"The suggestion of customer {customer.id} says nothing.")
    number = len(customer.suggestions) + 1
    event = SuggestionMade(customer=customer.id, suggestion=number, ticket=command.ticket)
    return [DecidedEvent(event, personal(text=command.text))]


def decide_suggestion(customer: Customer, command: DecideSuggestion) -> list[DecidedEvent]:
    """It is taken up, or declined with a reason; what was declined may be taken up later. Raises a refusal."""
    suggestion = _suggestion(customer, command.number)
    if suggestion.outcome in ("taken_up", command.outcome):
        raise NotInThisState(
            "suggestion-already-decided",
            f"The suggestion {suggestion.number} of customer {customer.id} is {suggestion.outcome} already.",
        )
    violations = Violations()
    if command.outcome == "declined":
        violations.texts(reason=command.reason)
    violations.raise_if_any(f"The suggestion {suggestion.number} of customer {customer.id} stays open.")
    event = SuggestionDecided(customer=customer.id, suggestion=suggestion.number, outcome=command.outcome)
    return [DecidedEvent(event, personal(reason=command.reason))]


def _terms(agreement: AgreementDocument | None) -> SurveyTerms:
    return BY_DEFAULT if agreement is None or agreement.surveys is None else agreement.surveys


def _check_channel(channel: str, agreement: AgreementDocument | None, violations: Violations) -> None:
    channels = _terms(agreement).channels
    if channel not in channels:
        violations.add("/channel", f"there are no surveys by {channel!r}; there are by {', '.join(channels)}")


def _open_survey(customer: Customer, number: int) -> Survey:
    survey = next((each for each in customer.surveys if each.number == number), None)
    if survey is None:
        raise NotFound("survey-not-found", f"There is no survey {number} of customer {customer.id}.")
    if not survey.open:
        done = "held" if survey.held_at is not None else "called off"
        raise NotInThisState("survey-over", f"The survey {number} of customer {customer.id} is {done} already.")
    return survey


def _suggestion(customer: Customer, number: int) -> Suggestion:
    suggestion = next((each for each in customer.suggestions if each.number == number), None)
    if suggestion is None:
        raise NotFound("suggestion-not-found", f"There is no suggestion {number} of customer {customer.id}.")
    return suggestion
