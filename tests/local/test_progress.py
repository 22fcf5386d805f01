"""The journal of a story: what was played is known after a stop, and forgotten with the log it tells of."""

from __future__ import annotations

from pathlib import Path

from fristwerk_local.progress import COMPLETE, Done, Journal


def test_what_was_noted_is_known_to_the_next_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "played" / "story.jsonl")
    journal.note(Done(step="p/tickets/t", names={"p/ticket:t": "id-t"}))
    journal.note(Done(step="p/tickets/t/1", differences=["p/tickets/t/1: was refused"]))

    again = Journal(tmp_path / "played" / "story.jsonl")

    assert again.started
    assert not again.complete
    assert again.is_done("p/tickets/t/1")
    assert again.names == {"p/ticket:t": "id-t"}
    assert again.differences == ["p/tickets/t/1: was refused"]


def test_a_line_cut_off_in_the_middle_is_left_out_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "story.jsonl"
    file.write_bytes(b'{"step":"one"}\n{"step":"tw')

    Journal(file).note(Done(step="three"))

    journal = Journal(file)
    assert journal.is_done("one")
    assert not journal.is_done("two")
    assert journal.is_done("three")


def test_a_journal_is_forgotten_with_its_log(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "story.jsonl")
    journal.note(Done(step=COMPLETE))

    journal.forget()

    assert not journal.started
    assert not Journal(tmp_path / "story.jsonl").complete
