"""Settings from environment variables with the prefix ``FRISTWERK_``;
``docs/reference/settings.md`` lists them all.

A wrong value or an unknown name stops the start with a sentence: a misspelt setting is never
silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

PREFIX: Final = "FRISTWERK_"
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""As libpq has them; the two that verify find the authority's certificate where ``PGSSLROOTCERT``
says.
"""
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/]+(/\S*)?$")]
_NATS: Final = r"(nats|tls)://[^\s/,]+:\d{1,5}"
NatsUrl = Annotated[str, msgspec.Meta(pattern=rf"^{_NATS}(,{_NATS})*$")]
DatabaseUrl = Annotated[
    str, msgspec.Meta(pattern=rf"^postgresql://[^\s/]+/[^\s/?]+(\?sslmode=({'|'.join(SSL_MODES)}))?$")
]
DATABASE_CONNECTIONS: Final = 8
UNLOCKED_APPENDS: Final = "POSTGRES_ENABLE_DB_FUNCTIONS"
EXPECTED: Final = {
    "port": "expected a number from 1 to 65535",
    "database_url": "expected postgresql://user:password@host:port/database, with ?sslmode=verify-full or another if need be",
    "database_connections": "expected a number from 2 to 100",
    "ticket_url": "expected an address such as http://127.0.0.1:8001",
    "sla_url": "expected an address such as http://127.0.0.1:8002",
    "billing_url": "expected an address such as http://127.0.0.1:8003",
    "follow_in_partitions": "expected true or false",
    "customers_may_date": "expected true or false",
    "receipt_days_before_contracts": "expected a number of days from 0 to 36500",
    "appointment_days_ahead": "expected a number of days from 1 to 36500",
    "log_level": "expected debug, info, warning or error",
    "log_requests": "expected a share from 0 to 1",
    "tsa_url": "expected an address such as http://tsa.example.org/tsr",
    "nats_url": "expected an address such as nats://127.0.0.1:4222, or several with commas between them",
    "otlp_endpoint": "expected an address such as http://127.0.0.1:4318",
    "max_connections": "expected a number from 16 to 100000",
    "request_head_bytes": "expected a number from 8192 to 1048576",
    "request_head_seconds": "expected a number of seconds from 0.5 to 600",
    "request_body_bytes_per_second": "expected a number from 1 to 1048576",
    "unsent_answer_bytes": "expected a number from 1048576 to 1073741824",
}


