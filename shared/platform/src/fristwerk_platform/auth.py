"""Who the caller is: bearer tokens (JWT, RFC 7519) signed with Ed25519, their roles, and the key
file of the embedded default.

The provider a request acts for comes from its token, never from the request.
"""

from __future__ import annotations

import math
import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import jwt
import msgspec
import structlog
from jwt.types import Options

from fristwerk_platform.issuers import Issuers, read_issuers
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_files import TokenFiles, open_token_files
from fristwerk_platform.token_keys import Keys, load_or_make_keys

PROGRAM: Final = "service"
"""The role of programs: it may follow the feeds of all providers, and beside them use what its
scopes name.
"""
ALL_PROVIDERS: Final = "*"
ALGORITHM: Final = "EdDSA"
CACHED_TOKENS: Final = 10_000
TOKEN_VALID: Final = timedelta(hours=12)
"""How long a token is valid by default: a person's ends with the working day."""
FEEDS: Final = "events"
"""The resource that a program reads without a scope: below ``/v1/events`` lie the feeds."""

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


class Tokens:
    """Issues and checks bearer tokens with one pinned algorithm, issuer and audience.

    ``files`` lets keys be replaced and tokens be revoked while the service runs; without them
    nothing changes. ``others`` are issuers whose tokens are taken beside ours.
    """

    def __init__(
        self,
        keys: Keys,
        roles: Roles,
        *,
        issuer: str,
        audience: str,
        files: TokenFiles | None = None,
        others: Issuers | None = None,
    ) -> None:
        self.roles = roles
        self._files = files
        self._others = others
        self._issuer = issuer
        self._audience = audience
        self._use(keys)

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

        ``asked_by`` names who had it made; the services log that once, when it is first used. Such
        a token has an id, by which it can be revoked.
        """
        self._look_at_files(now)
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
            claims |= {"asked_by": asked_by, "jti": secrets.token_hex(16)}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._keys.key_id})

    def check(self, token: str, *, now: datetime) -> Principal:
        """The principal a token speaks for. Raises NotAuthenticatedError.

        A token once checked is remembered until it expires: a signature costs more than a whole
        command.
        """
        self._look_at_files(now)
        known = self._checked.get(token)
        if known is not None and now.timestamp() < known[0]:
            return known[1]
        claims, verifies_until = self._claims(token, now)
        principal = _principal(claims, self.roles)
        if self._files is not None and self._files.revoked.name(claims, principal.provider):
            raise NotAuthenticatedError("The token was revoked.")
        if "asked_by" in claims:
            _log_first_use(claims, principal)
        self._checked[token] = (min(float(claims["exp"]), verifies_until), principal)
        if len(self._checked) > CACHED_TOKENS:
            self._checked.popitem(last=False)
        return principal

    def seconds_left(self, token: str, *, now: datetime) -> float:
        """For how long a token that was just checked is still valid."""
        known = self._checked.get(token)
        return 0.0 if known is None else known[0] - now.timestamp()

    def _use(self, keys: Keys) -> None:
        """Sign with the keys from now on. What was checked before is checked again."""
        self._keys = keys
        self._private = keys.signing_key()
        self._verifying = keys.verifying_keys()
        self._checked: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def _look_at_files(self, now: datetime) -> None:
        changed = None if self._files is None else self._files.reread(now)
        if changed is not None:
            self._use(changed)

    def _claims(self, token: str, now: datetime) -> tuple[dict[str, Any], float]:
        """What a token says, and until when its key verifies."""
        try:
            issuer = self._issuer if self._others is None else _issuer_of(token)
            if issuer != self._issuer and self._others is not None:
                claims = self._others.claims(token, issuer)
                if claims is None:
                    raise NotAuthenticatedError("The token's issuer is none that is known here.")
                return _in_time(claims, now), math.inf
            verifying = self._verifying.get(str(jwt.get_unverified_header(token).get("kid")))
            if verifying is None or now.timestamp() >= verifying.until:
                raise NotAuthenticatedError("The token was signed with another key.")
            claims = jwt.decode(
                token,
                verifying.key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "aud", "sub"], **_NO_CLOCK},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise NotAuthenticatedError(_refusal(error)) from error
        if verifying.program is not None and (claims.get("role"), claims["sub"]) != (PROGRAM, verifying.program):
            raise NotAuthenticatedError(f"The token's key signs tokens of {verifying.program} alone.")
        return _in_time(claims, now), verifying.until


def _refusal(error: Exception) -> str:
    """Why a token is not taken, without the library's words."""
    match error:
        case jwt.InvalidSignatureError():
            return "The token is not valid: its signature is another."
        case jwt.InvalidAudienceError() | jwt.InvalidIssuerError():
            return "The token is not valid: it is for another installation."
        case jwt.MissingRequiredClaimError():
            return f"The token is not valid: it lacks the claim {error.claim}."
        case _:
            return "The token is not valid: it is damaged, or not one that is taken here."


def _issuer_of(token: str) -> str:
    """Who a token says has issued it, before anything of it is believed."""
    return str(jwt.decode(token, options={"verify_signature": False}).get("iss"))


def _in_time(claims: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The claims. Raises NotAuthenticatedError where they have expired or are not valid yet."""
    expires_at, begins_at = claims["exp"], claims.get("nbf", 0)
    if not isinstance(expires_at, int) or now.timestamp() >= expires_at:
        raise NotAuthenticatedError("The token has expired.")
    if not isinstance(begins_at, int) or now.timestamp() < begins_at:
        raise NotAuthenticatedError("The token is not valid yet.")
    return claims


def open_tokens(settings: Settings, roles: Roles) -> Tokens:
    """A service's tokens, with the key file that the settings name, which is made if there is none.

    Raises KeyFileError, and SettingsError for a list of revoked tokens or of issuers that cannot be
    read.
    """
    keys, files = load_or_make_keys(settings.keys), open_token_files(settings)
    others = None
    if settings.issuers_file is not None:
        others = read_issuers(
            settings.issuers_file, roles=roles.names, bound=roles.bound, ours=settings.issuer, program=PROGRAM
        )
    return Tokens(keys, roles, issuer=settings.issuer, audience=settings.audience, files=files, others=others)


def _log_first_use(claims: dict[str, Any], principal: Principal) -> None:
    """Log who had a token made, so that it can be found out later what was done with it."""
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
