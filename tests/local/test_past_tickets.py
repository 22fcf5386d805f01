"""Past tickets of other helpdesks: exports become facts of their own time, once, and what cannot be taken is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from fristwerk_local.client import Client, staff
from fristwerk_local.past_tickets.command import ImportOrder, import_past_tickets, show
from fristwerk_local.past_tickets.facts import PastTicket
from fristwerk_local.past_tickets.importer import Importer, ImportReport, NotTaken
from fristwerk_local.past_tickets.mapping import MappingError, NotMappedError, TicketMapping, read_mapping
from fristwerk_local.past_tickets.rows import FileKindError, read_rows
from fristwerk_local.player import read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.terminal_output import TERMS
from fristwerk_platform.hidden_characters import HIDDEN
from tests.conftest import ServicesInOneProcess

EXPORTS = Path(__file__).parent / "exports"
MAPPINGS = Path(str(TERMS.joinpath(".."))) / "past_tickets" / "mappings"
PROVIDER = "infoniqa"
CONTRACTS: dict[str, Any] = {
    "Muster Treuhand AG": {"agreement": "infoniqa", "plan": "m", "package_hours": 4, "from": "2026-01-01"},
    "Bedarf GmbH": {"agreement": "infoniqa", "plan": "on_demand", "from": "2026-01-01"},
}


def mapping(name: str, **changes: Any) -> TicketMapping:
    """A shipped mapping, with customers."""
    read = msgspec.to_builtins(read_mapping(MAPPINGS / f"{name}.yaml"))
    return msgspec.convert(read | {"customers": CONTRACTS} | changes, TicketMapping)


def tickets(name: str, file: str) -> list[PastTicket]:
    """The tickets of an export that can be mapped."""
    found = []
    for row in read_rows(EXPORTS / file):
        assert row.values is not None
        try:
            found.append(mapping(name).ticket_of(row.values))
        except NotMappedError:
            continue
    return found


Import = Callable[..., Any]


@pytest.fixture
async def imported(stack_on_sqlite: ServicesInOneProcess) -> Import:
    """Imports an export into services that have the provider's terms."""
    client = Client(stack_on_sqlite.clients, stack_on_sqlite.issue)
    for document, text in sorted(read_terms(TERMS).items(), reverse=True):
        if "infoniqa" in document:
            (await client.publish(document, text, staff("admin", PROVIDER))).raise_for_status()

    async def run(name: str, file: str | Path, journal: Journal | None = None, **options: Any) -> ImportReport:
        importer = Importer(client, PROVIDER, mapping(name), journal or Journal(), **options)
        return await importer.run(read_rows(EXPORTS / file))

    run.client = client  # type: ignore[attr-defined]
    return run


async def recorded(run: Import) -> list[dict[str, Any]]:
    client: Client = run.client  # type: ignore[attr-defined]
    return await client.get_all("/v1/tickets", staff("agent", PROVIDER))


def test_a_ticket_of_zammad_has_its_articles_and_its_accounted_time() -> None:
    first, second, third = tickets("zammad", "zammad.ndjson")
    assert (first.id, first.customer, first.severity) == ("31050", "Muster Treuhand AG", "kritisch")
    assert [(each.sender, each.channel) for each in first.messages] == [("customer", "email"), ("vendor", "email")]
    (entry,) = first.time_entries
    assert (entry.start, entry.minutes, entry.agent) == (datetime(2026, 6, 5, 7, tzinfo=UTC), 50, "3")
    assert (second.channel, second.resolved_at, third.channel) == ("phone", None, "portal")


def test_an_issue_of_jira_has_its_comments_and_work_logs_whatever_semicolons_they_hold() -> None:
    first, second = tickets("jira-service-management", "jira.csv")
    assert first.received_at.isoformat() == "2026-06-08T11:00:00+02:00"
    assert [(each.sender, each.text) for each in first.messages] == [
        ("vendor", "Vorlage gesendet; bitte prüfen"),
        ("customer", "Danke"),
    ]
    (entry,) = first.time_entries
    assert (entry.minutes, entry.agent, entry.note) == (129, "agent-3", "Vorlage; und Prüfung")
    assert (second.channel, second.resolution, len(second.messages)) == ("email", "Done", 1)


async def test_an_import_records_facts_at_their_own_time_and_a_second_one_adds_nothing(imported: Import) -> None:
    report = await imported("zammad", "zammad.ndjson")
    expected = {
        "customer": 2,
        "contract": 2,
        "ticket": 2,
        "message": 1,
        "response": 1,
        "time entry": 1,
        "resolution": 1,
    }
    assert report.recorded == expected
    assert [(each.line, each.ticket, each.fact) for each in report.not_taken] == [
        (3, "31052", "ticket"),
        (4, "", "row"),
    ]
    assert "Unbekannt & Co" in report.not_taken[0].reason
    assert "gestern" in report.not_taken[1].reason
    found = await recorded(imported)
    assert sorted((each["received_at"], each["state"]) for each in found) == [
        ("2026-06-03T14:30:00Z", "resolved"),
        ("2026-06-16T12:00:00Z", "new"),
    ]
    client: Client = imported.client  # type: ignore[attr-defined]
    before = await client.last_position()
    await imported("zammad", "zammad.ndjson")
    assert await client.last_position() == before


