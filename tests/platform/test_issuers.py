"""Tokens of an OpenID provider: signed with keys that it rotates, mapped to a provider and roles; everything else is refused."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens, open_tokens
from fristwerk_platform.revocations import subject_line
from fristwerk_platform.settings import Settings, SettingsError
from tests.conftest import OpenServices
from tests.key_sets import key_set

NOW = datetime.now(UTC)
NAME = "https://login.example.com/realms/north"
FILE = f"""
[[issuer]]
name = "{NAME}"
audience = "desk"
jwks_file = "JWKS"
algorithms = ["RS256"]
provider = "north"
role_claim = "realm_access.roles"
belongs_to_claim = "company"
roles = {{ "leads" = "manager", "desk" = "agent", "customers" = "customer" }}
"""


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def another() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def claims(**more: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    given = {
        "iss": NAME,
        "aud": "desk",
        "sub": "u-17",
        "iat": at,
        "exp": at + 3600,
        "realm_access": {"roles": ["desk"]},
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def signed(key: Any, kid: str = "k1", algorithm: str = "RS256", **more: Any) -> str:
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers={"kid": kid})


def by_shared_secret(secret: bytes) -> str:
    """A token that whoever knows the public key could make, if it were taken for a shared secret (RFC 8725, 2.1)."""
    parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "kid": "k1"}, claims())]
    content = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, content, "sha256")).rstrip(b"=")
    return (content + b"." + signature).decode()


@pytest.fixture
def settings(tmp_path: Path, key: RSAPrivateKey) -> Settings:
    (tmp_path / "keys.jwks").write_text(key_set(k1=key))
    (tmp_path / "issuers.toml").write_text(FILE.replace("JWKS", str(tmp_path / "keys.jwks")))
    return Settings(var=tmp_path, issuers_file=tmp_path / "issuers.toml")


@pytest.fixture
def tokens(settings: Settings) -> Tokens:
    return open_tokens(settings, TOKEN_ROLES)


def test_groups_are_mapped_to_roles_in_the_files_order(tokens: Tokens, key: RSAPrivateKey) -> None:
    both = signed(key, realm_access={"roles": ["desk", "other", "leads"]})
    customer = signed(key, realm_access={"roles": ["customers"]}, company="c-1")

    assert tokens.check(signed(key), now=NOW) == Principal(sub="u-17", role="agent", provider="north")
    assert tokens.check(both, now=NOW).role == "manager"
    assert tokens.check(customer, now=NOW).belongs_to == "c-1"


def test_our_own_tokens_go_on_beside_them(tokens: Tokens) -> None:
    ours = Principal(sub="agent-3", role="agent", provider="demo")

    assert tokens.check(tokens.issue(ours, now=NOW), now=NOW) == ours


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"iss": "https://login.example.com/realms/south"}, "issuer is none"),
        ({"aud": "another"}, "not valid"),
        ({"exp": int(NOW.timestamp()) - 1}, "expired"),
        ({"nbf": int(NOW.timestamp()) + 60}, "not valid yet"),
        ({"realm_access": {"roles": ["others"]}}, "not valid"),
        ({"realm_access": None}, "not valid"),
        ({"realm_access": {"roles": ["customers"]}}, "names the customer"),
        ({"kid": "k2"}, "not valid"),
        ({"sub": None}, "not valid"),
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, Any], why: str, tokens: Tokens, key: RSAPrivateKey) -> None:
    with pytest.raises(NotAuthenticatedError, match=why):
        tokens.check(signed(key, **more), now=NOW)


def test_a_provider_or_role_that_the_token_claims_itself_is_not_believed(tokens: Tokens, key: RSAPrivateKey) -> None:
    principal = tokens.check(signed(key, provider="*", role="service", scopes=["invoices"]), now=NOW)

    assert principal == Principal(sub="u-17", role="agent", provider="north")


def test_other_keys_and_other_algorithms_are_refused(
    tokens: Tokens, key: RSAPrivateKey, another: RSAPrivateKey
) -> None:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for token in (
        signed(another),
        signed(key, algorithm="RS512"),
        by_shared_secret(public),
        jwt.encode(claims(), "", algorithm="none", headers={"kid": "k1"}),
        signed(key)[:-4],
        "x.y.z",
    ):
        with pytest.raises(NotAuthenticatedError):
            tokens.check(token, now=NOW)


def test_a_subject_of_theirs_is_revoked_like_ours(tokens: Tokens, settings: Settings, key: RSAPrivateKey) -> None:
    token = signed(key)
    assert tokens.check(token, now=NOW).sub == "u-17"

    settings.revoked.write_text(subject_line("north", "u-17", NOW + timedelta(seconds=1)))

    with pytest.raises(NotAuthenticatedError, match="revoked"):
        tokens.check(token, now=NOW + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"agent"', '"service"', "cannot give the role 'service'"),
        ('"agent"', '"boss"', "cannot give the role 'boss'"),
        ('provider = "north"', 'provider = "*"', "cannot speak for all providers"),
        ('"RS256"', '"HS256"', "cannot be read"),
        ("jwks_file", "jwks_fil", "cannot be read"),
        ("jwks_file =", "jwks_url =", "needs keys over https"),
        *(
            ("jwks_file =", f'jwks_url = "{url}" #', "needs keys over https")
            for url in (
                "http://127.0.0.1:80@login.example.com/certs",
                "http://127.0.0.1.example.com/",
                "http://[",
                "ftp://a",
            )
        ),
        ('audience = "desk"', 'audience = "desk"\njwks_url = "https://login.example.com"', "and not both"),
        (NAME, "fristwerk", "is the one that we issue"),
        ("[[issuer]]", "[[issuers]]", "cannot be read"),
    ],
)
def test_a_file_that_would_let_too_many_in_is_refused_at_the_start(
    old: str, new: str, why: str, settings: Settings
) -> None:
    assert settings.issuers_file is not None
    text = settings.issuers_file.read_text()
    assert old in text
    settings.issuers_file.write_text(text.replace(old, new, 1))

    with pytest.raises(SettingsError, match=why):
        open_tokens(settings, TOKEN_ROLES)


async def test_a_service_takes_them(settings: Settings, open_services: OpenServices, key: RSAPrivateKey) -> None:
    async with open_services(settings) as services:
        headers = {"Authorization": f"Bearer {signed(key)}"}
        allowed = await services.clients["ticket"].get("/v1/tickets", headers=headers)
        refused = await services.clients["ticket"].get(
            "/v1/tickets", headers={"Authorization": f"Bearer {signed(key)}x"}
        )

    assert (allowed.status_code, refused.status_code) == (200, 401)
