"""Which roles may do what (contract, section 3)."""

from __future__ import annotations

from typing import Final

BILLING: Final = frozenset({"billing"})
READERS: Final = frozenset({"admin", "billing", "auditor", "manager"})
ACCOUNT_READERS: Final = READERS | {"agent", "specialist", "customer"}
"""Who sees bills: all staff, and a customer the own company's."""
