"""Tokens of others, such as a company's OpenID provider: who may issue them, and which provider and
roles they mean here.

A TOML file lists the issuers. Each speaks for one provider, and its groups are mapped to roles;
what is not mapped is refused. No issuer makes tokens for programs or for all providers: those are
only ours.

    [[issuer]]
    name = "https://login.example.com/realms/north"     # the claim ``iss``
    audience = "fristwerk"
    jwks_url = "https://login.example.com/realms/north/certs"   # or jwks_file
    algorithms = ["RS256"]
    provider = "north"
    role_claim = "realm_access.roles"
    belongs_to_claim = "company"                         # for roles that see only their own things
    roles = { "desk" = "agent", "desk-leads" = "manager" }
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import jwt
import msgspec
from jwt.types import Options

from fristwerk_platform.issuer_keys import IssuerKeys
from fristwerk_platform.settings import SettingsError

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures alone: with a shared secret whoever verifies could issue (RFC 8725, 3.1)."""
NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_NO_CLOCK: Final[Options] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub"]


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file."""

    name: NonEmpty
    audience: NonEmpty
    algorithms: Annotated[list[Algorithm], msgspec.Meta(min_length=1)]
    provider: NonEmpty
    role_claim: NonEmpty
    roles: dict[str, str]
    jwks_url: str | None = None
    jwks_file: NonEmpty | None = None
    belongs_to_claim: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuer: list[Issuer]


class Issuers:
    """The issuers of a file, with their keys."""

    def __init__(self, issuers: Collection[Issuer], bound: Mapping[str, str]) -> None:
        """``bound`` maps a role that sees only its own things to the claim of ours that says whose."""
        self._bound = bound
        self._issuers = {each.name: (each, _keys_of(each)) for each in issuers}

    def claims(self, token: str, issuer: str) -> dict[str, Any] | None:
        """What a token says, in claims of ours; None where the issuer is none of these.

        The clock is left to the caller.

        Raises jwt.InvalidTokenError for a token that the issuer has not signed, or that means no
        role here.
        """
        if issuer not in self._issuers:
            return None
        entry, keys = self._issuers[issuer]
        key = keys.named(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise jwt.InvalidTokenError("The issuer has no such key, as far as is known.")
        given = _verified(token, entry, key)
        role = _role(entry, given)
        found: dict[str, Any] = {name: given[name] for name in ("sub", "iat", "exp", "nbf", "jti") if name in given}
        found |= {"provider": entry.provider, "role": role}
        if role in self._bound and entry.belongs_to_claim is not None:
            found[self._bound[role]] = _at(given, entry.belongs_to_claim)
        return found


def _verified(token: str, entry: Issuer, key: jwt.PyJWK) -> dict[str, Any]:
    """Raises jwt.InvalidTokenError."""
    try:
        return jwt.decode(
            token,
            key,  # with its own algorithm, which has to be the token's and one of the list
            algorithms=list(entry.algorithms),
            audience=entry.audience,
            issuer=entry.name,
            options={"require": _REQUIRED, **_NO_CLOCK},
        )
    except (jwt.PyJWTError, TypeError) as error:
        raise jwt.InvalidTokenError(type(error).__name__) from error


def read_issuers(file: Path, *, roles: Collection[str], bound: Mapping[str, str], ours: str, program: str) -> Issuers:
    """The issuers that the file lists.

    ``ours`` is the issuer that is no other, ``program`` the role that none may give.

    Raises SettingsError.
    """
    try:
        issuers = msgspec.toml.decode(file.read_bytes(), type=_File).issuer
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise SettingsError(f"The issuers in {file} cannot be read: {error}.") from error
    for each in issuers:
        wrong = next(_mistakes(each, roles, ours, program), None)
        if wrong is not None:
            raise SettingsError(f"The issuer {each.name} in {file} {wrong}.")
    if len({each.name for each in issuers}) < len(issuers):
        raise SettingsError(f"An issuer stands twice in {file}.")
    return Issuers(issuers, bound)


def _keys_of(issuer: Issuer) -> IssuerKeys:
    return IssuerKeys(issuer.jwks_url, None if issuer.jwks_file is None else Path(issuer.jwks_file))


def _is_safe(url: str) -> bool:
    """Whether nobody on the way could change what is read from there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")


def _mistakes(issuer: Issuer, roles: Collection[str], ours: str, program: str) -> Any:
    if issuer.name == ours:
        yield "is the one that we issue tokens as"
    if (issuer.jwks_url is None) == (issuer.jwks_file is None):
        yield "needs jwks_url or jwks_file, and not both"
    if issuer.jwks_url is not None and not _is_safe(issuer.jwks_url):
        yield "needs keys over https: whoever could change them on the way could issue tokens"
    if issuer.provider == "*":
        yield "cannot speak for all providers"
    for role in issuer.roles.values():
        if role == program or role not in roles:
            yield f"cannot give the role {role!r}"


def _role(issuer: Issuer, given: Mapping[str, Any]) -> str:
    """The first role in the file's order that one of the token's groups is mapped to.

    Raises jwt.InvalidTokenError.
    """
    groups = _at(given, issuer.role_claim)
    named = {groups} if isinstance(groups, str) else set(map(str, groups)) if isinstance(groups, list) else set()
    for group, role in issuer.roles.items():
        if group in named:
            return role
    raise jwt.InvalidTokenError("None of its groups is mapped to a role.")


def _at(given: Mapping[str, Any], path: str) -> Any:
    """The claim at a path such as ``realm_access.roles``; a claim of that whole name comes first."""
    if path in given:
        return given[path]
    found: Any = given
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
