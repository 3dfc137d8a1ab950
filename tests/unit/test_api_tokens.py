"""A token is taken if we signed it, for us, for now; keys change and secrets are not told."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from pydantic import SecretStr

from api.signing_in import credentials, identity_provider, tokens
from api.signing_in.identity_provider import ProviderKeys, ProviderUnreachableError, require_safe
from api.signing_in.tokens import InvalidTokenError, Rules, SigningKeys
from schemas.errors import SettingsError, TelemetryError

if TYPE_CHECKING:
    from pathlib import Path

RULES = Rules(
    issuer="us", audience="here", skew_s=5, algorithms=("ES256",), types=("at+jwt", "jwt")
)
KEY = ECKey.generate_key("P-256", parameters={"kid": "k1"})
KEYS = KeySet([KEY])


def made(key: Any = KEY, *, alg: str = "ES256", kid: str = "k1", **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": "us", "aud": "here", "sub": "li", "iat": now, "exp": now + 60, **changed}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_for_us_is_taken() -> None:
    assert tokens.verified(made(), KEYS, RULES)["sub"] == "li"
    assert tokens.verified(made(aud=["there", "here"]), KEYS, RULES)["sub"] == "li"


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(time.time()) - 6},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"aud": "there"},
        {"aud": ["there"]},
        {"aud": None},
        {"iss": "them"},
        {"iss": None},
        {"sub": None},
    ],
)
def test_a_token_that_says_otherwise_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.verified(made(**changed), KEYS, RULES)


def test_clocks_may_be_apart_by_so_many_seconds() -> None:
    now = int(time.time())
    tokens.verified(made(exp=now - 2, nbf=now + 3), KEYS, RULES)


def test_a_token_that_nobody_of_ours_signed_is_refused() -> None:
    head, body, signature = made().split(".")
    other = ECKey.generate_key("P-256", parameters={"kid": "k1"})
    signed = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{body}"
    confused = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    forged = [
        made(other),
        made(other, kid="k2"),
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{part({'sub': 'admin'})}.{signature}",
        f"{part({'alg': 'none'})}.{body}.",
        f"{part({'alg': 'none', 'kid': 'k1'})}.{body}.{signature}",
        f"{part({'alg': 'NONE'})}.{body}.",
        # The public key taken for a shared secret:
        f"{signed}.{base64.urlsafe_b64encode(confused).decode().rstrip('=')}",
        made(RSAKey.generate_key(2048, parameters={"kid": "k1"}), alg="RS256"),
        f"{part({'alg': 'ES256', 'jwk': other.as_dict(private=False)})}.{body}.{signature}",
        "",
        "a.b.c",
        "....",
        "真.真.真",
        "[" * 9000,
    ]
    for token in forged:
        with pytest.raises(InvalidTokenError):
            tokens.verified(token, KEYS, RULES)


def test_every_altered_letter_of_a_signature_is_seen() -> None:
    token = made()
    start = token.rindex(".") + 1
    for place in range(start, len(token) - 1):  # the last letter has bits that mean nothing
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(InvalidTokenError):
            tokens.verified(token[:place] + other + token[place + 1 :], KEYS, RULES)


def test_an_id_token_is_no_access_token() -> None:
    ours = Rules(issuer="us", audience="here", skew_s=0, algorithms=("ES256",), types=("at+jwt",))
    with pytest.raises(InvalidTokenError, match="not an access token"):
        tokens.verified(made(), KEYS, ours)


def test_signing_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "identity" / "keys.json"
    first = SigningKeys(file, None).described()
    assert file.stat().st_mode & 0o777 == 0o600
    assert SigningKeys(file, None).described() == first
    assert "d" not in first[0]
    assert [path.name for path in file.parent.iterdir()] == ["keys.json"]


def test_a_new_key_signs_at_once_and_the_one_before_still_verifies(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = SigningKeys(file, None)
    claims = {"iss": "us", "aud": "here", "sub": "li", "exp": int(time.time()) + 60}
    before = keys.sign(claims)
    number = tokens.rotate(file)
    after = keys.sign(claims)
    assert tokens.header_of(after)["kid"] == number != tokens.header_of(before)["kid"]
    for token in (before, after):
        tokens.verified(token, keys.public(), RULES)
    tokens.rotate(file)
    with pytest.raises(InvalidTokenError):
        tokens.verified(before, keys.public(), RULES)
    tokens.verified(after, keys.public(), RULES)


def test_signing_keys_may_be_a_secret_setting(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    tokens.rotate(file)
    text = file.read_text(encoding="utf-8")
    keys = SigningKeys(None, SecretStr(text))
    assert keys.described() == SigningKeys(file, None).described()


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "EC"}]}', "[]"])
def test_keys_that_are_none_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="TELEMETRY_API_TOKEN_KEYS holds no signing keys"):
        SigningKeys(None, SecretStr(text))


def test_an_api_key_shows_a_slip_of_the_pen() -> None:
    made = credentials.new_api_key()
    assert credentials.is_api_key(made.key)
    assert made.key.startswith(made.prefix)
    assert made.key not in repr(made)
    for place in range(len(made.key)):
        other = "a" if made.key[place] != "a" else "b"
        assert not credentials.is_api_key(made.key[:place] + other + made.key[place + 1 :])


def test_a_password_is_hashed_with_salt_and_checked() -> None:
    first, second = (credentials.hash_password("correct horse battery") for _ in range(2))
    assert first != second
    assert first.startswith("$argon2id$")
    assert credentials.password_fits(first, "correct horse battery")
    assert not credentials.password_fits(first, "correct horse batterY")
    assert not credentials.password_fits(credentials.NOBODYS_HASH, "")
    for text in ("short", "x" * 257):
        with pytest.raises(TelemetryError, match="12 to 256"):
            credentials.hash_password(text)


def test_nobodys_password_is_hashed_as_somebodys_is() -> None:
    def made_with(stored: str) -> list[str]:
        *parameters, salt, found = stored.split("$")
        return [*parameters, f"salt of {len(salt)}, hash of {len(found)}"]

    stored = credentials.hash_password("correct horse battery")
    assert made_with(credentials.NOBODYS_HASH) == made_with(stored)
    assert not credentials.password_fits(credentials.NOBODYS_HASH, "guessed guess")


class Provider:
    """An identity provider that counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.key = RSAKey.generate_key(2048, parameters={"kid": "p1", "use": "sig"})
        self.away = False

    def __call__(self, address: str) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise OSError("away")
        if address.endswith("openid-configuration"):
            return {"issuer": "https://idp.example", "jwks_uri": "https://idp.example/keys"}
        shared = OctKey.generate_key(256, parameters={"kid": "secret"}).as_dict(private=True)
        return {"keys": [shared, self.key.as_dict(private=False)]}


