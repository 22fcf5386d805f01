"""Who is asking: bearer tokens (JWT, RFC 7519) signed with Ed25519, their roles, and the key file
of the embedded default.

The provider a request acts for comes from its token, never from the request.
"""

from __future__ import annotations

import base64
import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.types import Options

from fristwerk_platform.key_files import make_key_file, read_key_file

PROGRAM: Final = "service"
"""The role of programs: it may follow the feeds of all providers, and beside them use what its
scopes name.
"""
ALL_PROVIDERS: Final = "*"
ALGORITHM: Final = "EdDSA"
CACHED_TOKENS: Final = 10_000
TOKEN_VALID: Final = timedelta(hours=12)
"""How long a token is valid where nobody says: a person's ends with the working day."""
FEEDS: Final = "events"
"""The resource that a program reads without a scope: below ``/v1/events`` lie the feeds."""
SEALING_KEY_BYTES: Final = 32


_log = structlog.get_logger()
_NO_CLOCK: Final[Options] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
"""The library would read the clock itself; here ``now`` is an argument."""


class NotAuthenticatedError(Exception):
    """The token is missing, expired, wrongly signed or not ours.

    The message says which, without repeating the token.
    """


class Roles(Protocol):
    """The roles that tokens carry, as the services agree on them."""

    @property
    def names(self) -> Collection[str]:
        """All of them."""
        ...

    @property
    def bound(self) -> Mapping[str, str]:
        """Those that see only what belongs to them, each with the claim that says to whom."""
        ...

    @property
    def printed_by(self) -> str:
        """The command that prints a token."""
        ...


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: subject, role, provider and, for a role that sees only its own things, to whom they
    belong.

    ``provider`` is the platform's word for a tenant: whoever's data a request reads and changes.
    ``*`` stands for all of them and is only for followers of feeds. ``scopes`` names the resources
    that a program may use beside the feeds.
    """

    sub: str
    role: str
    provider: str
    belongs_to: str | None = None
    scopes: frozenset[str] = frozenset()

    def may_use(self, resource: str) -> bool:
        """Whether the token opens what lies below ``/v1/<resource>`` at all; the role decides on
        the rest.
        """
        return self.role != PROGRAM or resource == FEEDS or resource in self.scopes


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The key file: the token key's id, the Ed25519 seed, and the key that wraps data subjects'
    keys (both base64).
    """

    key_id: str
    signing_seed: str
    sealing_key: str

    def __repr__(self) -> str:
        """Without the secrets: tracebacks and logs show what a variable holds."""
        return f"Keys(key_id={self.key_id!r}, …)"

    def signing_key(self) -> Ed25519PrivateKey:
        """The private key that signs tokens."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_seed, validate=True))

    def sealing_bytes(self) -> bytes:
        """The 32 bytes that wrap the keys of data subjects. Raises ValueError if they are not 32."""
        key = base64.b64decode(self.sealing_key, validate=True)
        if len(key) != SEALING_KEY_BYTES:
            raise ValueError(f"the sealing key has {len(key)} bytes, not {SEALING_KEY_BYTES}")
        return key

    def check(self) -> None:
        """Raises ValueError where a key is none."""
        self.signing_key()
        self.sealing_bytes()


def load_keys(path: Path) -> Keys:
    """The keys in the file. Raises KeyFileError."""
    return read_key_file(path, Keys)


def load_or_make_keys(path: Path) -> Keys:
    """The keys in the file, which is made if it does not exist; of several services starting at
    once one makes it.
    """
    if not path.exists():
        _make_keys(path)
    return load_keys(path)


def _make_keys(path: Path) -> None:
    seed = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    keys = Keys(
        key_id=secrets.token_hex(8),
        signing_seed=base64.b64encode(seed).decode(),
        sealing_key=base64.b64encode(secrets.token_bytes(SEALING_KEY_BYTES)).decode(),
    )
    make_key_file(path, keys)


class Tokens:
    """Issues and checks bearer tokens with one pinned algorithm, issuer, audience and key id."""

    def __init__(self, keys: Keys, roles: Roles, *, issuer: str, audience: str) -> None:
        self.roles = roles
        self._keys = keys
        self._private = keys.signing_key()
        self._public = self._private.public_key()
        self._issuer = issuer
        self._audience = audience
        self._checked: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def issue(
        self,
        principal: Principal,
        *,
        now: datetime,
        valid: timedelta = TOKEN_VALID,
        not_before: datetime | None = None,
        asked_by: str | None = None,
    ) -> str:
        """A signed token for the principal, ``valid`` from ``not_before`` on, else from now on.

        ``asked_by`` names who had it made; the services log that once, when it is first used.
        """
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": int(now.timestamp()),
            "exp": int(((not_before or now) + valid).timestamp()),
            "sub": principal.sub,
            "provider": principal.provider,
            "role": principal.role,
        }
        if principal.belongs_to is not None:
            claims[self.roles.bound[principal.role]] = principal.belongs_to
        if principal.scopes:
            claims["scopes"] = sorted(principal.scopes)
        if not_before is not None:
            claims["nbf"] = int(not_before.timestamp())
        if asked_by is not None:
            claims["asked_by"] = asked_by
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._keys.key_id})

    def check(self, token: str, *, now: datetime) -> Principal:
        """The principal a token speaks for. Raises NotAuthenticatedError.

        A token once checked is remembered until it expires: a signature costs more than a whole
        command.
        """
        known = self._checked.get(token)
        if known is not None and now.timestamp() < known[0]:
            return known[1]
        claims = self._claims(token, now)
        principal = _principal(claims, self.roles)
        if "asked_by" in claims:
            _log_first_use(claims, principal)
        self._checked[token] = (float(claims["exp"]), principal)
        if len(self._checked) > CACHED_TOKENS:
            self._checked.popitem(last=False)
        return principal

    def seconds_left(self, token: str, *, now: datetime) -> float:
        """For how long a token that was just checked is still valid."""
        known = self._checked.get(token)
        return 0.0 if known is None else known[0] - now.timestamp()

    def _claims(self, token: str, now: datetime) -> dict[str, Any]:
        try:
            if jwt.get_unverified_header(token).get("kid") != self._keys.key_id:
                raise NotAuthenticatedError("The token was signed with another key.")
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "aud", "sub"], **_NO_CLOCK},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise NotAuthenticatedError(f"The token is not valid: {type(error).__name__}.") from error
        expires_at, begins_at = claims["exp"], claims.get("nbf", 0)
        if not isinstance(expires_at, int) or now.timestamp() >= expires_at:
            raise NotAuthenticatedError("The token has expired.")
        if not isinstance(begins_at, int) or now.timestamp() < begins_at:
            raise NotAuthenticatedError("The token is not valid yet.")
        return claims


def _log_first_use(claims: dict[str, Any], principal: Principal) -> None:
    """So that it can be told later who had a token made that something was done with."""
    _log.info(
        "token_first_used",
        asked_by=str(claims["asked_by"])[:100],
        subject=principal.sub,
        role=principal.role,
        provider=principal.provider,
        scopes=sorted(principal.scopes),
        expires_at=claims["exp"],
    )


def _principal(claims: dict[str, Any], roles: Roles) -> Principal:
    role, provider = claims.get("role"), claims.get("provider")
    if not isinstance(role, str) or role not in roles.names:
        raise NotAuthenticatedError("The token names no role of Fristwerk.")
    if not isinstance(provider, str) or not provider or (provider == ALL_PROVIDERS and role != PROGRAM):
        raise NotAuthenticatedError("The token names no provider; only followers may ask for all of them.")
    claim = roles.bound.get(role)
    belongs_to = None if claim is None else claims.get(claim)
    if claim is not None and not (isinstance(belongs_to, str) and belongs_to):
        raise NotAuthenticatedError(f"A {role}'s token names the {claim}.")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise NotAuthenticatedError("The token names no subject.")
    return Principal(
        sub=claims["sub"],
        role=role,
        provider=provider,
        belongs_to=belongs_to,
        scopes=_scopes(claims) if role == PROGRAM else frozenset(),
    )


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    scopes = claims.get("scopes", [])
    if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
        raise NotAuthenticatedError("The token's scopes are no list of names.")
    return frozenset(scopes)
