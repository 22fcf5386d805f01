"""The events of a ticket that move none of its timers but by the state they lead to.

What ``NoAnswerNeeded`` says of earlier events is heeded before these are read.
"""

from __future__ import annotations

from fristwerk_language.events import relations, tickets

MovesNoTimer = (
    tickets.TicketCreated
    | tickets.AcknowledgementSent
    | tickets.SeveritySuggested
    | tickets.PriorityDerived
    | tickets.PriorityChanged
    | tickets.NoAnswerNeeded
    | tickets.InformationRequested
    | tickets.TicketNumberCommunicated
    | tickets.FeedbackReceived
    | tickets.AppointmentRequested
    | tickets.AppointmentBooked
    | tickets.AppointmentCancelled
    | tickets.AppointmentHeld
    | tickets.AppointmentMissed
    | tickets.CostApproved
    | tickets.CostRejected
    | tickets.Delivered
    | tickets.Accepted
    | tickets.AcceptanceRefused
    | tickets.ReleasedToProduction
    | tickets.EscalationRaised
    | tickets.EscalationClosed
    | tickets.EscalationAssigned
    | tickets.EscalationTaskAdded
    | tickets.EscalationTaskDone
    | tickets.RemoteSessionStarted
    | tickets.RemoteSessionEnded
    | tickets.Reopened
    | relations.TicketLinked
    | relations.TicketUnlinked
)
"""The events that a timeline leaves out. mypy refuses a type that is neither here nor noted in
``timeline_reader``.
"""
