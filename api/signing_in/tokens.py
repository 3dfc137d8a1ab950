"""Access tokens: short-lived JWTs, signed with keys that change by their number (kid).

The newest key signs, the one before verifies until what it signed has expired. The keys are in a
file only its owner may read, or in a secret setting; a file that another process has changed is
read again. The algorithm, the issuer and the audience are ours, whatever a token says of itself.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.util import urlsafe_b64decode

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pydantic import SecretStr

ALGORITHM = "ES256"
TYPE = "at+jwt"
"""What RFC 9068 calls an access token."""

KEYS_KEPT = 2
"""The key that signs and the one before; tokens live for minutes, rotations are days apart."""

MAX_LENGTH = 8192
"""Characters of a token; what is longer is none."""


class InvalidTokenError(Exception):
    """A token is none, or not for us; the text says which check failed and nothing of the token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a token must say to be taken."""

    issuer: str
    audience: str
    skew_s: int
    """How far clocks may be apart [s]."""
    algorithms: Collection[str]
    types: Collection[str]
    """What its header may call itself, in lower case."""


def verified(token: str, keys: KeySet, rules: Rules) -> dict[str, Any]:
    """The claims of a token that is signed by one of the keys and holds now, for us.

    Raises:
        InvalidTokenError: it is not.
    """
    try:
        found = jwt.decode(token, keys, algorithms=list(rules.algorithms))
        if (
            str(found.header.get("typ", "jwt")).lower().removeprefix("application/")
            not in rules.types
        ):
            raise InvalidTokenError("it is not an access token")
        jwt.JWTClaimsRegistry(
            now=lambda: int(time.time()),
            leeway=rules.skew_s,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(found.claims)
    except JoseError as error:
        # Its text may quote the token; the name of its class does not.
        raise InvalidTokenError(error.error) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidTokenError(f"it cannot be read ({type(error).__name__})") from None
    return found.claims


def header_of(token: str) -> Mapping[str, object]:
    """What a token says of itself, which proves nothing; empty where it cannot be read."""
    with suppress(ValueError, RecursionError):
        head = json.loads(urlsafe_b64decode(token.partition(".")[0].encode("ascii")))
        if isinstance(head, dict):
            return head
    return {}


class SigningKeys:
    """The keys of the embedded authorization server.

    Args:
        file: where they are kept; made with a first key if it is not there.
        secret: the keys themselves, in place of a file: a JWK set with private keys.
    """

    def __init__(self, file: Path | None, secret: SecretStr | None) -> None:
        if (file is None) == (secret is None):
            raise SettingsError(
                "Signing keys come from one place: TELEMETRY_API_TOKEN_KEYS or "
                "TELEMETRY_API_TOKEN_KEYS_FILE."
            )
        self._file = file
        self._set: KeySet | None = None
        self._stamp: tuple[int, int] | None = None
        self._keys: tuple[ECKey, ...] = ()
        if secret is not None:
            self._keys = _read(secret.get_secret_value(), "TELEMETRY_API_TOKEN_KEYS")
        elif file is not None and not file.exists():
            _write(file, [_new_key()])
        self._current()

    def _current(self) -> tuple[ECKey, ...]:
        if self._file is None:
            return self._keys
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._keys = _read(self._file.read_text(encoding="utf-8"), str(self._file))
                self._stamp = stamp
                self._set = None
        except OSError as error:
            if not self._keys:
                raise SettingsError(
                    f"The signing keys in {self._file} cannot be read: {error.strerror}."
                ) from error
        return self._keys

    def public(self) -> KeySet:
        """The keys that verify."""
        keys = self._current()
        if self._set is None:
            self._set = KeySet(list(keys))
        return self._set

    def described(self) -> list[dict[str, Any]]:
        """The keys that verify, as a JWK set lists them, without what is private."""
        return [
            {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
            for key in self._current()
        ]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims, signed with the newest key."""
        key = self._current()[0]
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
        return jwt.encode(header, dict(claims), key, algorithms=[ALGORITHM])


def access_token(
    keys: SigningKeys,
    rules: Rules,
    *,
    subject: str,
    client_id: str,
    scopes: Sequence[str],
    lifetime_s: int,
    family_id: uuid.UUID | None,
) -> str:
    """A new access token.

    Args:
        keys: what it is signed with.
        rules: what it must say to be taken.
        subject: whom it speaks for.
        client_id: the program that uses it.
        scopes: what for.
        lifetime_s: how long it holds [s].
        family_id: the sign-in it belongs to; None: a client's own.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": subject,
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
        "iat": now,
        "exp": now + lifetime_s,
        "jti": str(uuid.uuid4()),
    }
    if family_id is not None:
        claims["sid"] = str(family_id)
    return keys.sign(claims)


def rotate(file: Path) -> str:
    """Let a new key sign from now on, beside the one before; returns its number.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    before: tuple[ECKey, ...] = ()
    if file.exists():
        before = _read(file.read_text(encoding="utf-8"), str(file))
    key = _new_key()
    _write(file, [key, *before][:KEYS_KEPT])
    return cast("str", key.kid)


def _new_key() -> ECKey:
    number = f"{datetime.now(tz=UTC):%Y%m%d}-{uuid.uuid4().hex[:8]}"
    return ECKey.generate_key("P-256", parameters={"kid": number})


def _read(text: str, where: str) -> tuple[ECKey, ...]:
    try:
        keys = tuple(ECKey.import_key(key) for key in json.loads(text)["keys"])
        sound = bool(keys) and all(
            key.is_private and key.curve_name == "P-256" and key.kid for key in keys
        )
    except (ValueError, KeyError, TypeError, JoseError):
        sound, keys = False, ()
    if not sound:
        raise SettingsError(
            f"{where} holds no signing keys: a JSON Web Key set of private P-256 keys, each with "
            "its kid, the one that signs first. `telemetry identity signing-keys rotate` makes it."
        )
    return keys


def _write(file: Path, keys: Sequence[ECKey]) -> None:
    """Write the keys so that nobody else may read them and a reader sees all or nothing."""
    text = json.dumps({"keys": [key.as_dict(private=True) for key in keys]}, indent=1)
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except OSError as error:
        raise SettingsError(f"The signing keys cannot be written to {file}: {error}.") from error
