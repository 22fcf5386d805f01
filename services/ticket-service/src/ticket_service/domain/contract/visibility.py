"""What a customer sees of its own contract: all of it but the group, by which the vendor places its tickets."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ticket_service.domain.contract.state import Contract

CONTRACT_SHOWS: Final = frozenset(
    [
        "id",
        "customer",
        "agreement",
        "agreement_version",
        "plan",
        "package_hours",
        "site",
        "from",
        "until",
        "addons",
        "packages",
        "dedicated_number",
    ]
)
"""The fields of a contract that a customer sees, by the names that the API gives them."""


def contract_for_customer(contract: Contract) -> dict[str, Any]:
    """The contract as the customer sees it."""
    fields = zip(Contract.__struct_fields__, Contract.__struct_encode_fields__, strict=True)
    seen = {named: getattr(contract, name) for name, named in fields if named in CONTRACT_SHOWS}
    return {named: value for named, value in seen.items() if value is not msgspec.UNSET}
