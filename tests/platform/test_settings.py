"""A wrong value or an unknown name of a setting stops the start with a sentence; what is not set has its default."""

from __future__ import annotations

from pathlib import Path

import pytest

from fristwerk_platform.settings import PREFIX, Settings, SettingsError, read_settings


def test_without_any_setting_everything_has_its_default() -> None:
    settings = read_settings({})

    assert settings == Settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", None, None)
    assert settings.keys == Path("var/keys.json")


def test_every_setting_can_be_set() -> None:
    given = {
        "FRISTWERK_VAR": "/srv/data folder",
        "FRISTWERK_HOST": "0.0.0.0",  # noqa: S104 - a value like any other
        "FRISTWERK_PORT": "9001",
        "FRISTWERK_DATABASE_URL": "postgresql://fristwerk:p%40ss@db.example:5432/fristwerk?sslmode=verify-full",
        "FRISTWERK_DATABASE_CONNECTIONS": "20",
        "FRISTWERK_KEY_FILE": "/run/secrets/keys.json",
        "FRISTWERK_SEALING_KEY_FILE": "/run/secrets/sealing-key.json",
        "FRISTWERK_ISSUERS_FILE": "/srv/keys/issuers.toml",
        "FRISTWERK_REVOKED_FILE": "/srv/keys/revoked.txt",
        "FRISTWERK_FORGOTTEN_FILE": "/srv/keys/forgotten.txt",
        "FRISTWERK_TICKET_URL": "https://tickets.example/base",
        "FRISTWERK_SLA_URL": "http://[::1]:8002",
        "FRISTWERK_BILLING_URL": "http://billing:8003/",
        "FRISTWERK_ISSUER": "issuer",
        "FRISTWERK_AUDIENCE": "audience",
        "FRISTWERK_FOLLOW_IN_PARTITIONS": "True",
        "FRISTWERK_CUSTOMERS_MAY_DATE": "True",
        "FRISTWERK_RECEIPT_DAYS_BEFORE_CONTRACTS": "30",
        "FRISTWERK_APPOINTMENT_DAYS_AHEAD": "400",
        "FRISTWERK_LOG_LEVEL": "debug",
        "FRISTWERK_LOG_REQUESTS": "0.25",
        "FRISTWERK_TSA_URL": "http://tsa.example/tsr",
        "FRISTWERK_NATS_URL": "nats://me:word@n1:4222,tls://n2:4222",
        "FRISTWERK_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "FRISTWERK_MAX_CONNECTIONS": "200",
        "FRISTWERK_REQUEST_HEAD_BYTES": "16384",
        "FRISTWERK_REQUEST_HEAD_SECONDS": "2.5",
        "FRISTWERK_REQUEST_BODY_BYTES_PER_SECOND": "4096",
        "FRISTWERK_UNSENT_ANSWER_BYTES": "2097152",
    }

    settings = read_settings(given | {"HOME": "/root", "FRISTWERKE": "others'"})

    assert {PREFIX + name.upper(): str(getattr(settings, name)) for name in Settings.__struct_fields__} == given
    assert settings.port == 9001
    assert settings.keys == Path("/run/secrets/keys.json")


def test_a_home_folder_may_be_written_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")

    assert read_settings({"FRISTWERK_VAR": "~/data"}).var == Path("/somebody/data")


@pytest.mark.parametrize(
    "name", ["FRISTWERK_PROT", "FRISTWERK_Port", "FRISTWERK_port", "FRISTWERK_", "FRISTWERK__PORT"]
)
def test_an_unknown_name_is_told_with_those_that_are_known(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: "9001"})

    assert str(refused.value).startswith(f"{name} is not a setting of Fristwerk; these are: FRISTWERK_VAR, ")
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", ""),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("PORT", "-1"),
        ("VAR", ""),
        ("VAR", "~nobody-of-this-name/data"),
        ("KEY_FILE", ""),
        ("SEALING_KEY_FILE", ""),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", "INFO"),
        ("TICKET_URL", "127.0.0.1:8001"),
        ("TICKET_URL", "ftp://tickets"),
        ("SLA_URL", "http://"),
        ("BILLING_URL", "http://a b"),
        ("DATABASE_URL", "mysql://user:top-secret@db/fristwerk"),
        ("DATABASE_URL", "postgresql://user:top-secret@db"),
        ("DATABASE_URL", "postgresql://user:top-secret@[bad/fristwerk"),
        ("DATABASE_URL", "postgresql://user:top-secret@db:port/fristwerk"),
        ("DATABASE_URL", "postgresql://user:top-secret@db:99999/fristwerk"),
        ("DATABASE_URL", "postgresql://user:top-secret@db/fristwerk?sslmode=maybe"),
        ("DATABASE_URL", "postgresql://user:top-secret@db/fristwerk?options=-c%20search_path=public"),
        ("DATABASE_CONNECTIONS", "1"),
        ("DATABASE_CONNECTIONS", "many"),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_setting_and_never_the_secret(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"FRISTWERK_{name}": value})

    assert str(refused.value).startswith(f"FRISTWERK_{name} has a wrong value: ")
    assert str(refused.value).endswith(".")
    assert "top-secret" not in str(refused.value)


@pytest.mark.parametrize(("value", "refused"), [("y", True), ("1", True), ("TRUE", True), ("", False), ("n", False)])
def test_appends_without_the_lock_are_not_to_be_had(value: str, *, refused: bool) -> None:
    environment = {"POSTGRES_ENABLE_DB_FUNCTIONS": value}

    if not refused:
        read_settings(environment)
        return
    with pytest.raises(SettingsError, match=r"^POSTGRES_ENABLE_DB_FUNCTIONS is set: .* lose events\.$"):
        read_settings(environment)


@pytest.mark.parametrize("yes", ["true", "True", "1"])
def test_partitions_are_for_postgres(yes: str) -> None:
    shared = {f"{PREFIX}FOLLOW_IN_PARTITIONS": yes}
    with pytest.raises(SettingsError, match="is for PostgreSQL"):
        read_settings(shared)
    assert read_settings(shared | {f"{PREFIX}DATABASE_URL": "postgresql://a:b@c/d"}).follow_in_partitions