async def test_deadlines_follow_from_what_was_imported(imported: Import) -> None:
    await imported("zammad", "zammad.ndjson")
    client: Client = imported.client  # type: ignore[attr-defined]
    assert await client.caught_up(20)
    (resolved,) = [each for each in await recorded(imported) if each["state"] == "resolved"]
    answer = await client.get("sla", f"/v1/tickets/{resolved['id']}/timers", staff("agent", PROVIDER))
    response = [each for each in answer["items"] if each["metric"] == "first_response"]
    assert [(each["state"], each["met_at"]) for each in response] == [("met", "2026-06-05T07:00:00Z")]


async def test_a_dry_run_counts_and_refuses_the_same_rows_and_writes_nothing(imported: Import) -> None:
    client: Client = imported.client  # type: ignore[attr-defined]
    before = await client.last_position()
    report = await imported("zammad", "zammad.ndjson", dry_run=True)
    assert (report.recorded["ticket"], [each.line for each in report.not_taken]) == (2, [3, 4])
    assert await client.last_position() == before


async def test_an_import_that_was_interrupted_leaves_out_what_was_done(imported: Import, tmp_path: Path) -> None:
    await imported("jira-service-management", "jira.csv", Journal(tmp_path / "journal"))
    report = await imported("jira-service-management", "jira.csv", Journal(tmp_path / "journal"))
    assert (report.before, report.recorded, report.not_taken) == (2, {}, [])


async def test_a_fact_that_is_refused_is_named_and_its_ticket_is_tried_again(imported: Import, tmp_path: Path) -> None:
    row = {"id": "1", "customer": "Bedarf GmbH", "received_at": "2026-06-03T10:00:00Z", "severity": "niedrig"}
    later = {"id": "e", "start": "2026-06-03T11:00:00Z", "minutes": 30, "activity": "???", "agent": "agent-3"}
    file = tmp_path / "tickets.ndjson"
    own = Importer(imported.client, PROVIDER, mapping("zammad", ticket=None), Journal(tmp_path / "journal"))  # type: ignore[attr-defined]
    file.write_bytes(msgspec.json.encode(row | {"time_entries": [later]}))
    report = await own.run(read_rows(file))
    assert [(each.ticket, each.fact) for each in report.not_taken] == [("1", "time entry e")]
    assert not Journal(tmp_path / "journal").is_done("1")
    file.write_bytes(msgspec.json.encode(row | {"time_entries": [later | {"activity": "help"}]}))
    own.report = ImportReport()
    assert (await own.run(read_rows(file))).not_taken == []
    assert len(await recorded(imported)) == 1


def test_lines_and_tables_that_cannot_be_read_are_rows_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b'{"id": "1"}\n\n[1]\n\xff\n')
    assert [(each.line, each.values is None) for each in read_rows(tmp_path / "a.ndjson")] == [
        (1, False),
        (3, True),
        (4, True),
    ]
    (tmp_path / "a.csv").write_text('a,b,b\n1,2,\n"x"y,2\n')
    assert [each.values for each in read_rows(tmp_path / "a.csv")] == [{"a": "1", "b": ["2"]}, None]
    with pytest.raises(FileKindError, match=r"neither \.csv nor \.ndjson"):
        list(read_rows(tmp_path / "a.xlsx"))


@pytest.mark.parametrize(
    "text",
    ["- 1", "system: a\nunknown: 1", "system: a\ntimezone: Mars/Phobos", "system: [", "ticket: {}"],
    ids=["no mapping", "an unknown key", "an unknown zone", "no YAML", "no system"],
)
def test_a_mapping_that_is_none_is_refused_with_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(MappingError, match=r"is no mapping: "):
        read_mapping(tmp_path / "m.yaml")


async def test_a_mapping_that_is_not_there_is_refused_with_the_names_of_those_that_are(tmp_path: Path) -> None:
    order = ImportOrder(file=EXPORTS / "jira.csv", provider=PROVIDER, mapping="jira", report=None, dry_run=False)
    with pytest.raises(MappingError, match="shipped: jira-service-management, zammad"):
        await import_past_tickets(order, tmp_path, 8001)


async def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    order = ImportOrder(file=tmp_path / "gone.csv", provider=PROVIDER, mapping=None, report=None, dry_run=True)
    with pytest.raises(FileKindError, match=r"There is no file .*gone\.csv"):
        await import_past_tickets(order, tmp_path, 8001)


def test_what_a_file_says_does_not_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    row = NotTaken(line=2, ticket="\x1b]0;title\x07", fact="row", reason="unknown field `\u202egnp.\x1b[2J`")

    show(Console(width=140), ImportReport(not_taken=[row]), dry_run=True)

    shown = capsys.readouterr().out
    assert HIDDEN.search(shown.replace("\n", "")) is None
    assert "  line 2, ticket \\u001b]0;title\\u0007, row: unknown field `\\u202egnp.\\u001b[2J`" in shown
