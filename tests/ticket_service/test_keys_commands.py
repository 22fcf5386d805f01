"""``rotate``, ``revoke`` and ``jwks`` on the command line, as whoever runs the services types them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import NotAuthenticatedError, open_tokens
from fristwerk_platform.settings import Settings
from ticket_service.app import now
from ticket_service.cli import main


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
