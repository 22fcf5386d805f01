"""Only a token that we signed, for us, that is valid now and says who acts for whom, opens anything; and keys are kept well."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.key_files import KeyFileError
from fristwerk_platform.token_keys import Keys, load_keys, load_or_make_keys

AGENT = Principal(sub="agent-3", role="agent", provider="hamburg")
DAMAGES = {
    "empty": "",
    "no JSON": "{",
    "no object": "[]",
    "a key is missing": '{"key_id": "a", "signing_seed": "AAAA"}',
    "a short seed": '{"key_id": "a", "signing_seed": "AAAA", "sealing_key": "AAAA"}',
    "no base64": '{"key_id": "a", "signing_seed": "?", "sealing_key": "?"}',
}

Sign = Callable[..., str]


@pytest.fixture
def claims(now: datetime) -> dict[str, Any]:
    """What a good token says."""
    at = int(now.timestamp())
    return {
        "iss": "fristwerk",
        "aud": "fristwerk",
        "iat": at,
        "exp": at + 60,
        "sub": "agent-3",
        "provider": "hamburg",
        "role": "agent",
    }


@pytest.fixture
def sign(keys: Keys) -> Sign:
    """Signs claims with our key, or in another way."""

    def make(claims: dict[str, Any], **how: Any) -> str:
        usual: dict[str, Any] = {"key": keys.signing_key(), "algorithm": "EdDSA", "headers": {"kid": keys.key_id}}
        return jwt.encode(claims, **usual | how)

    return make


def part(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_speaks_for_whom_it_was_issued(tokens: Tokens, now: datetime) -> None:
    customer = Principal(sub="anna", role="customer", provider="hamburg", belongs_to="customer-1")
    follower = Principal(sub="sla-service", role="service", provider="*")
    program = Principal(sub="crm", role="service", provider="hamburg", scopes=frozenset({"customers", "tickets"}))

    for principal in (AGENT, customer, follower, program):
        assert tokens.check(tokens.issue(principal, now=now), now=now) == principal


def test_a_token_is_valid_from_when_it_says_and_for_as_long_as_it_says(tokens: Tokens, now: datetime) -> None:
    tomorrow = now + timedelta(days=1)
    token = tokens.issue(AGENT, now=now, not_before=tomorrow, valid=timedelta(hours=1))

    with pytest.raises(NotAuthenticatedError, match="not valid yet"):
        tokens.check(token, now=tomorrow - timedelta(seconds=2))
    assert tokens.check(token, now=tomorrow) == AGENT
    with pytest.raises(NotAuthenticatedError, match="expired"):
        tokens.check(token, now=tomorrow + timedelta(hours=1))


def test_a_token_ends_with_the_working_day_where_nobody_says_more(tokens: Tokens, now: datetime) -> None:
    token = tokens.issue(AGENT, now=now)

    assert tokens.check(token, now=now + timedelta(hours=11, minutes=59)) == AGENT
    with pytest.raises(NotAuthenticatedError):
        tokens.check(token, now=now + timedelta(hours=12))


def test_the_log_tells_once_who_had_a_token_made(tokens: Tokens, now: datetime, logged: Any) -> None:
    mine = tokens.issue(AGENT, now=now, asked_by="root")
    for _ in range(2):
        tokens.check(mine, now=now)
        tokens.check(tokens.issue(AGENT, now=now), now=now)

    uses = [each for each in logged if each["event"] == "token_first_used"]
    assert [(each["asked_by"], each["subject"], each["role"], each["provider"]) for each in uses] == [
        ("root", "agent-3", "agent", "hamburg")
    ]


def test_scopes_of_anybody_but_a_program_count_for_nothing(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime
) -> None:
    assert tokens.check(sign(claims | {"scopes": ["customers"]}), now=now) == AGENT
    for scopes in ("customers", ["customers", 1], {"customers": True}, None):
        with pytest.raises(NotAuthenticatedError):
            tokens.check(sign(claims | {"role": "service", "scopes": scopes}), now=now)


def test_a_token_signed_elsewhere_in_the_same_way_is_good(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime
) -> None:
    assert tokens.check(sign(claims), now=now) == AGENT
    assert tokens.check(sign(claims | {"aud": ["others", "fristwerk"]}), now=now) == AGENT


@pytest.mark.parametrize("missing", ["iss", "aud", "iat", "exp", "sub", "provider", "role"])
def test_a_claim_that_is_missing_is_not_made_up(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime, missing: str
) -> None:
    del claims[missing]

    with pytest.raises(NotAuthenticatedError):
        tokens.check(sign(claims), now=now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "others"},
        {"aud": "others"},
        {"aud": []},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["agent-3"]},
        {"role": "root"},
        {"role": ["agent"]},
        {"role": None},
        {"provider": ""},
        {"provider": None},
        {"provider": ["hamburg"]},
        {"provider": "*"},
        {"provider": "*", "role": "admin"},
        {"role": "customer"},
        {"role": "customer", "customer": ""},
        {"role": "customer", "customer": 7},
        {"exp": "tomorrow"},
        {"exp": None},
        {"exp": 1e300},
        {"nbf": "today"},
    ],
    ids=str,
)
def test_a_claim_that_says_something_else_is_refused(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime, wrong: dict[str, Any]
) -> None:
    with pytest.raises(NotAuthenticatedError):
        tokens.check(sign(claims | wrong), now=now)


def test_the_company_of_somebody_who_is_no_customer_counts_for_nothing(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime
) -> None:
    assert tokens.check(sign(claims | {"customer": "customer-1"}), now=now).belongs_to is None


def test_a_token_expires_at_its_instant_by_our_clock(tokens: Tokens, now: datetime) -> None:
    token = tokens.issue(AGENT, now=now.replace(microsecond=0), valid=timedelta(seconds=10))

    tokens.check(token, now=now.replace(microsecond=0) + timedelta(seconds=9.9))
    with pytest.raises(NotAuthenticatedError, match="expired"):
        tokens.check(token, now=now.replace(microsecond=0) + timedelta(seconds=10))


def test_a_token_that_was_checked_before_expires_all_the_same(tokens: Tokens, now: datetime) -> None:
    token = tokens.issue(AGENT, now=now, valid=timedelta(seconds=10))
    for _ in range(3):
        tokens.check(token, now=now)

    with pytest.raises(NotAuthenticatedError, match="expired"):
        tokens.check(token, now=now + timedelta(seconds=10))


def test_a_token_that_begins_later_is_not_valid_yet(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime
) -> None:
    token = sign(claims | {"nbf": int(now.timestamp()) + 30})

    with pytest.raises(NotAuthenticatedError, match="not valid yet"):
        tokens.check(token, now=now)
    assert tokens.check(token, now=now + timedelta(seconds=30)) == AGENT


def test_no_more_tokens_are_remembered_than_there_is_room_for(
    tokens: Tokens, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.auth.CACHED_TOKENS", 3)
    issued = [tokens.issue(Principal(sub=f"agent-{n}", role="agent", provider="hamburg"), now=now) for n in range(5)]

    assert [tokens.check(each, now=now).sub for each in issued + issued] == [f"agent-{n}" for n in range(5)] * 2
    assert len(tokens._checked) == 3


def test_an_unsigned_token_is_refused(tokens: Tokens, keys: Keys, claims: dict[str, Any], now: datetime) -> None:
    for algorithm in ("none", "None", "NONE", "", None):
        token = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': keys.key_id})}.{part(claims)}."

        with pytest.raises(NotAuthenticatedError):
            tokens.check(token, now=now)


def test_a_token_signed_with_our_public_key_as_a_secret_is_refused(
    tokens: Tokens, keys: Keys, claims: dict[str, Any], now: datetime
) -> None:
    public = keys.signing_key().public_key()
    for secret in (
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):
        for algorithm, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512), ("EdDSA", hashlib.sha512)):
            signed = f"{part({'alg': algorithm, 'kid': keys.key_id})}.{part(claims)}"
            token = f"{signed}.{part(hmac.new(secret, signed.encode(), digest).digest())}"

            with pytest.raises(NotAuthenticatedError):
                tokens.check(token, now=now)


def test_a_token_signed_with_another_key_is_refused(
    tokens: Tokens, keys: Keys, sign: Sign, claims: dict[str, Any], now: datetime
) -> None:
    stranger = Ed25519PrivateKey.generate()
    for headers in ({"kid": keys.key_id}, {"kid": "another"}, {}, {"kid": keys.key_id, "jwk": {"kty": "OKP"}}):
        with pytest.raises(NotAuthenticatedError):
            tokens.check(sign(claims, key=stranger, headers=headers), now=now)


@pytest.mark.parametrize("headers", [{}, {"kid": "another"}, {"kid": ""}])
def test_a_token_that_names_no_key_or_another_is_refused(
    tokens: Tokens, sign: Sign, claims: dict[str, Any], now: datetime, headers: dict[str, str]
) -> None:
    with pytest.raises(NotAuthenticatedError, match="signed with another key"):
        tokens.check(sign(claims, headers=headers), now=now)


def test_a_token_in_which_anything_was_changed_is_refused(
    tokens: Tokens, claims: dict[str, Any], now: datetime
) -> None:
    token = tokens.issue(AGENT, now=now)
    tokens.check(token, now=now)
    header, _, signature = token.split(".")

    for changed in (f"{header}.{part(claims | {'role': 'admin'})}.{signature}", token[:-10], f"{token}A"):
        with pytest.raises(NotAuthenticatedError):
            tokens.check(changed, now=now)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "...",
        "Ä.Ö.Ü",
        part(b"\xff\xfe") + ".e30.AAAA",
        part(b"[" * 20_000) + ".e30.AAAA",
        part(b'{"kid":' * 20_000) + ".e30.AAAA",
        part(b'{"kid":' + b"9" * 5_000 + b"}") + ".e30.AAAA",
        part([1, 2]) + ".e30.AAAA",
        part("text") + ".e30.AAAA",
        part({"alg": "EdDSA", "kid": ["a"]}) + ".e30.AAAA",
    ],
    ids=lambda token: token[:20],
)
def test_what_is_no_token_is_refused_and_never_an_error_of_ours(tokens: Tokens, now: datetime, token: str) -> None:
    with pytest.raises(NotAuthenticatedError) as refused:
        tokens.check(token, now=now)

    assert len(token) < 4 or token not in str(refused.value)


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys.json"
    before = os.umask(0)
    try:
        made = load_or_make_keys(file)
    finally:
        os.umask(before)

    assert load_or_make_keys(file) == load_keys(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["keys.json"], "no draft is left"


def test_two_key_files_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = load_or_make_keys(tmp_path / "1"), load_or_make_keys(tmp_path / "2")

    assert one.key_id != other.key_id
    assert one.signing_seed != other.signing_seed


def test_processes_that_make_the_key_file_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from fristwerk_platform.token_keys import load_or_make_keys\n"
        "print('ready', flush=True); sys.stdin.read(); print(load_or_make_keys(Path(sys.argv[1])).key_id)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keys.json")]
    makers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(3)
    ]
    for each in makers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in makers:
        assert each.stdin is not None
        each.stdin.close()
        each.stdin = None

    printed = {each.communicate()[0].strip() for each in makers}

    assert printed == {load_keys(tmp_path / "keys.json").key_id}


def test_a_key_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"^There is no key file .*keys\.json; .*first start\.$"):
        load_keys(tmp_path / "keys.json")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_key_file_is_a_sentence_and_is_never_made_anew(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(damage)

    with pytest.raises(KeyFileError, match=r"^The key file .*keys\.json is damaged: .*\.$"):
        load_or_make_keys(file)
    assert file.read_text() == damage


def test_a_place_where_no_key_file_can_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(KeyFileError, match=r"cannot be (made|read)"):
        load_or_make_keys(tmp_path / "file" / "keys.json")
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_or_make_keys(tmp_path)
