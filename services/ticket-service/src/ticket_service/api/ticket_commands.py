"""``POST /v1/tickets/{ticket}/…``: one route a command, all of the same making."""

from __future__ import annotations

import inspect
from typing import Final

import msgspec

from fristwerk_platform.http import Routes, responses
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.operations import REQUIRED, Body
from ticket_service.api import answers, escalation_bodies, relation_bodies
from ticket_service.api import conversation_bodies as conversation
from ticket_service.api import ticket_bodies as bodies
from ticket_service.api.access import there
from ticket_service.api.examples import TICKET_ANSWER
from ticket_service.api.ticket_endpoint import CommandBody, endpoint
from ticket_service.application.application import Application


class TicketCommandRoute(msgspec.Struct, frozen=True):
    """A command's path below the ticket, the operation's id and summary, and its body."""

    path: str
    name: str
    summary: str
    body: type[CommandBody]


COMMANDS: Final = (
    TicketCommandRoute("severity", "set_severity", "Set the severity", bodies.SeverityBody),
    TicketCommandRoute("type", "change_type", "Order another service level", bodies.TypeBody),
    TicketCommandRoute("priority", "change_priority", "Change the place in the worklist", bodies.PriorityBody),
    TicketCommandRoute("assignment", "assign_ticket", "Assign to a member of staff", bodies.AssignmentBody),
    TicketCommandRoute("transfer", "transfer_ticket", "Hand to a department or level", bodies.TransferBody),
    TicketCommandRoute("messages", "receive_message", "Take a customer's message", conversation.MessageBody),
    TicketCommandRoute(
        "messages/{number}/no-answer-needed",
        "mark_no_answer_needed",
        "Mark a message as one that asks for nothing",
        conversation.NoAnswerNeededBody,
    ),
    TicketCommandRoute("responses", "respond", "Answer the customer, or leave a note", conversation.ResponseBody),
    TicketCommandRoute("progress", "report_progress", "Report progress", conversation.ProgressBody),
    TicketCommandRoute(
        "information-requests", "request_information", "Ask the customer for more", conversation.InformationRequestBody
    ),
    TicketCommandRoute(
        "information", "receive_information", "Take the customer's information", conversation.InformationBody
    ),
    TicketCommandRoute("work", "start_work", "Start work", bodies.WorkBody),
    TicketCommandRoute("time-entries", "log_time", "Log time", bodies.TimeEntryBody),
    TicketCommandRoute(
        "time-entries/{entry}/corrections", "correct_time", "Correct logged time", bodies.CorrectionBody
    ),
    TicketCommandRoute("callbacks", "request_callback", "Promise a call", bodies.CallbackBody),
    TicketCommandRoute(
        "callbacks/{number}/attempts", "attempt_callback", "Record an attempt", bodies.CallbackAttemptBody
    ),
    TicketCommandRoute(
        "callbacks/{number}/completion", "complete_callback", "Complete a call", bodies.CallbackCompletionBody
    ),
    TicketCommandRoute("appointments", "request_appointment", "Propose appointments", bodies.AppointmentBody),
    TicketCommandRoute("appointments/{number}/booking", "book_appointment", "Book an appointment", bodies.BookingBody),
    TicketCommandRoute(
        "appointments/{number}/cancellation", "cancel_appointment", "Cancel an appointment", bodies.CancellationBody
    ),
    TicketCommandRoute(
        "appointments/{number}/outcome", "record_appointment_outcome", "Say whether it was held", bodies.OutcomeBody
    ),
    TicketCommandRoute(
        "effort-notices", "send_effort_notice", "Tell that it will take longer", bodies.EffortNoticeBody
    ),
    TicketCommandRoute("cost-approvals", "request_cost_approval", "Ask for approval of costs", bodies.CostApprovalBody),
    TicketCommandRoute(
        "cost-approvals/{number}/decision", "decide_cost", "Approve or reject costs", bodies.CostDecisionBody
    ),
    TicketCommandRoute("delivery", "deliver", "Deliver for acceptance", bodies.DeliveryBody),
    TicketCommandRoute("acceptance", "accept_delivery", "Accept or refuse what was delivered", bodies.AcceptanceBody),
    TicketCommandRoute("release", "release_to_production", "Release to production", bodies.ReleaseBody),
    TicketCommandRoute(
        "number-communications", "communicate_number", "Record that the number was told", bodies.NumberCommunicationBody
    ),
    TicketCommandRoute("escalations", "raise_escalation", "Escalate", escalation_bodies.EscalationBody),
    TicketCommandRoute(
        "escalations/{number}/closing",
        "close_escalation",
        "Close an escalation",
        escalation_bodies.EscalationClosingBody,
    ),
    TicketCommandRoute(
        "escalations/{number}/assignment",
        "assign_escalation",
        "Make somebody responsible for an escalation",
        escalation_bodies.EscalationAssignmentBody,
    ),
    TicketCommandRoute(
        "escalations/{number}/tasks",
        "add_escalation_task",
        "Note what has to be cleared inside the house",
        escalation_bodies.EscalationTaskBody,
    ),
    TicketCommandRoute(
        "escalation-tasks/{number}/completion",
        "complete_escalation_task",
        "Say that it is cleared",
        escalation_bodies.EscalationTaskCompletionBody,
    ),
    TicketCommandRoute("remote-sessions", "start_remote_session", "Start a remote session", bodies.RemoteSessionBody),
    TicketCommandRoute(
        "remote-sessions/{number}/end",
        "stop_remote_session",
        "End a remote session, which logs its time",
        bodies.RemoteSessionEndBody,
    ),
    TicketCommandRoute("resolution", "resolve_ticket", "Resolve", bodies.ResolutionBody),
    TicketCommandRoute("reopening", "reopen_ticket", "Reopen", bodies.ReopeningBody),
    TicketCommandRoute("closing", "close_ticket", "Close", bodies.ClosingBody),
    TicketCommandRoute("feedback", "give_feedback", "Give feedback", bodies.FeedbackBody),
    TicketCommandRoute("merge", "merge_ticket", "Merge a duplicate", relation_bodies.MergeBody),
    TicketCommandRoute("move", "move_ticket", "Move to another customer or contract", relation_bodies.MoveBody),
    TicketCommandRoute("links", "link_ticket", "Link to another ticket", relation_bodies.LinkBody),
    TicketCommandRoute("links/removal", "unlink_ticket", "Take a link back", relation_bodies.UnlinkBody),
    TicketCommandRoute("split", "split_ticket", "Split off a second matter", relation_bodies.SplitBody),
    TicketCommandRoute("terms", "migrate_terms", "Measure by other versions of the terms", bodies.TermsBody),
)
_EMPTY_ALLOWED: Final = (bodies.ReleaseBody, bodies.ClosingBody, conversation.NoAnswerNeededBody)


def ticket_commands_router(application: Application) -> Routes:
    """The routes of every ticket command."""
    routes = Routes(prefix="/v1/tickets/{ticket}", tags=["ticket commands"])
    for command in COMMANDS:
        default = command.body.model_validate({}) if command.body in _EMPTY_ALLOWED else REQUIRED
        routes.add(
            "POST",
            f"/{command.path}",
            endpoint(application, command.path),
            body=Body("body", command.body, default),
            name=command.name,
            summary=command.summary,
            description=_described(command.body),
            status_code=201,
            responses=responses(201, "Done", TICKET_ANSWER, answers.TicketChanged),
            headers=(IF_MATCH,),
            found=there(application, command.body.creates),
        )
    return routes


def _described(body: type[CommandBody]) -> str | None:
    """The body's own docstring, none of its base's."""
    return inspect.cleandoc(vars(body).get("__doc__") or "") or None
