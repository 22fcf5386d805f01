"""What a document says for people is shown with its version; and whom an agreement serves."""

from __future__ import annotations

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_titles_names_and_definitions_are_shown_with_the_version(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    scale = [{"id": "kritisch", "name": "Kritisch", "definition": "Der Lohnlauf steht."}]
    said = {"title": "Support 2027", "language": "fr-CH"}
    levels = [{"metric": "first_response", "target": "1 hours"}]
    await office.publish("agreements/infoniqa", **said, severities=scale, service_levels=levels)
    shown = (await office.get("/v1/agreements/infoniqa"))["agreement"]["document"]
    assert {key: shown[key] for key in said} == said
    [severity] = shown["severities"]
    assert (severity["name"], severity["definition"]) == ("Kritisch", "Der Lohnlauf steht.")


async def test_of_several_agreements_the_default_serves_who_has_no_contract(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    stranger = await office.customer()
    other = {"agreement": "other", "timezone": "UTC", "currency": "EUR", "calendar": "fluxpunkt"}
    body = other | {"severities": [{"id": "high", "name": "High"}], "channels": ["email"], "default": True}
    assert (await office.call("PUT", "/v1/agreements/other", body, role="admin")).status_code == 201
    assert (await office.ticket(stranger))["agreement"] == "other"
