"""A service with a key of its own speaks as itself alone, and takes what the shared key signs; keys are replaced meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.key_rotation import OVERLAP, rotate
from fristwerk_platform.service_keys import REPLACED_FOR, make_service_key
from fristwerk_platform.token_files import TokenFiles
from fristwerk_platform.token_keys import load_keys, load_or_make_keys

NOW: Final = datetime(2026, 6, 3, 14, 30, tzinfo=UTC)
LATER: Final = timedelta(seconds=2)
"""By then a running service has looked at its files again."""
AGENT: Final = Principal(sub="agent-3", role="agent", provider="demo")
SLA: Final = Principal(sub="sla-service", role="service", provider="*")


def tokens_of(file: Path) -> Tokens:
    """The tokens of a service that runs with this key file."""
    files = TokenFiles(file, file.with_name("revoked.txt"))
    return Tokens(load_keys(file), TOKEN_ROLES, issuer="fristwerk", audience="fristwerk", files=files)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    load_or_make_keys(tmp_path / "keys.json")
    return tmp_path / "keys.json"


@pytest.fixture
def own(shared: Path) -> Path:
    file = shared.with_name("sla-keys.json")
    make_service_key(shared, "sla-service", file, now=NOW)
    return file


def test_what_the_service_signs_as_itself_is_taken(shared: Path, own: Path) -> None:
    token = tokens_of(own).issue(SLA, now=NOW)

    assert tokens_of(shared).check(token, now=NOW) == SLA


@pytest.mark.parametrize(
    "who",
    [
        AGENT,
        Principal(sub="sla-service", role="agent", provider="demo"),
        Principal(sub="billing-service", role="service", provider="*", scopes=frozenset({"audit"})),
    ],
)
def test_what_it_signs_in_another_name_is_not(shared: Path, own: Path, who: Principal) -> None:
    token = tokens_of(own).issue(who, now=NOW)

    with pytest.raises(NotAuthenticatedError, match="signs tokens of sla-service alone"):
        tokens_of(shared).check(token, now=NOW)


def test_it_takes_what_the_shared_key_signs_and_holds_no_more_of_it_than_the_public_half(
    shared: Path, own: Path
) -> None:
    token = tokens_of(shared).issue(AGENT, now=NOW)

    assert tokens_of(own).check(token, now=NOW) == AGENT
    assert load_keys(shared).signing_seed not in own.read_text()
    assert own.stat().st_mode & 0o077 == 0


def test_a_key_that_nobody_was_told_of_is_not_taken(shared: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "elsewhere" / "keys.json"
    load_or_make_keys(stranger)
    make_service_key(stranger, "sla-service", tmp_path / "theirs.json", now=NOW)
    token = tokens_of(tmp_path / "theirs.json").issue(SLA, now=NOW)

    with pytest.raises(NotAuthenticatedError, match="another key"):
        tokens_of(shared).check(token, now=NOW)


def test_a_key_made_anew_replaces_the_one_before_within_the_hour(shared: Path, own: Path) -> None:
    running, before = tokens_of(shared), tokens_of(own).issue(SLA, now=NOW)
    make_service_key(shared, "sla-service", own, now=NOW)
    make_service_key(shared, "billing-service", own.with_name("billing-keys.json"), now=NOW)

    after = tokens_of(own).issue(SLA, now=NOW)
    assert running.check(after, now=NOW + LATER) == running.check(before, now=NOW + LATER) == SLA
    with pytest.raises(NotAuthenticatedError, match="another key"):
        running.check(before, now=NOW + REPLACED_FOR)
    assert running.check(after, now=NOW + REPLACED_FOR) == SLA

    make_service_key(shared, "sla-service", own, now=NOW + REPLACED_FOR)
    assert [each.program for each in load_keys(shared).trusted] == ["sla-service", "billing-service", "sla-service"]


def test_a_running_service_takes_a_new_shared_key_before_anybody_signs_with_it(shared: Path, own: Path) -> None:
    running, before = tokens_of(own), tokens_of(shared).issue(AGENT, now=NOW, valid=2 * OVERLAP)

    rotate(shared, now=NOW, services=[own])

    after = tokens_of(shared).issue(AGENT, now=NOW, valid=2 * OVERLAP)
    assert running.check(before, now=NOW + LATER) == running.check(after, now=NOW + LATER) == AGENT
    assert tokens_of(shared).check(running.issue(SLA, now=NOW + LATER), now=NOW + LATER) == SLA
    with pytest.raises(NotAuthenticatedError, match="another key"):
        running.check(before, now=NOW + OVERLAP)


def test_files_that_are_mixed_up_are_refused(shared: Path, own: Path) -> None:
    with pytest.raises(KeyFileError, match="service-key"):
        rotate(own, now=NOW)
    with pytest.raises(KeyFileError, match="itself the key file of one service"):
        make_service_key(own, "relay", own.with_name("relay-keys.json"), now=NOW)
    before = shared.read_bytes()
    with pytest.raises(KeyFileError, match="not the key file of one service"):
        rotate(shared, now=NOW, services=[shared])
    assert shared.read_bytes() == before
