"""Keys change and tokens are revoked while a service runs: what the old key signed goes on, what was revoked does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.key_rotation import OVERLAP, jwks, rotate
from fristwerk_platform.revocations import Revocations, subject_line, token_line
from fristwerk_platform.settings import SettingsError
from fristwerk_platform.token_files import TokenFiles
from fristwerk_platform.token_keys import load_or_make_keys

NOW = datetime(2026, 6, 3, 14, 30, tzinfo=UTC)
AGENT = Principal(sub="agent-3", role="agent", provider="demo")
LATER = timedelta(seconds=2)
"""By then a running service has looked at its files again."""


@pytest.fixture
def running(tmp_path: Path) -> Tokens:
    """The tokens of a service that runs."""
    keys = load_or_make_keys(tmp_path / "keys.json")
    files = TokenFiles(tmp_path / "keys.json", tmp_path / "revoked.txt")
    return Tokens(keys, TOKEN_ROLES, issuer="fristwerk", audience="fristwerk", files=files)


def key_of(token: str) -> Any:
    return jwt.get_unverified_header(token)["kid"]


def id_of(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["jti"])


def test_a_running_service_signs_with_the_new_key_and_the_old_one_verifies_until_the_overlap_is_over(
    running: Tokens, tmp_path: Path
) -> None:
    old = running.issue(AGENT, now=NOW, valid=2 * OVERLAP)
    unseen = running.issue(AGENT, now=NOW, valid=2 * OVERLAP, asked_by="somebody")
    assert running.check(old, now=NOW) == AGENT

    made = rotate(tmp_path / "keys.json", now=NOW)

    assert running.check(old, now=NOW + LATER) == AGENT
    assert running.check(unseen, now=NOW + LATER) == AGENT
    new = running.issue(AGENT, now=NOW + LATER)
    assert key_of(new) == made.key_id != key_of(old)
    assert running.check(new, now=NOW + LATER) == AGENT
    for token in (old, unseen):
        assert running.check(token, now=NOW + OVERLAP - LATER) == AGENT
        with pytest.raises(NotAuthenticatedError, match="another key"):
            running.check(token, now=NOW + OVERLAP + LATER)


def test_a_second_rotation_keeps_the_first_and_drops_what_is_over(tmp_path: Path) -> None:
    first = load_or_make_keys(tmp_path / "keys.json")
    second = rotate(tmp_path / "keys.json", now=NOW)
    third = rotate(tmp_path / "keys.json", now=NOW + timedelta(days=1))
    fourth = rotate(tmp_path / "keys.json", now=NOW + OVERLAP + timedelta(hours=1))

    assert [each.key_id for each in third.previous] == [second.key_id, first.key_id]
    assert [each.key_id for each in fourth.previous] == [third.key_id, second.key_id]
    assert fourth.sealing_key == first.sealing_key
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_the_key_set_verifies_our_tokens_and_holds_no_secret(running: Tokens, tmp_path: Path) -> None:
    token = running.issue(AGENT, now=NOW)
    keys = rotate(tmp_path / "keys.json", now=NOW)
    published = jwks(keys, NOW)

    public = jwt.PyJWKSet.from_dict(published)[key_of(token)]
    claims = jwt.decode(token, public, audience="fristwerk", options={"verify_exp": False, "verify_iat": False})

    assert claims["sub"] == "agent-3"
    assert [each["kid"] for each in published["keys"]] == [keys.key_id, key_of(token)]
    assert all("d" not in each for each in published["keys"])
    assert len(jwks(keys, NOW + OVERLAP + LATER)["keys"]) == 1


@pytest.mark.parametrize(
    "line",
    [
        lambda token: token_line(id_of(token)),
        lambda _: subject_line("demo", "agent-3", NOW + timedelta(seconds=1)),
    ],
    ids=["token", "subject"],
)
def test_a_revoked_token_is_refused_also_where_it_was_used_before(
    line: Callable[[str], str], running: Tokens, tmp_path: Path
) -> None:
    token = running.issue(AGENT, now=NOW, asked_by="root")
    other = running.issue(Principal(sub="agent-3", role="agent", provider="another"), now=NOW)
    assert running.check(token, now=NOW) == AGENT

    (tmp_path / "revoked.txt").write_text("# left the company\n\n" + line(token))

    with pytest.raises(NotAuthenticatedError, match="revoked"):
        running.check(token, now=NOW + LATER)
    assert running.check(other, now=NOW + LATER).provider == "another"
    later = running.issue(AGENT, now=NOW + timedelta(minutes=1))
    assert running.check(later, now=NOW + timedelta(minutes=2)) == AGENT


STRANGE: Final = (
    "Sam Hill",
    " sam  hill\t",
    "sam\nsubject demo x",
    "sam\u2028\u00a0hill",
    "#sam",
    "50%20off",
    "auth0|sam@x.example",
    "jürg",
)


@pytest.mark.parametrize("name", STRANGE)
def test_names_with_blanks_and_the_like_are_revoked_too(name: str) -> None:
    before = NOW + timedelta(seconds=1)
    lines = subject_line("demo", name, before) + token_line(name)
    claims = {"sub": name, "iat": int(NOW.timestamp())}

    assert len(lines.splitlines()) == 2
    assert Revocations(lines).name(claims, "demo")
    assert Revocations(token_line(name)).name({"sub": "x", "iat": 1, "jti": name}, "demo")
    assert not Revocations(lines).name({**claims, "iat": int(before.timestamp())}, "demo")
    assert not Revocations(lines).name(claims, "another")
    assert not Revocations(lines).name({**claims, "sub": "sam"}, "demo")


def test_a_line_of_an_earlier_version_still_revokes_whom_it_names() -> None:
    lines = "subject demo 50%20off 2026-06-03T14:00:00Z"

    assert Revocations(lines).name({"sub": "50%20off", "iat": 1}, "demo")


def test_a_file_that_is_damaged_while_the_service_runs_changes_nothing(running: Tokens, tmp_path: Path) -> None:
    token = running.issue(AGENT, now=NOW, asked_by="root")
    (tmp_path / "revoked.txt").write_text(token_line(id_of(token)))
    with pytest.raises(NotAuthenticatedError, match="revoked"):
        running.check(token, now=NOW + LATER)

    (tmp_path / "revoked.txt").write_text("tokn x\n")

    with pytest.raises(NotAuthenticatedError, match="revoked"):
        running.check(token, now=NOW + 2 * LATER)


@pytest.mark.parametrize(
    "line",
    [
        "tokn x",
        "token",
        "subject demo x",
        "subject demo x yesterday",
        "subject demo x 2026-06-03T14:00:00",
        "token a b",
    ],
)
def test_a_line_that_revokes_nothing_is_refused_at_the_start(line: str, tmp_path: Path) -> None:
    (tmp_path / "revoked.txt").write_text(f"# fine\n{line}\n")

    with pytest.raises(SettingsError, match=r"Line 2 of .*revoked\.txt revokes nothing"):
        TokenFiles(tmp_path / "keys.json", tmp_path / "revoked.txt")
    assert not Revocations().name({"sub": "x", "iat": 1}, "demo")
