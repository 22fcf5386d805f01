"""Invoice runs: every account of a provider in the background, restartable, and none invoiced
twice.

Each account is invoiced under a key of the run's own, stored in the transaction that issues: after
a crash the run finds by it what it had issued already, and goes on with the rest.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final

import msgspec
import structlog

from billing_service.application.invoicing import Invoicing, check_until
from billing_service.domain.errors import NotAcceptable, NotFound, NotRateable, Refusal
from billing_service.domain.invoice.run import InvoiceRun, NewInvoiceRun, RunItem, RunItemOutcome
from billing_service.projections.invoice_runs import InvoiceRunWriter
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.invoice_runs import InvoiceRunQueries
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import AnsweredBefore, CommandError, CommandMetadata, CommandResult, RetryLaterError
from fristwerk_platform.event_log import Answer, EventLog, IdempotencyKey

RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_KEYS: Final = uuid.UUID("6d0c8f1e-3b7a-5d24-9c55-0e8a1f4b7d63")
_log = structlog.get_logger()


class _Number(msgspec.Struct, frozen=True):
    number: int


class _Answered(msgspec.Struct, frozen=True):
    """What a run needs to know of an answer."""

    invoice: _Number


_answered: Final = msgspec.json.Decoder(_Answered)


class RunKeyReusedError(CommandError):
    """Raised when the run that a key began was requested differently."""

    code = "idempotency-key-reused"


class InvoiceRuns:
    """Begins runs, carries them out one account after the other, and says how far they are."""

    def __init__(
        self,
        *,
        log: EventLog,
        writer: InvoiceRunWriter,
        queries: InvoiceRunQueries,
        read_model: AccountQueries,
        invoicing: Invoicing,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._log = log
        self._writer = writer
        self._queries = queries
        self._read_model = read_model
        self._invoicing = invoicing
        self._now = now
        self._new_id = new_id
        self._running: dict[str, asyncio.Task[None]] = {}

    async def begin(self, meta: CommandMetadata, until: date) -> tuple[NewInvoiceRun, bool]:
        """Begin a run, or find the one of the same idempotency key (true).

        Raises RunKeyReusedError if that was another request, NotAcceptable for a day that lies too
        far ahead.
        """
        check_until(meta, until)
        new = NewInvoiceRun(
            run=self._new_id() if meta.key is None else str(uuid.uuid5(_KEYS, f"{meta.key.scope} {meta.key.key}")),
            provider=meta.principal.provider,
            until=until,
            occurred_at=meta.occurred_at,
            started_at=meta.now,
            actor=meta.principal.sub,
            role=meta.principal.role,
            correlation_id=meta.correlation_id,
            request_digest="" if meta.key is None else meta.key.request_digest,
        )
        rows = await self._read_model.billable(new.provider)
        begun = await self._writer.begin(new, [row.account for row in rows])
        if begun.request_digest != new.request_digest:
            raise RunKeyReusedError("The Idempotency-Key was used for another request.")
        self._carry_on(begun)
        return begun, begun != new

    async def run(self, principal: Principal, run: str) -> dict[str, Any]:
        """How far a run is. Raises NotFound."""
        found = await self._queries.run(principal.provider, run)
        if found is None:
            raise NotFound("run-not-found", f"There is no invoice run {run}.")
        return _progress(found)

    async def resume(self) -> None:
        """Carry on with every run that a stop or a crash interrupted."""
        for begun in await self._queries.unfinished():
            self._carry_on(begun)

    async def close(self) -> None:
        """Stop where runs are; they are resumed on the next start."""
        for task in list(self._running.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _carry_on(self, begun: NewInvoiceRun) -> None:
        if begun.run not in self._running:
            self._running[begun.run] = asyncio.create_task(self._carry_out(begun))

    async def _carry_out(self, begun: NewInvoiceRun) -> None:
        try:
            for account in await self._queries.waiting(begun.run):
                await self._writer.note(begun.run, await self._turn(begun, account))
            await self._writer.end(begun.run, self._now())
        except Exception as error:  # noqa: BLE001 - the run stays unfinished and is resumed on the next start
            _log.error("run_interrupted", run=begun.run, exc_info=error)
        finally:
            self._running.pop(begun.run, None)

    async def _turn(self, begun: NewInvoiceRun, account: str) -> RunItem:
        """Invoice one account. A failure is its result, so the run goes on with the others."""
        key = IdempotencyKey(scope=f"run {begun.run}", key=account, request_digest=begun.run)
        try:
            body = (await self._issued(begun, account, key)).answer.body
        except AnsweredBefore as before:
            body = before.answer.body
        except (Refusal, CommandError) as error:
            earlier = await self._answered(key)  # before a crash, or by another process that carries out the same run
            if earlier is None:
                outcome: RunItemOutcome = (
                    "failed" if isinstance(error, NotAcceptable | NotRateable | CommandError) else "skipped"
                )
                return RunItem(account=account, outcome=outcome, code=error.code, detail=error.detail)
            body = earlier.body
        except Exception as error:  # noqa: BLE001 - one account that cannot be rated must not stop the run
            _log.error("account_failed", run=begun.run, account=account, exc_info=error)
            return RunItem(account=account, outcome="failed", code="internal-error", detail=type(error).__name__)
        return RunItem(account=account, outcome="issued", number=_answered.decode(body).invoice.number)

    async def _answered(self, key: IdempotencyKey) -> Answer | None:
        """What an earlier try issued."""
        stored = await self._log.stored_answer(key)
        return None if stored is None else stored.answer

    async def _issued(self, begun: NewInvoiceRun, account: str, key: IdempotencyKey) -> CommandResult:
        """A new document. While the service cannot store, it is tried again."""
        row = await self._read_model.account(begun.provider, account)
        assert row is not None, "accounts are never taken away"
        for pause in (*RETRY_SECONDS, None):
            meta = CommandMetadata(
                principal=Principal(sub=begun.actor, role=begun.role, provider=begun.provider),
                now=self._now(),
                occurred_at=begun.occurred_at,
                correlation_id=begun.correlation_id,
                key=key,
            )
            try:
                return await self._invoicing.issue(meta, account, [row], begun.until)
            except RetryLaterError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _progress(run: InvoiceRun) -> dict[str, Any]:
    turns = {
        outcome: [each for each in run.items if each.outcome == outcome] for outcome in ("issued", "skipped", "failed")
    }
    return {
        "id": run.begun.run,
        "until": run.begun.until,
        "state": "running" if run.ended_at is None else "done",
        "total": run.total,
        "done": len(run.items),
        "issued": [{"account": each.account, "number": each.number} for each in turns["issued"]],
        "skipped": [_reason(each) for each in turns["skipped"]],
        "failed": [_reason(each) for each in turns["failed"]],
        "started_at": run.begun.started_at,
        "ended_at": run.ended_at,
    }


def _reason(item: RunItem) -> dict[str, Any]:
    return {"account": item.account, "code": item.code, "detail": item.detail}
