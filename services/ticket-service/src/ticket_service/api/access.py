"""Which roles may do what, apart from ticket commands, where the agreement has a say (contract, section 3)."""

from __future__ import annotations

from typing import Final

ADMIN: Final = frozenset({"admin"})
STAFF: Final = frozenset({"agent", "specialist", "manager"})
READERS: Final = STAFF | {"admin", "billing", "auditor", "service"}
TICKET_READERS: Final = READERS | {"customer"}
