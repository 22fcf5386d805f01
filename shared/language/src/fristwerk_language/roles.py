"""The roles that tokens carry, the same in every service, and what a customer's token says more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

Role = Literal["admin", "agent", "specialist", "manager", "customer", "billing", "auditor", "service"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
STAFF: Final[frozenset[Role]] = frozenset({"agent", "specialist", "manager"})
READERS: Final[frozenset[Role]] = frozenset(ROLES) - {"customer"}
"""Who may read everything of the provider; a customer reads what is the own company's."""


class TokenRoles(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever checks tokens has to know of the roles.

    ``bound`` maps a role that sees only its own things to the claim that says whose they are;
    ``printed_by`` is the command that prints a token.
    """

    names: tuple[str, ...]
    bound: Mapping[str, str]
    printed_by: str


TOKEN_ROLES: Final = TokenRoles(
    names=ROLES, bound={"customer": "customer"}, printed_by="python -m ticket_service token"
)
