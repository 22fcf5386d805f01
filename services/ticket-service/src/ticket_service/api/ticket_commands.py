"""``POST /v1/tickets/{ticket}/…``: one route a command, all of the same making."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Request, Response

from fristwerk_platform.auth import ROLES
from fristwerk_platform.http import as_response, principal_of, responses, router
from ticket_service.api import ticket_bodies as bodies
from ticket_service.api.access import commanded
from ticket_service.api.parameters import TicketName
from ticket_service.api.ticket_bodies import CommandBody, Place
from ticket_service.application.service import Application

ThingNumber = Annotated[int, Path(ge=1, le=10_000, description="Counts from 1 within the ticket")]
EntryId = Annotated[str, Path(max_length=64)]


class CommandRoute(msgspec.Struct, frozen=True):
    """A command's place below the ticket, the operation's id and summary, and its body."""

    path: str
    name: str
    summary: str
    body: type[CommandBody]


COMMANDS: Final = (
    CommandRoute("severity", "set_severity", "Set the severity", bodies.SeverityBody),
    CommandRoute("type", "change_type", "Order another service level", bodies.TypeBody),
    CommandRoute("priority", "change_priority", "Change the place in the worklist", bodies.PriorityBody),
    CommandRoute("assignment", "assign_ticket", "Assign to a member of staff", bodies.AssignmentBody),
    CommandRoute("transfer", "transfer_ticket", "Hand to a department or level", bodies.TransferBody),
    CommandRoute("messages", "receive_message", "Take a customer's message", bodies.MessageBody),
    CommandRoute("responses", "respond", "Answer the customer, or leave a note", bodies.ResponseBody),
    CommandRoute("progress", "report_progress", "Report progress", bodies.ProgressBody),
    CommandRoute(
        "information-requests", "request_information", "Ask the customer for more", bodies.InformationRequestBody
    ),
    CommandRoute("information", "receive_information", "Take the customer's information", bodies.InformationBody),
    CommandRoute("work", "start_work", "Start work", bodies.WorkBody),
    CommandRoute("time-entries", "log_time", "Log time", bodies.TimeEntryBody),
    CommandRoute("time-entries/{entry}/corrections", "correct_time", "Correct logged time", bodies.CorrectionBody),
    CommandRoute("callbacks", "request_callback", "Promise a call", bodies.CallbackBody),
    CommandRoute("callbacks/{number}/attempts", "attempt_callback", "Record an attempt", bodies.CallbackAttemptBody),
    CommandRoute(
        "callbacks/{number}/completion", "complete_callback", "Complete a call", bodies.CallbackCompletionBody
    ),
    CommandRoute("appointments", "request_appointment", "Propose appointments", bodies.AppointmentBody),
    CommandRoute("appointments/{number}/booking", "book_appointment", "Book an appointment", bodies.BookingBody),
    CommandRoute(
        "appointments/{number}/cancellation", "cancel_appointment", "Cancel an appointment", bodies.CancellationBody
    ),
    CommandRoute(
        "appointments/{number}/outcome", "record_appointment_outcome", "Say whether it was held", bodies.OutcomeBody
    ),
    CommandRoute("effort-notices", "send_effort_notice", "Tell that it will take longer", bodies.EffortNoticeBody),
    CommandRoute("cost-approvals", "request_cost_approval", "Ask for approval of costs", bodies.CostApprovalBody),
    CommandRoute("cost-approvals/{number}/decision", "decide_cost", "Approve or reject costs", bodies.CostDecisionBody),
    CommandRoute("delivery", "deliver", "Deliver for acceptance", bodies.DeliveryBody),
    CommandRoute("acceptance", "accept_delivery", "Accept or refuse what was delivered", bodies.AcceptanceBody),
    CommandRoute("release", "release_to_production", "Release to production", bodies.ReleaseBody),
    CommandRoute(
        "number-communications", "communicate_number", "Record that the number was told", bodies.NumberCommunicationBody
    ),
    CommandRoute("escalations", "raise_escalation", "Escalate", bodies.EscalationBody),
    CommandRoute(
        "escalations/{number}/closing", "close_escalation", "Close an escalation", bodies.EscalationClosingBody
    ),
    CommandRoute("resolution", "resolve_ticket", "Resolve", bodies.ResolutionBody),
    CommandRoute("reopening", "reopen_ticket", "Reopen", bodies.ReopeningBody),
    CommandRoute("closing", "close_ticket", "Close", bodies.ClosingBody),
    CommandRoute("feedback", "give_feedback", "Give feedback", bodies.FeedbackBody),
    CommandRoute("terms", "migrate_terms", "Measure by other versions of the terms", bodies.TermsBody),
)
TICKET_ANSWER: Final = {
    "ticket": {
        "id": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
        "reference": "INF-7K3Q-9F2M",
        "state": "open",
        "version": 4,
    },
    "events": [{"type": "Responded", "version": 4, "data": {"channel": "email", "visible": True}, "personal": "fw1.…"}],
}
_EMPTY_ALLOWED: Final = (bodies.ReleaseBody, bodies.ClosingBody)


def ticket_commands_router(application: Application) -> APIRouter:
    """The routes of every ticket command."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["ticket commands"])
    for command in COMMANDS:
        routes.add_api_route(
            f"/{command.path}",
            _endpoint(application, command),
            methods=["POST"],
            name=command.name,
            summary=command.summary,
            description=_described(command.body),
            status_code=201,
            responses=responses(201, "Done", TICKET_ANSWER),
        )
    return routes


def _described(body: type[CommandBody]) -> str | None:
    """The body's own words, none of its base's."""
    return inspect.cleandoc(vars(body).get("__doc__") or "") or None


def _endpoint(application: Application, command: CommandRoute) -> Callable[..., Awaitable[Response]]:
    """The endpoint of a command; its signature tells FastAPI which part of the path it names."""
    body_type = command.body
    default = body_type() if body_type in _EMPTY_ALLOWED else inspect.Parameter.empty

    async def give(request: Request, ticket: str, body: CommandBody, number: int = 0, entry: str = "") -> Response:
        found = await application.tickets.identify(principal_of(request), ticket)
        meta = await commanded(request, application, ROLES, "give commands", body.occurred_at)
        place = Place(number=number, entry=entry, new_id=application.recording.new_id)
        return as_response(await application.tickets.execute(meta, found, body.command(place)))

    parameters = [
        inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
        inspect.Parameter("ticket", inspect.Parameter.KEYWORD_ONLY, annotation=TicketName),
        inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, annotation=body_type, default=default),
    ]
    if "{number}" in command.path:
        parameters.append(inspect.Parameter("number", inspect.Parameter.KEYWORD_ONLY, annotation=ThingNumber))
    if "{entry}" in command.path:
        parameters.append(inspect.Parameter("entry", inspect.Parameter.KEYWORD_ONLY, annotation=EntryId))
    give.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions take one
    return give
