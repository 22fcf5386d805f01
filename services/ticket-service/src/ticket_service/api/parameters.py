"""Ids that the paths of several resources are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

CustomerId = Annotated[str, Field(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
ContractId = Annotated[str, Field(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
TicketName = Annotated[str, Field(max_length=64, description="Id or reference", examples=["INF-7K3Q-9F2M"])]
CallId = Annotated[str, Field(max_length=64, examples=["0199c3c4-7b30-7a44-b3f7-8c3b5e4f1d92"])]
