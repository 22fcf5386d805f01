"""Texts about customers that other services store in logs of their own, sealed and opened where the keys are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import HttpModel, LongText, Routes, json_answer, principal_of, responses
from ticket_service.api import answers
from ticket_service.api.access import SERVICES
from ticket_service.api.parameters import CustomerId
from ticket_service.application.application import Application

_SEALED = "fw1.0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70.Vm9yYmVyZWl0dW5n"
StoredText = Annotated[
    str,
    StringConstraints(pattern=r"^fw1[.][A-Za-z0-9~-]+[.][A-Za-z0-9_-]+$", max_length=120_000),
]


class TextBody(HttpModel):
    """A text about the customer that another service is going to store."""

    text: LongText = Field(examples=["Falscher Empfänger"])


class SealedTextsBody(HttpModel):
    """Texts as this service sealed them."""

    sealed: Annotated[list[StoredText], Field(max_length=1000, examples=[[_SEALED]])]


def add_texts(routes: Routes, application: Application) -> None:
    """The two operations, for services that store texts about customers in logs of their own: the keys stay here."""
    customers = application.customers

    @routes.post(
        "/customers/{customer}/sealed-texts",
        summary="Seal a text about a customer",
        responses=responses(200, "The sealed text", {"sealed": _SEALED}, answers.SealedTextAnswer),
        permits=(SERVICES, "seal texts"),
    )
    async def seal_text(request: Request, customer: CustomerId, body: TextBody) -> Response:
        """For a service that stores it: whoever has the sealed text alone reads nothing, and nobody once the customer was
        forgotten. Nothing is stored here but the customer's key.
        """
        provider = principal_of(request).provider
        return json_answer({"sealed": await customers.sealed_text(provider, customer, body.text)})

    @routes.post(
        "/customers/opened-texts",
        summary="Open texts that were sealed",
        responses=responses(
            200, "What each says, in the same order", {"texts": ["Falscher Empfänger"]}, answers.OpenedTexts
        ),
        permits=(SERVICES, "open texts"),
    )
    async def open_texts(request: Request, body: SealedTextsBody) -> Response:
        """`null` for what was forgotten and for what cannot be opened."""
        provider = principal_of(request).provider
        return json_answer({"texts": await customers.opened_texts(provider, body.sealed)})
