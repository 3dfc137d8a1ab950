"""How one signs in here, put together from settings: not at all, with us, or with a provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.identity import Identifier
from api.settings import SignIn
from api.signing_in import identity_provider, tokens
from api.signing_in.authorization import Server
from api.signing_in.identity_provider import ProviderKeys
from api.signing_in.provider_claims import ProviderClaims
from api.signing_in.provider_sign_in import ProviderSignIn
from api.signing_in.sessions import Sessions
from api.signing_in.tokens import Rules, SigningKeys

if TYPE_CHECKING:
    from api.settings import ApiSettings
    from storage.served_identity import IdentityReader
    from storage.served_sessions import SessionReader

ISSUER = "urn:telemetry"
"""Who gives out our own tokens; their keys say which installation."""

WINDOW_S = 900.0
"""Within which failures to sign in are counted [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doors:
    """What lets one in; all None where nobody has to sign in."""

    identifier: Identifier | None = None
    authorization: Server | None = None
    sessions: Sessions | None = None
    """People in a browser; None where a provider signs people in, and we are no client of it."""
    provider: ProviderSignIn | None = None
    """The way to the provider and back, for people in a browser."""


def doors(settings: ApiSettings, reader: IdentityReader, browsers: SessionReader) -> Doors:
    """What lets one in.

    Raises:
        SettingsError: anybody could read everything, or the signing keys cannot be read.
    """
    if settings.api_sign_in is SignIn.OFF:
        return Doors()
    if settings.oidc_issuer is not None:
        rules = Rules(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience or "",
            skew_s=settings.oidc_clock_skew_s,
            algorithms=identity_provider.ALGORITHMS,
            types=("at+jwt", "jwt"),
        )
        claims = ProviderClaims(
            subject=settings.oidc_subject_claim,
            party=settings.oidc_party_claim,
            role=settings.oidc_role_claim,
            scope=settings.oidc_scope_claim,
            driver=settings.oidc_driver_claim,
        )
        provider = ProviderKeys(settings.oidc_issuer, settings.oidc_jwks_url)
        browser, way = None, None
        if settings.oidc_client_id is not None:
            browser = Sessions(reader, browsers, settings)
            way = ProviderSignIn(settings, provider, claims)
        return Doors(
            identifier=Identifier(
                reader, rules, keys=None, provider=(provider, claims), browsers=browser
            ),
            sessions=browser,
            provider=way,
        )
    rules = Rules(
        issuer=ISSUER,
        audience=settings.api_audience,
        skew_s=0,  # it is our own clock
        algorithms=(tokens.ALGORITHM,),
        types=(tokens.TYPE,),
    )
    keys = SigningKeys(settings.api_token_keys_file, settings.api_token_keys)
    sessions = Sessions(reader, browsers, settings)
    return Doors(
        identifier=Identifier(reader, rules, keys=keys, provider=None, browsers=sessions),
        authorization=Server(reader, keys, rules, settings),
        sessions=sessions,
    )
