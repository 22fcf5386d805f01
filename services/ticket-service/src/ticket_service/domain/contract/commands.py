"""The commands to a contract: one frozen struct each, named in the imperative (``SignContract`` stands in ``signing``)."""

from __future__ import annotations

from datetime import date

import msgspec


class Terminate(msgspec.Struct, frozen=True, kw_only=True):
    """End a contract; ``until`` is its last day."""

    until_on: date = msgspec.field(name="until")


class BuyPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A further package beside the plan's own."""

    hours: int
    from_on: date = msgspec.field(name="from")


class BookAddon(msgspec.Struct, frozen=True, kw_only=True):
    addon: str
    from_on: date = msgspec.field(name="from")


class EndAddon(msgspec.Struct, frozen=True, kw_only=True):
    """End a booked add-on; ``until`` is its last day."""

    addon: str
    until_on: date = msgspec.field(name="until")
