"""Where a message came from, by which the same one is known again."""

from __future__ import annotations

import msgspec

from fristwerk_language.events.tickets import MessageIdentity


class MessageSource(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is the message's in its ``system`` (a mailbox, a portal), ``digest`` its keyed digest, which tells nothing of it."""

    system: str
    id: str
    digest: str = ""


def source_of(given: MessageSource | None) -> MessageIdentity | None:
    """What of a source is data; the id itself is personal, for it may tell of a person's domain."""
    return None if given is None else MessageIdentity(system=given.system, digest=given.digest)


def source_id(given: MessageSource | None) -> str | None:
    """What of a source is personal."""
    return None if given is None else given.id
