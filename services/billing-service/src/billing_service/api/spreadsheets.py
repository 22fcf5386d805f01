"""Amounts of money in tables: bare figures, so a table has a column ``currency``."""

from __future__ import annotations

from typing import Any

from billing_service.domain.money import Money


def money_cell(value: Any) -> str | None:
    """An amount of money as text; None for any other value."""
    match value:
        case Money():
            return f"{value.amount:f}"
        case {"amount": amount, "currency": str()}:
            return str(amount)
        case _:
            return None
