"""Which roles may do what (contract, section 3)."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from billing_service.application.application import Application
from billing_service.domain.errors import NotFound
from fristwerk_platform.http import principal_of
from fristwerk_platform.http.operations import Found

BILLING: Final = frozenset({"billing"})
READERS: Final = frozenset({"admin", "billing", "auditor", "manager"})
ACCOUNT_READERS: Final = READERS | {"agent", "specialist", "customer"}
"""Who sees bills: all staff, and a customer the own company's."""


def there(application: Application) -> Found:
    """Whether what the path names is there for who asks; it is asked where a body does not fit. Raises NotFound."""

    async def check(request: Request) -> None:
        principal, names = principal_of(request), request.scope["path_params"]
        await application.current()
        if "contract" in names:
            await application.statements.contract(principal, names["contract"])
        elif "charge" in names:
            account = names["charge"].partition(":")[0]
            if await application.read_model.account(principal.provider, account) is None:
                raise NotFound("charge-not-found", f"There is no charge {names['charge']}.")
        elif names.get("number", "").isdecimal():
            await application.invoices.document(principal, int(names["number"][:9]))

    return check
