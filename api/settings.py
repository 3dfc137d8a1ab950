"""Settings of the API, each by an environment variable."""

from __future__ import annotations

import ipaddress

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from analytics.fuel.prices import FuelPrices
from schemas.errors import SettingsError
from storage.registers import DEMO_PARTY

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a Host header may say that asks for this machine from this machine."""


class ApiSettings(FuelPrices):
    """Settings of the API, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    api_host: str = Field(default="127.0.0.1", description="Address to listen on.")
    api_port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0: a free one."
    )
    api_hostnames: str = Field(
        default="",
        description="Further names the API is asked by, comma separated: those of a proxy that "
        "signs users in and runs on this machine.",
    )
    api_party: str = Field(
        default=DEMO_PARTY,
        min_length=1,
        description="Name of the party as which every request reads.",
    )
    api_connections: int = Field(
        default=8, ge=1, le=100, description="Connections to the database at most."
    )
    api_connection_wait_s: float = Field(
        default=3.0, gt=0, le=60, description="How long a request waits for a connection [s]."
    )
    api_statement_timeout_s: float = Field(
        default=20.0, gt=0, le=600, description="How long a statement may take [s]."
    )

    api_rfms_requests_per_minute: int = Field(
        default=120,
        ge=1,
        description="Requests a minute that a client may make of each resource of rFMS.",
    )

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The names a Host header may carry, without port, in lower case."""
        named = {name.strip().lower() for name in self.api_hostnames.split(",") if name.strip()}
        return LOOPBACK_NAMES | named


def require_loopback(host: str) -> None:
    """Refuse to be reachable from outside while nobody signs in.

    Raises:
        SettingsError: `host` is not a loopback address.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"The API does not listen on {host!r}: no identity provider is set up, and whoever "
            "reached it would read everything. Use TELEMETRY_API_HOST=127.0.0.1 (or ::1), and let "
            "others in through a proxy on this machine that signs them in, named in "
            "TELEMETRY_API_HOSTNAMES."
        )
