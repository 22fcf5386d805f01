"""Ids that the paths of several resources are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

CustomerId = Annotated[str, Field(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
ContractId = Annotated[str, Field(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
TicketName = Annotated[str, Field(max_length=64, description="Id or reference", examples=["INF-7K3Q-9F2M"])]
AbsenceNumber = Annotated[int, Field(ge=1, le=10_000, examples=[1])]
CallId = Annotated[str, Field(max_length=64, examples=["0199c3c4-7b30-7a44-b3f7-8c3b5e4f1d92"])]
PortalUserName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.|:\-]{0,127}$"),
    Field(description="The subject of the person's tokens", examples=["portal-muster"]),
]
"""It stands in the log in clear, as the subjects of all tokens do that give commands: so it is no e-mail address."""
