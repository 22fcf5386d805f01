"""What each severity means, for whoever suggests or sets one: read by ticket or by contract, by the customer too."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.terms import AgreementDocument
from fristwerk_platform.http import Routes, json_answer, principal_of, responses
from ticket_service.api import answers
from ticket_service.api.contracts import readable_contract
from ticket_service.api.parameters import ContractId, TicketName
from ticket_service.application.application import Application

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
        state = (await readable_contract(request, application.contracts, contract)).state
        published = await application.terms.of(principal.provider)
        agreement, _ = await published.agreement_at(state.agreement, application.now())
        return _scale(agreement, {})

    return routes


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
