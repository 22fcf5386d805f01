"""``rotate``, ``service-key``, ``revoke`` and ``jwks`` on the command line, as whoever runs the services types them."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import NotAuthenticatedError, Principal, open_tokens
from fristwerk_platform.key_files import replace_key_file
from fristwerk_platform.sealing_keys import load_sealing_key
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys, load_or_make_keys
from ticket_service.app import now
from ticket_service.cli import main

KEY = bytes(range(32))


def test_a_printed_token_outlives_a_rotation_and_ends_with_its_revocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))
    services = open_tokens(Settings(var=tmp_path), TOKEN_ROLES)

    assert main(["token", "--role", "agent"]) == 0
    token = capsys.readouterr().out.strip()
    assert main(["rotate"]) == 0
    said = capsys.readouterr().out
    assert services.check(token, now=now() + timedelta(seconds=2)).role == "agent"
    assert main(["jwks"]) == 0
    keys = json.loads(capsys.readouterr().out)["keys"]
    assert main(["revoke", "--token", token]) == 0

    assert all(each["kid"] in said for each in keys)
    assert len(keys) == 2
    with pytest.raises(NotAuthenticatedError, match="revoked"):
        services.check(token, now=now() + timedelta(seconds=5))
    assert (tmp_path / "revoked.txt").stat().st_mode & 0o077 == 0


def test_a_service_gets_a_key_of_its_own_and_goes_on_after_a_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))
    shared, own = open_tokens(Settings(var=tmp_path), TOKEN_ROLES), tmp_path / "sla-keys.json"

    assert main(["service-key", "--service", "sla-service", "--file", str(own)]) == 0
    assert load_keys(own).key_id in capsys.readouterr().out
    service = open_tokens(Settings(var=tmp_path, key_file=own), TOKEN_ROLES)
    assert main(["rotate", "--service-keys", str(own)]) == 0

    later = now() + timedelta(seconds=2)
    reader = Principal(sub="sla-service", role="service", provider="*")
    assert shared.check(service.issue(reader, now=later), now=later) == reader
    assert service.check(shared.issue(reader, now=later), now=later) == reader
    assert main(["rotate", "--service-keys", str(tmp_path / "nothing.json")]) == 1
    assert "There is no key file" in capsys.readouterr().err


def test_a_subject_is_revoked_and_what_is_no_token_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))
    services = open_tokens(Settings(var=tmp_path), TOKEN_ROLES)
    main(["token", "--role", "agent", "--subject", "agent-3"])
    token = capsys.readouterr().out.strip()

    assert main(["revoke", "--subject", "agent-3"]) == 0

    with pytest.raises(NotAuthenticatedError, match="revoked"):
        services.check(token, now=now() + timedelta(seconds=5))
    assert main(["revoke", "--token", "nothing"]) == 1
    assert capsys.readouterr().err == "This is no token.\n"


def test_the_sealing_key_is_moved_into_a_file_that_only_the_ticket_service_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRISTWERK_VAR", str(tmp_path))
    keys = load_or_make_keys(tmp_path / "keys.json")
    replace_key_file(tmp_path / "keys.json", msgspec.structs.replace(keys, sealing_key=base64.b64encode(KEY).decode()))

    assert main(["move-sealing-key"]) == 0
    assert main(["move-sealing-key"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first == f"the sealing key is in {tmp_path / 'sealing-key.json'} now, which only the ticket service needs"
    assert second.startswith(f"{tmp_path / 'keys.json'} holds no sealing key")
    assert load_sealing_key(Settings(var=tmp_path)) == KEY
    assert load_keys(tmp_path / "keys.json") == keys
    (tmp_path / "sealing-key.json").unlink()
    assert main(["move-sealing-key"]) == 1
    assert "There is no key file" in capsys.readouterr().err
