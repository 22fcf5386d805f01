"""The whole application as its routes see it: one place for every command and every question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from fristwerk_platform.event_log import EventLog
from ticket_service.application.agents import Agents
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.complaints import Complaints
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.contracts import Contracts
from ticket_service.application.cost_texts import CostTexts
from ticket_service.application.customers import Customers
from ticket_service.application.filling import IndexFilling
from ticket_service.application.free_times import FreeTimes
from ticket_service.application.intake import Intake
from ticket_service.application.invoice_recipients import InvoiceRecipients
from ticket_service.application.kept_calls import KeptCalls
from ticket_service.application.logged_calls import LoggedCalls
from ticket_service.application.moves import Moves
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.opinions import Opinions
from ticket_service.application.places import Places
from ticket_service.application.portal_users import PortalUsers
from ticket_service.application.relations import Relations
from ticket_service.application.rows import RowLists
from ticket_service.application.sources import Sources
from ticket_service.application.tasks import Tasks
from ticket_service.application.terms import Terms
from ticket_service.application.ticket_lists import TicketLists
from ticket_service.application.ticket_reads import TicketReads
from ticket_service.application.tickets import Tickets
from ticket_service.application.worklist import Worklist


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """All use cases, wired by ``app``.

    ``current`` gives the read model once it shows everything that clients were told; only reads use
    it, as no command waits for it.
    """

    now: Callable[[], datetime]
    log: EventLog
    executor: CommandExecutor
    current: ConsistentReads
    newest_reads: NewestReads
    index_filling: IndexFilling
    terms: Terms
    customers: Customers
    recipients: InvoiceRecipients
    contracts: Contracts
    tickets: Tickets
    ticket_reads: TicketReads
    intake: Intake
    relations: Relations
    moves: Moves
    sources: Sources
    logged_calls: LoggedCalls
    kept_calls: KeptCalls
    complaints: Complaints
    worklist: Worklist
    lists: TicketLists
    rows: RowLists
    places: Places
    tasks: Tasks
    cost_texts: CostTexts
    agents: Agents
    opinions: Opinions
    portal_users: PortalUsers
    free_times: FreeTimes
