"""Where the servers are: what settings name, else what `telemetry up` has started."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from analytics.runner.own_models import OwnModelSettings
from analytics.runner.settings import AnalysisSettings
from analytics.runner.spread import SpreadSettings
from analytics.runner.tracking import TrainingSettings
from api.settings import ApiSettings
from cli.logs import LogSettings
from ingest.kafka_settings import SecurityProtocol
from ingest.settings import IngestSettings
from schemas.errors import SettingsError
from servers import launcher
from servers.errors import ServerError
from servers.server import TITLES
from servers.settings import ServersSettings
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from servers.launcher import Running

PREFIX = "TELEMETRY_"
"""What the names of our environment variables begin with."""

SECRETS = frozenset(
    {
        "TELEMETRY_DATABASE_DSN",
        "TELEMETRY_API_TOKEN_KEYS",
        "TELEMETRY_WEBHOOK_KEYS",
        "TELEMETRY_KAFKA_SASL_PASSWORD",
        "TELEMETRY_KAFKA_SSL_KEY_PASSWORD",
        "TELEMETRY_KAFKA_OAUTH_CLIENT_SECRET",
    }
)
"""Variables whose values are never shown."""

OTHER_NAMES = frozenset(
    {
        "TELEMETRY_TEST_DSN",
        "TELEMETRY_DATABASE_PASSWORD",
        "TELEMETRY_DATABASE_PORT",
        "TELEMETRY_DASHBOARD_PORT",
        "TELEMETRY_WORKER_MEMORY",
    }
)
"""Variables of ours that are no settings: the tests' and docker-compose.yml's."""

S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Read settings from the environment.

    Raises:
        SettingsError: a value cannot be used; the message names the variable and what is wrong.
    """
    try:
        return settings()
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False))
        raise SettingsError(f"Settings cannot be used: {faults}.") from error


def refuse_unknown_names() -> None:
    """Refuse variables of ours that no setting reads: a misspelt one would have no effect.

    Raises:
        SettingsError: names the variable and the nearest one there is.
    """
    known = OTHER_NAMES | {
        f"{PREFIX}{name.upper()}"
        for settings in (
            ServersSettings,
            StorageSettings,
            IngestSettings,
            AnalysisSettings,
            SpreadSettings,
            TrainingSettings,
            OwnModelSettings,
            ApiSettings,
            LogSettings,
        )
        for name in settings.model_fields
    }
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"No setting is called {name}" + (f": is {near[0]} meant?" if near else ".")
            )


def _fault(fault: ErrorDetails) -> str:
    """One setting's fault with the value it has, unless that is a secret."""
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, ")
    name = f"{PREFIX}{str(fault['loc'][0]).upper()}"
    value = "" if name in SECRETS else f" is {fault['input']!r}"
    return f"{name}{value}: {fault['msg'].removeprefix('Value error, ')}"


def database_dsn() -> SecretStr:
    """The database to work with.

    Raises:
        ServerError: settings name none and none was started here.
    """
    named = load(StorageSettings).database_dsn
    return named if named is not None else SecretStr(_embedded().database_dsn)


def scheduler(option: str | None) -> str | None:
    """The cluster to let work: what an option names, else what settings do; None: none.

    Raises:
        SettingsError: it is no address of a scheduler.
    """
    if option is None:
        return load(SpreadSettings).scheduler
    try:
        return SpreadSettings(scheduler=option).scheduler
    except ValidationError:
        raise SettingsError(
            f"--scheduler {option} names no scheduler: write tcp://host:port or tls://host:port."
        ) from None


def signing_keys_file() -> Path:
    """Where the keys that sign access tokens are kept, unless settings say otherwise."""
    return load(ServersSettings).home / "identity" / "signing-keys.json"


def webhook_settings() -> ApiSettings:
    """The API's settings, with the keys that webhooks' secrets are sealed with."""
    settings = load(ApiSettings)
    if settings.webhook_keys is None and settings.webhook_keys_file is None:
        file = load(ServersSettings).home / "webhooks" / "keys"
        settings = settings.model_copy(update={"webhook_keys_file": file})
    return settings


def mlflow_folder() -> Path:
    """Where runs of training are kept that no server is told of."""
    return load(ServersSettings).home / "mlflow"


def kafka_bootstrap() -> str:
    """The Kafka to work with, host:port,...

    Raises:
        SettingsError: settings name none, and yet how to log in to it.
        ServerError: settings name none and none was started here.
    """
    settings = load(IngestSettings)
    if settings.kafka_bootstrap is not None:
        return settings.kafka_bootstrap
    if settings.kafka_security_protocol is not SecurityProtocol.PLAINTEXT:
        raise SettingsError(
            f"TELEMETRY_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, but "
            "TELEMETRY_KAFKA_BOOTSTRAP names no Kafka: the embedded one speaks PLAINTEXT only."
        )
    return _embedded().kafka_bootstrap


def _embedded() -> Running:
    settings = load(ServersSettings)
    running = launcher.running(settings)
    if running is None:
        for server in launcher.dead(settings):
            raise ServerError(
                f"{TITLES[server.name]} has ended by itself; its log is {server.log}. "
                "`telemetry up` starts it again."
            )
        raise ServerError(
            "No servers are running here: start them with `telemetry up`, or name your own with "
            "TELEMETRY_KAFKA_BOOTSTRAP and TELEMETRY_DATABASE_DSN."
        )
    return running
