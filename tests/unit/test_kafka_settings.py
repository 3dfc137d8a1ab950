"""How to reach Kafka: what does not fit together is refused at start, and no secret is shown."""

import os
from pathlib import Path

import pytest

from cli import context
from ingest.kafka import client
from ingest.kafka.client import client_arguments
from ingest.settings import IngestSettings
from schemas.errors import SettingsError
from tests.servers.certificates import Authority

LOGIN = {
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "SCRAM-SHA-512",
    "SASL_USERNAME": "fleet",
    "SASL_PASSWORD": "open-sesame",
}
OAUTH = {
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "OAUTHBEARER",
    "OAUTH_TOKEN_URL": "https://login.example.com/token",
    "OAUTH_CLIENT_ID": "ingest",
    "OAUTH_CLIENT_SECRET": "open-sesame",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TELEMETRY_"):
            monkeypatch.delenv(name)


def loaded(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> IngestSettings:
    for name, text in variables.items():
        monkeypatch.setenv(f"TELEMETRY_KAFKA_{name}", text)
    context.refuse_unknown_names()
    return context.load(IngestSettings)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "TELEMETRY_KAFKA_SECURITY_PROTOCOL is 'TLS'.*SASL_SSL"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "needs TELEMETRY_KAFKA_SASL_MECHANISM: one of PLAIN"),
        (LOGIN | {"SASL_USERNAME": ""}, "SCRAM-SHA-512 needs TELEMETRY_KAFKA_SASL_USERNAME"),
        (LOGIN | {"SASL_PASSWORD": ""}, "SCRAM-SHA-512 needs TELEMETRY_KAFKA_SASL_PASSWORD"),
        (LOGIN | {"SECURITY_PROTOCOL": "SSL"}, "SASL_MECHANISM has no effect with .*=SSL"),
        (LOGIN | {"OAUTH_SCOPE": "kafka"}, "OAUTH_SCOPE has no effect with login by SCRAM"),
        (OAUTH | {"OAUTH_CLIENT_ID": ""}, "OAUTHBEARER needs TELEMETRY_KAFKA_OAUTH_CLIENT_ID"),
        (OAUTH | {"SASL_USERNAME": "fleet"}, "SASL_USERNAME has no effect with login by OAUTH"),
        (OAUTH | {"OAUTH_TOKEN_URL": "http://login.example.com/"}, "must begin with https://"),
        ({"SSL_CA_FILE": __file__}, "SSL_CA_FILE has no effect with .*=PLAINTEXT"),
        (LOGIN | {"SSL_CA_FILE": "/no/such.pem"}, "SSL_CA_FILE is '/no/such.pem': there is no"),
        (LOGIN | {"SSL_KEY_FILE": __file__}, "SSL_KEY_FILE is set, but .*SSL_CERT_FILE is not"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        loaded(monkeypatch, variables)
    assert "open-sesame" not in str(refused.value)


@pytest.mark.parametrize("variables", [LOGIN, OAUTH])
def test_no_secret_is_in_what_a_debugger_or_a_log_shows(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    settings = loaded(monkeypatch, variables)
    arguments = client_arguments(settings, "kafka:9092")
    assert "open-sesame" not in f"{settings!r} {settings} {arguments}"
    provider = arguments.get("sasl_oauth_token_provider")
    assert "open-sesame" not in repr(provider and vars(provider))
    if provider is None:
        # The library joins and encodes it: there it must be itself.
        assert "\0".join(["", arguments["sasl_plain_password"]]) == "\0open-sesame"


def test_a_login_without_a_broker_of_ones_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(monkeypatch, LOGIN)
    with pytest.raises(SettingsError, match="embedded one speaks PLAINTEXT only"):
        context.kafka_bootstrap()
    monkeypatch.setenv("TELEMETRY_KAFKA_BOOTSTRAP", "kafka:9093")
    assert context.kafka_bootstrap() == "kafka:9093"


def test_a_secret_sent_in_clear_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client._warn_in_clear.cache_clear()
    clear = LOGIN | {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN"}
    settings = loaded(monkeypatch, clear)
    client_arguments(settings, "kafka:9092")
    client_arguments(settings, "kafka:9092")
    assert caplog.text.count("Login by PLAIN over SASL_PLAINTEXT sends our secret in clear") == 1
    # SCRAM never sends the password.
    client_arguments(loaded(monkeypatch, {"SASL_MECHANISM": "SCRAM-SHA-256"}), "kafka:9092")
    assert caplog.text.count("in clear") == 1


def test_files_that_are_no_certificate_or_key_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    settings = loaded(monkeypatch, LOGIN | {"SSL_CA_FILE": str(empty)})
    with pytest.raises(SettingsError, match=r"SSL_CA_FILE: .*empty\.pem holds no certificates"):
        client_arguments(settings, "kafka:9093")

    authority = Authority(tmp_path, "authority")
    ours, other = authority.issue("ours", password=b"open-sesame"), authority.issue("other")
    files = {"SSL_CA_FILE": str(authority.file), "SSL_CERT_FILE": str(ours.file)}
    for key in (ours.key, other.key):
        # Without a password nobody is asked for one; another's key does not fit.
        settings = loaded(monkeypatch, LOGIN | files | {"SSL_KEY_FILE": str(key)})
        with pytest.raises(SettingsError, match=r"SSL_KEY_FILE\) cannot be used: .*belong"):
            client_arguments(settings, "kafka:9093")
    monkeypatch.setenv("TELEMETRY_KAFKA_SSL_KEY_PASSWORD", "open-sesame")
    settings = loaded(monkeypatch, {"SSL_KEY_FILE": str(ours.key)})
    assert client_arguments(settings, "kafka:9093")["ssl_context"].check_hostname


def test_without_any_of_it_kafka_is_spoken_to_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = client_arguments(loaded(monkeypatch, {}), "one:9092,two:9092")
    assert arguments["security_protocol"] == "PLAINTEXT"
    assert arguments["bootstrap_servers"] == ["one:9092", "two:9092"]
    assert not {"ssl_context", "sasl_mechanism"} & arguments.keys()