class SettingsError(ValueError):
    """A setting has a wrong value or an unknown name; the message is a sentence for whoever starts
    the service.
    """


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service needs to know of its surroundings.

    Each field is the variable ``FRISTWERK_<NAME>``.
    """

    var: Path = Path("var")
    """Folder of everything the services store by default."""
    host: str = "127.0.0.1"
    port: Port | None = None
    """Default: 8001 ticket-service, 8002 sla-service, 8003 billing-service, 8004 relay."""
    database_url: DatabaseUrl | None = None
    """``postgresql://user:password@host:port/database``; default: SQLite files in the folder
    ``var``.
    """
    database_connections: Annotated[int, msgspec.Meta(ge=2, le=100)] = DATABASE_CONNECTIONS
    """Connections to PostgreSQL for a read model at most; a service's log has up to six beside
    them.
    """
    key_file: Path | None = None
    """Keys for tokens; default ``keys.json`` in the folder ``var``.

    Made on first start.
    """
    sealing_key_file: Path | None = None
    """Key that wraps persons' keys, for the ticket-service alone; default ``sealing-key.json`` beside the key file.

    Made on first start.
    """
    issuers_file: Path | None = None
    """Others whose tokens are taken beside ours, such as a company's OpenID provider."""
    revoked_file: Path | None = None
    """Tokens that hold no more; default ``revoked.txt`` beside the key file."""
    forgotten_file: Path | None = None
    """Who was forgotten; default ``forgotten.txt`` beside the key file."""
    ticket_url: Url = "http://127.0.0.1:8001"
    """Where sla-service and billing-service find the ticket-service."""
    sla_url: Url = "http://127.0.0.1:8002"
    """Where the ticket-service finds the sla-service, for the deadlines of lists."""
    billing_url: Url = "http://127.0.0.1:8003"
    issuer: str = "fristwerk"
    audience: str = "fristwerk"
    follow_in_partitions: bool = False
    """Whether several processes of the sla-service or the billing-service share its work on PostgreSQL;
    all of them need it.
    """
    customers_may_date: bool = False
    """Whether customers may date their own facts, as the local runner's stories do; they occur now
    otherwise.
    """
    receipt_days_before_contracts: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 365
    """How long before the provider's first contract a ticket may have been received."""
    appointment_days_ahead: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 3 * 365 + 1
    """How far ahead appointments may be proposed and booked."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_requests: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """Share of the requests that are logged; what fails or takes long always is."""
    tsa_url: Url | None = None
    """Authority that stamps each provider's newest head once a day (RFC 3161); none does without."""
    nats_url: NatsUrl | None = None
    """Servers that ``relay`` publishes the feed to, with commas between them; no other command
    knows of them.
    """
    otlp_endpoint: Url | None = None
    """Collector of traces, by OTLP over HTTP; none are made without. Needs the extra ``otel``."""
    max_connections: Annotated[int, msgspec.Meta(ge=16, le=100_000)] = 1000
    """HTTP connections of a process at most; fewer where it may not have so many file descriptors."""
    request_head_bytes: Annotated[int, msgspec.Meta(ge=8_192, le=1_048_576)] = 65_536
    """Request line and header lines of a request in all; 431 beyond."""
    request_head_seconds: Annotated[float, msgspec.Meta(ge=0.5, le=600)] = 10.0
    """How long the header lines may take to arrive; 408 then."""
    request_body_bytes_per_second: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 1024
    """How fast a body has to arrive at least; 408 if it does not.

    An answer has to be taken as fast.
    """
    unsent_answer_bytes: Annotated[int, msgspec.Meta(ge=1_048_576, le=1_073_741_824)] = 67_108_864
    """Answers that wait in memory for their clients at most, over all connections of a process."""

    @property
    def keys(self) -> Path:
        """The key file in use."""
        return self.key_file or self.var / "keys.json"

    @property
    def sealing_key(self) -> Path:
        """The file of the sealing key in use."""
        return self.sealing_key_file or self.keys.with_name("sealing-key.json")

    @property
    def revoked(self) -> Path:
        """The list of revoked tokens in use."""
        return self.revoked_file or self.keys.with_name("revoked.txt")

    @property
    def forgotten(self) -> Path:
        """The list of forgotten persons in use: with the keys, so that it lies apart from the
        backups of the data.
        """
        return self.forgotten_file or self.keys.with_name("forgotten.txt")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment gives. Raises SettingsError."""
    fields = {PREFIX + field.upper(): field for field in Settings.__struct_fields__}
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    if environment.get(UNLOCKED_APPENDS, "").lower() not in ("", "0", "n", "no", "f", "false", "off"):
        raise SettingsError(
            f"{UNLOCKED_APPENDS} is set: it takes the lock off appends, and readers of the log lose events."
        )
    for name in given:
        if name not in fields:
            raise SettingsError(f"{name} is not a setting of Fristwerk; these are: {', '.join(fields)}.")
    _check_database_url(given.get(f"{PREFIX}DATABASE_URL", ""))
    try:
        values = {fields[name]: value for name, value in given.items()}
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`")
        expected = EXPECTED.get(field, message)
        raise SettingsError(f"{PREFIX}{field.upper()} has a wrong value: {expected}.") from error
    if settings.follow_in_partitions and settings.database_url is None:
        raise SettingsError(f"{PREFIX}FOLLOW_IN_PARTITIONS is for PostgreSQL: set {PREFIX}DATABASE_URL too.")
    return settings


def _check_database_url(url: str) -> None:
    """Raises SettingsError for an address that whoever connects would fail on, with the password in
    its traceback.
    """
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{PREFIX}DATABASE_URL has a wrong value: {EXPECTED['database_url']}.") from None


def _path(kind: type, value: object) -> object:
    assert kind is Path, "the only type that msgspec does not know here"
    if not isinstance(value, str) or not value:
        raise ValueError("expected a path")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ValueError(f"the folder {value} has no known home") from error
