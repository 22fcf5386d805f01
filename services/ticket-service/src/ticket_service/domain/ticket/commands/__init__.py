"""What may be asked of a ticket: one frozen struct a command, named in the imperative.

``word`` is the command's place below ``/v1/tickets/{id}/`` in the contract (``calls`` stands beside them); refusals name
what is possible by it.
Instants are aware and in UTC, minutes are integers. Random ids (references, entries, calls) come in with the command,
because the domain has no randomness. Numbered things (``number``) count from 1 within their ticket.
"""

from ticket_service.domain.ticket.commands.acceptance import Accept, AcceptanceCommand, Deliver, Release
from ticket_service.domain.ticket.commands.appointments import (
    AppointmentCommand,
    BookAppointment,
    CancelAppointment,
    RecordAppointmentOutcome,
    RequestAppointment,
)
from ticket_service.domain.ticket.commands.calls import (
    AttachCall,
    AttemptCallback,
    CallbackCommand,
    CallTransfer,
    CompleteCallback,
    RequestCallback,
)
from ticket_service.domain.ticket.commands.classification import (
    Assign,
    ChangePriority,
    ChangeType,
    ClassifyingCommand,
    HandingOverCommand,
    SetSeverity,
    Transfer,
)
from ticket_service.domain.ticket.commands.closing import Close, ClosingCommand, MigrateTerms, Reopen, Resolve
from ticket_service.domain.ticket.commands.conversation import (
    CommunicateNumber,
    ConversationCommand,
    GiveFeedback,
    MarkNoAnswerNeeded,
    ReceiveInformation,
    ReceiveMessage,
    ReportProgress,
    RequestInformation,
    Respond,
    TimeSpent,
)
from ticket_service.domain.ticket.commands.cost_approval import CostCommand, DecideCost, RequestCostApproval
from ticket_service.domain.ticket.commands.creation import CreateTicket
from ticket_service.domain.ticket.commands.escalation import (
    AddEscalationTask,
    AssignEscalation,
    CloseEscalation,
    CompleteEscalationTask,
    Escalate,
    EscalationCommand,
)
from ticket_service.domain.ticket.commands.relations import (
    Link,
    Merge,
    Move,
    RelatingCommand,
    RelationCommand,
    Split,
    Unlink,
)
from ticket_service.domain.ticket.commands.source import MessageSource, source_id, source_of
from ticket_service.domain.ticket.commands.ticket_command import AgreementRecord, DecisionRecord, TicketCommand
from ticket_service.domain.ticket.commands.work import (
    CorrectTime,
    LogTime,
    RemoteSessionCommand,
    SendEffortNotice,
    StartRemoteSession,
    StartWork,
    StopRemoteSession,
    WorkCommand,
)

Command = (
    ClassifyingCommand
    | HandingOverCommand
    | ConversationCommand
    | WorkCommand
    | RemoteSessionCommand
    | CallbackCommand
    | AppointmentCommand
    | CostCommand
    | AcceptanceCommand
    | EscalationCommand
    | ClosingCommand
    | MigrateTerms
    | MarkNoAnswerNeeded
    | AttachCall
    | RelationCommand
    | Move
)

__all__ = [
    "Accept",
    "AcceptanceCommand",
    "AddEscalationTask",
    "AgreementRecord",
    "AppointmentCommand",
    "Assign",
    "AssignEscalation",
    "AttachCall",
    "AttemptCallback",
    "BookAppointment",
    "CallTransfer",
    "CallbackCommand",
    "CancelAppointment",
    "ChangePriority",
    "ChangeType",
    "ClassifyingCommand",
    "Close",
    "CloseEscalation",
    "ClosingCommand",
    "Command",
    "CommunicateNumber",
    "CompleteCallback",
    "CompleteEscalationTask",
    "ConversationCommand",
    "CorrectTime",
    "CostCommand",
    "CreateTicket",
    "DecideCost",
    "DecisionRecord",
    "Deliver",
    "Escalate",
    "EscalationCommand",
    "GiveFeedback",
    "HandingOverCommand",
    "Link",
    "LogTime",
    "MarkNoAnswerNeeded",
    "Merge",
    "MessageSource",
    "MigrateTerms",
    "Move",
    "ReceiveInformation",
    "ReceiveMessage",
    "RecordAppointmentOutcome",
    "RelatingCommand",
    "RelationCommand",
    "Release",
    "RemoteSessionCommand",
    "Reopen",
    "ReportProgress",
    "RequestAppointment",
    "RequestCallback",
    "RequestCostApproval",
    "RequestInformation",
    "Resolve",
    "Respond",
    "SendEffortNotice",
    "SetSeverity",
    "Split",
    "StartRemoteSession",
    "StartWork",
    "StopRemoteSession",
    "TicketCommand",
    "TimeSpent",
    "Transfer",
    "Unlink",
    "WorkCommand",
    "source_id",
    "source_of",
]
