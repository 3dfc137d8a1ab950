"""Settings of the API, each by an environment variable."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - pydantic reads it
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from analytics.fuel.prices import FuelPrices
from api.webhooks.settings import WebhookSettings
from schemas.errors import SettingsError
from storage.registers import DEMO_PARTY

_ORIGIN = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a Host header may say that asks for this machine from this machine."""


class SignIn(StrEnum):
    """Whether one has to sign in."""

    OFF = "off"
    REQUIRED = "required"


class ApiSettings(FuelPrices, WebhookSettings):
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
    api_clients: int = Field(
        default=800,
        ge=1,
        description="Clients that may be connected at once; fewer than the process may open files.",
    )
    api_request_wait_s: float = Field(
        default=20.0,
        gt=0,
        le=600,
        description="How long a request's head, and then its body, may take to come [s].",
    )
    api_streams: int = Field(
        default=200, ge=0, le=10_000, description="Clients that may follow a stream at once."
    )
    api_stream_poll_s: float = Field(
        default=1.0, gt=0, le=60, description="How often streams look for what has changed [s]."
    )
    api_stream_heartbeat_s: float = Field(
        default=15.0, gt=0, le=300, description="How often a stream says that it is alive [s]."
    )

    api_sign_in: SignIn = Field(
        default=SignIn.OFF,
        description="`off`: every request reads as TELEMETRY_API_PARTY, on loopback only; "
        "`required`: by token or API key, on any address.",
    )
    api_token_keys: SecretStr | None = Field(
        default=None,
        description="Keys that sign access tokens, a JSON Web Key set with private keys; where "
        "several machines answer. Unset: TELEMETRY_API_TOKEN_KEYS_FILE.",
    )
    api_token_keys_file: Path | None = Field(
        default=None,
        description="File of the keys that sign access tokens; unset: identity/signing-keys.json "
        "in TELEMETRY_HOME, made at the first start.",
    )
    api_audience: str = Field(
        default="telemetry-api", min_length=1, description="Whom access tokens must be meant for."
    )
    api_token_lifetime_s: int = Field(
        default=600, ge=10, le=3600, description="How long an access token holds [s]."
    )
    api_refresh_lifetime_s: int = Field(
        default=86_400,
        ge=60,
        le=31 * 86_400,
        description="How long a refresh token waits to be used [s].",
    )
    api_sign_in_lifetime_s: int = Field(
        default=14 * 86_400,
        ge=60,
        le=92 * 86_400,
        description="How long one stays signed in at most, refreshed or not [s].",
    )
    api_session_idle_s: int = Field(
        default=3 * 86_400,
        ge=60,
        le=31 * 86_400,
        description="How long one stays signed in in a browser that is not used [s].",
    )
    api_sign_in_attempts: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Failures an account has in a quarter of an hour before it must wait; an "
        "address has ten times as many.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="An identity provider (OIDC) whose access tokens are taken in place of our "
        "own; its address as `iss` has it.",
    )
    oidc_audience: str | None = Field(
        default=None, description="`aud` of its tokens that are for us; needed with an issuer."
    )
    oidc_client_id: str | None = Field(
        default=None,
        description="Who we are to the provider: with it people sign in there in the browser, and "
        "come back to /sign-in/callback.",
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Our secret there, where we are a confidential client."
    )
    oidc_scopes: str = Field(
        default="openid profile",
        pattern=r"(^| )openid( |$)",
        description="What we ask the provider for; its ID token must say who it is, of which party "
        "and in which role.",
    )
    oidc_name: str = Field(
        default="", max_length=60, description="What people call the provider; on the button."
    )
    oidc_jwks_url: str | None = Field(
        default=None, description="Its signing keys; unset: its configuration says where."
    )
    oidc_clock_skew_s: int = Field(
        default=30, ge=0, le=300, description="How far its clock and ours may be apart [s]."
    )
    oidc_subject_claim: str = Field(default="sub", min_length=1, description="Claim: who it is.")
    oidc_party_claim: str = Field(
        default="telemetry_party", min_length=1, description="Claim: the name of their party."
    )
    oidc_role_claim: str = Field(
        default="telemetry_role", min_length=1, description="Claim: their role."
    )
    oidc_driver_claim: str = Field(
        default="telemetry_driver", min_length=1, description="Claim: a driver's number."
    )
    oidc_scope_claim: str = Field(
        default="scope", min_length=1, description="Claim: scopes, in one text or a list."
    )

    map_tiles_url: str = Field(
        default="",
        description="Where pages' maps have their ground from: an address with {z}, {x} and {y} "
        "(Web Mercator, 256 pixels). Unset: tracks and places on blank.",
    )
    map_tiles_attribution: str = Field(
        default="", max_length=200, description="Whose ground that is; stands under each map."
    )
    map_tiles_gcj02: bool = Field(
        default=False,
        description="Whether it is drawn in GCJ-02, as maps of China are: positions are shifted.",
    )
    map_tiles_max_zoom: int = Field(
        default=17, ge=1, le=22, description="The closest zoom that it has."
    )

    api_rfms_requests_per_minute: int = Field(
        default=120,
        ge=1,
        description="Requests a minute that a client may make of each resource of rFMS.",
    )

    @property
    def map_tiles_origin(self) -> str | None:
        """The one foreign origin that pages may load pictures from; None: there is none."""
        if not self.map_tiles_url:
            return None
        parts = urlsplit(self.map_tiles_url)
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("map_tiles_url")
    @classmethod
    def _is_template(cls, url: str) -> str:
        """Refuse what is no template, or would let anything but its own origin into the policy."""
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}
        )
        names = {"{z}", "{x}", "{y}"}
        found = set(re.findall(r"\{[^}]*\}", url))
        if url and (not is_safe or found != names or not _ORIGIN.fullmatch(parts.netloc)):
            raise ValueError("use an https address with {z}, {x} and {y} after its host")
        return url

    @property
    def allowed_hosts(self) -> frozenset[str] | None:
        """The names a Host header may carry, without port, in lower case; None: any.

        Where one signs in, no browser does so by itself: a name that is made to point here reads
        nothing. Names are checked all the same where they are given.
        """
        named = {name.strip().lower() for name in self.api_hostnames.split(",") if name.strip()}
        if self.api_sign_in is SignIn.REQUIRED and not named:
            return None
        return LOOPBACK_NAMES | named

    def require_safe(self) -> None:
        """Refuse settings by which anybody could read everything.

        Raises:
            SettingsError: nobody signs in and the address is not a loopback one, or a provider
                lacks its audience.
        """
        if self.api_sign_in is SignIn.OFF:
            require_loopback(self.api_host)
        if self.oidc_issuer is not None and self.oidc_audience is None:
            raise SettingsError(
                "TELEMETRY_OIDC_ISSUER is set but not TELEMETRY_OIDC_AUDIENCE: without it, tokens "
                "that the provider gave out for another service would be taken here."
            )
        if self.oidc_client_id is not None and self.oidc_issuer is None:
            raise SettingsError(
                "TELEMETRY_OIDC_CLIENT_ID is set but not TELEMETRY_OIDC_ISSUER: name the provider "
                "that knows us by it."
            )
        if self.oidc_issuer is not None and self.api_sign_in is SignIn.OFF:
            raise SettingsError(
                "TELEMETRY_OIDC_ISSUER is set but nobody signs in: set "
                "TELEMETRY_API_SIGN_IN=required too."
            )


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
            f"The API does not listen on {host!r}: nobody signs in, and whoever reached it would "
            "read everything. Set TELEMETRY_API_SIGN_IN=required, or use "
            "TELEMETRY_API_HOST=127.0.0.1 (or ::1)."
        )