def test_a_providers_keys_are_kept_and_unknown_numbers_do_not_make_us_ask_on_and_on() -> None:
    provider, now = Provider(), [0.0]
    keys = ProviderKeys("https://idp.example", None, fetch=provider, clock=lambda: now[0])

    async def ask() -> None:
        found = await keys.having("p1")
        assert [key.kid for key in found.keys] == ["p1"]  # a shared secret verifies nothing
        for number in range(1000):
            await keys.having(f"unknown {number}")
        assert provider.asked == 2  # the configuration and the keys
        now[0] += identity_provider.ASK_AGAIN_S
        await asyncio.gather(*(keys.having(f"unknown {number}") for number in range(100)))
        assert provider.asked == 3
        provider.away = True
        now[0] += identity_provider.FRESH_S + 1
        await keys.having("p1")  # the provider is away: what is known goes on
        now[0] += identity_provider.STALE_S
        with pytest.raises(ProviderUnreachableError):
            await keys.having("p1")

    asyncio.run(ask())


@pytest.mark.parametrize("address", ["http://idp.example", "ftp://idp.example", "idp.example", ""])
def test_a_providers_address_is_one_nobody_can_put_himself_into(address: str) -> None:
    with pytest.raises(SettingsError, match="https"):
        require_safe(address, "TELEMETRY_OIDC_ISSUER")
    require_safe("https://idp.example/realm", "TELEMETRY_OIDC_ISSUER")
    require_safe("http://127.0.0.1:8080", "TELEMETRY_OIDC_ISSUER")
