"""Where a ticket stands at present: its derived priority follows the contract that serves its customer now.

Entitlement and timers stay as they were decided at receipt; the place in the worklist follows the present (service levels,
"Changes on the way"). What a person has agreed on with the customer is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from fristwerk_language.events.tickets import PriorityDerived
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.state import Contract, in_force
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.entitlement import group_of
from ticket_service.domain.ticket.lifecycle import DONE
from ticket_service.domain.ticket.state import Ticket

Cause = Literal["contract-signed", "contract-ended", "present-contract"]
"""Why a priority is derived anew: a command to a contract, or because a contract began or ended meanwhile."""
PRESENT: Final[Cause] = "present-contract"


def serving_now(own: str | None, held: Iterable[tuple[Contract, date]]) -> Contract | None:
    """Of the contracts that a customer holds, each with its local day now, the one that serves a ticket.

    The ticket's ``own`` while it is in force, else the one that has held longest.
    """
    serving = [contract for contract, day in held if in_force(contract, day)]
    return min(serving, key=lambda each: (each.id != own, each.from_on, each.id), default=None)


def derive_present(
    ticket: Ticket, contract: Contract | None, agreement: AgreementDocument, cause: Cause
) -> list[DecidedEvent]:
    """The priority of the group that a ticket is served in now; nothing where it has that, or a person has set another."""
    group = agreement.group(group_of(contract, agreement))
    if group is None or ticket.state in DONE or ticket.priority_rule is None or ticket.priority == group.priority:
        return []
    return [DecidedEvent(PriorityDerived(priority=group.priority, rule=f"{cause}:{group.id}"))]
