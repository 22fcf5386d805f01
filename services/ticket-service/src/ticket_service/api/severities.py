"""What each severity means, for whoever suggests or sets one: read by ticket or by contract, by the customer too."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_language.terms import AgreementDocument
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import Routes, allowed, json_answer, principal_of, responses
from ticket_service.api import answers
from ticket_service.api.parameters import ContractId, TicketName
from ticket_service.application.application import Application
from ticket_service.domain.errors import NotFound

EXAMPLE: Final = {
    "severities": [
        {
            "id": "critical",
            "name": "Kritisch",
            "definition": "Der Dienst ist nicht erreichbar; es gibt keine Umgehung.",
            "criteria": {"service_down": True, "workaround": False},
            "against": ["workaround"],
        }
    ],
    "circumstances": {"service_down": True, "workaround": True},
}


def severities_router(application: Application) -> Routes:
    """``…/severities`` of tickets and of contracts."""
    routes = Routes(tags=["tickets"])

    @routes.get(
        "/tickets/{ticket}/severities",
        summary="See what severities mean, and what of it the request meets",
        responses=responses(200, "The scale, most severe first", EXAMPLE, answers.SeverityScale),
    )
    async def read_ticket_severities(request: Request, ticket: TicketName) -> Response:
        """`against` are the criteria that the request's `circumstances` do not meet; to set the severity all the same asks
        for a reason.
        """
        principal = principal_of(request)
        found = await application.tickets.identify(principal, ticket)
        state = (await application.tickets.newest(principal, found)).state
        agreement = await application.terms.agreement_version(
            principal.provider, state.agreement, state.agreement_version
        )
        return _scale(agreement, state.circumstances)

    @routes.get(
        "/contracts/{contract}/severities",
        summary="See what severities mean under a contract",
        responses=responses(200, "The scale, most severe first", EXAMPLE, answers.SeverityScale),
    )
    async def read_contract_severities(request: Request, contract: ContractId) -> Response:
        """Of the agreement as it is in force now, for a request that is still to be written."""
        principal = principal_of(request)
        name = await _own_agreement(application, request, principal, contract)
        agreement, _ = await (await application.terms.of(principal.provider)).agreement_at(name, application.now())
        return _scale(agreement, {})

    return routes


async def _own_agreement(application: Application, request: Request, principal: Principal, contract: str) -> str:
    """The name of the agreement of a contract that the caller may read. Raises NotFound."""
    state = (await application.contracts.contract(principal.provider, contract)).state
    if principal.role != "customer":
        allowed(request, READERS, "read contracts")
    elif state.customer != principal.belongs_to:
        raise NotFound("contract-not-found", f"There is no contract {contract}.")
    return state.agreement


def _scale(agreement: AgreementDocument, circumstances: dict[str, bool]) -> Response:
    shown: list[dict[str, Any]] = [
        {
            "id": each.id,
            "name": each.name,
            "definition": each.definition,
            "criteria": each.criteria,
            "against": each.contradictions(circumstances),
        }
        for each in agreement.severities
    ]
    return json_answer({"severities": shown, "circumstances": circumstances})
