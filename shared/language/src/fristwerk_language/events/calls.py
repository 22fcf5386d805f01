"""Facts about a call that was kept without a ticket (streams ``call-…``, behind its ``CallReceived``)."""

from __future__ import annotations

import msgspec


class CallAttached(msgspec.Struct, frozen=True, kw_only=True):
    """The call belongs to this ticket from now on, whose stream has its ``CallReceived`` as well."""

    call: str
    ticket: str
    reference: str


class CallDismissed(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing has to be done about the call. Personal: ``{"reason"}``."""

    call: str


KeptCallEvent = CallAttached | CallDismissed
