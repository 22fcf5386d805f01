"""Decisions on charges: ``charge`` or ``waive``, with reason and actor, as facts of billing's own
log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from billing_service.application.reasons import Reasons
from billing_service.application.statements import Statements
from billing_service.domain.errors import NotFound, NotInThisState
from billing_service.domain.invoice.rated import Rated
from billing_service.domain.invoice.views import charges, public_charge
from billing_service.queries.accounts import AccountQueries
from fristwerk_language.events import encode_event, streams
from fristwerk_language.events.billing import ChargeDecided
from fristwerk_platform.commands import (
    CommandMetadata,
    CommandResult,
    NewFact,
    StreamChange,
    check_version,
    command_result,
    new_events,
    record,
)
from fristwerk_platform.event_log import EventLog, VersionConflictError

ChargeOrWaive = Literal["charge", "waive"]


class Decisions:
    """Takes decisions. The first on a charge holds; only what was charged and invoiced may be
    waived after all (R8).
    """

    def __init__(
        self,
        log: EventLog,
        statements: Statements,
        read_model: AccountQueries,
        reasons: Reasons,
        new_id: Callable[[], str],
    ) -> None:
        self._log = log
        self._statements = statements
        self._read_model = read_model
        self._reasons = reasons
        self._new_id = new_id

    async def decide(
        self, meta: CommandMetadata, public_id: str, decision: ChargeOrWaive, reason: str
    ) -> CommandResult:
        """Raises NotFound, NotInThisState where the charge is decided already, or
        ReasonNotSealedError. The read model must be current.
        """
        rated, found = await self._charge(meta, public_id)
        charge = public_id.partition(":")[2]
        version = await self._decidable(rated, charge, decision)
        check_version(meta, version)
        event = ChargeDecided(
            charge=charge,
            contract=rated.row.account,
            ticket=found["ticket"],
            decision=decision,
            reason=await self._reasons.sealed(rated.row.provider, rated.row.customer, reason),
        )
        fact = NewFact(id=self._new_id(), event=event, occurred_at=meta.occurred_at)
        lines = new_events(
            meta,
            [StreamChange(stream=streams.CHARGE.stream(charge), after_version=version, facts=[fact])],
            encode_event,
        )
        state = "charged" if decision == "charge" else "waived"
        answer = command_result({"charge": found | {"state": state}}, lines, version=version + 1)
        try:
            return await record(self._log, meta, lines, answer)
        except VersionConflictError:
            raise _decided(public_id) from None

    async def _decidable(self, rated: Rated, charge: str, decision: ChargeOrWaive) -> int:
        """How often the charge was decided. Raises NotInThisState where that holds."""
        decided = await self._read_model.decision(rated.row.account, charge)
        if decided is None:
            return 0
        event, version = decided
        if event.decision == "charge" and decision == "waive" and charge in rated.ledger.numbers:
            return version
        raise _decided(public_charge(rated.row.account, charge))

    async def _charge(self, meta: CommandMetadata, public_id: str) -> tuple[Rated, dict[str, Any]]:
        account, _, charge = public_id.partition(":")
        row = await self._read_model.account(meta.principal.provider, account)
        rated = await self._statements.rated(row) if row is not None else None
        if rated is not None and charge:
            lines = (*rated.statement.proposed, *rated.statement.lines)
            for line in lines:
                if line.charge == charge and line.ticket is not None:
                    items = charges(rated, line.ticket, {})
                    return rated, next(each for each in items if each["id"] == public_charge(account, charge))
        raise NotFound("charge-not-found", f"There is no charge {public_id}.")


def _decided(public_id: str) -> NotInThisState:
    return NotInThisState("charge-decided", f"The charge {public_id} was decided already.")
