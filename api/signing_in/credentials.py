"""Secrets: how they are made, what of them is stored, and how a password is checked.

Keys, client secrets and refresh tokens are random (200 bits and more): their SHA-256 cannot be
guessed back, and finding it in an index takes the same time whatever is asked. Passwords are chosen
by people: they are hashed by Argon2id, with the parameters of RFC 9106 for little memory.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from schemas.errors import TelemetryError

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
"""Letters and digits nobody mistakes for each other, 5 bits each."""

KEY_MARK, CLIENT_MARK, SECRET_MARK, REFRESH_MARK = "vtk_", "vtc_", "vts_", "vtr_"
SESSION_MARK = "vtb_"
"""How each kind begins, so that a person or a scanner of secrets sees what was found."""

PREFIX_LENGTH = 8
RANDOM_LENGTH = 40
"""Characters of a key that are secret: 200 bits."""

SECRET_LENGTH = 52
"""Characters of a client secret or refresh token: 260 bits."""

_CHECK_LENGTH = 7

_KEY = re.compile(rf"vtk_[a-z2-7]{{{PREFIX_LENGTH}}}_[a-z2-7]{{{RANDOM_LENGTH + _CHECK_LENGTH}}}")

MIN_PASSWORD, MAX_PASSWORD = 12, 256
"""Characters of a password; a longer one would only be work."""

ITERATIONS, LANES, MEMORY_KIB = 3, 4, 65_536
"""RFC 9106, second recommended option: for little memory."""

_SALT_BYTES, _HASH_BYTES = 16, 32

NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5J3Mgc2FsdCEhIQ"
    "$wBoOCrHFD9ZIhalj9jqeB7f3WwYRa6x49ZEBGiBNEEk"
)
"""What the password of an account that does not exist is checked against: it takes as long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A new key: shown once, then only its hash and its prefix are known."""

    prefix: str
    key: str

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"ApiKey({self.prefix}…)"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _check(text: str) -> str:
    """What tells a slip of the pen, or a guess, without asking the database."""
    rest, found = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_LENGTH):
        rest, letter = divmod(rest, len(ALPHABET))
        found += ALPHABET[letter]
    return found


def new_api_key() -> ApiKey:
    """A key that nobody has."""
    prefix = KEY_MARK + _random(PREFIX_LENGTH)
    body = f"{prefix}_{_random(RANDOM_LENGTH)}"
    return ApiKey(prefix=prefix, key=body + _check(body))


def is_api_key(text: str) -> bool:
    """Whether a text has the form of a key of ours, its check included."""
    return (
        _KEY.fullmatch(text) is not None and _check(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]
    )


def new_client_id() -> str:
    """The public name of a client."""
    return CLIENT_MARK + _random(16)


def new_client_secret() -> str:
    """A client's secret."""
    return SECRET_MARK + _random(SECRET_LENGTH)


def new_refresh_token() -> str:
    """A refresh token."""
    return REFRESH_MARK + _random(SECRET_LENGTH)


def new_session() -> str:
    """What the cookie of a new session carries."""
    return SESSION_MARK + _random(SECRET_LENGTH)


def hash_of(secret: str) -> bytes:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode()).digest()


def hash_password(password: str) -> str:
    """What is stored of a password.

    Raises:
        TelemetryError: it is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise TelemetryError(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters: several words are easy "
            "to remember and hard to guess."
        )
    hashing = Argon2id(
        salt=secrets.token_bytes(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
    )
    return hashing.derive_phc_encoded(password.encode())


def password_fits(stored: str, password: str) -> bool:
    """Whether a password is that of the hash; takes some 50 ms and 64 MiB either way."""
    try:
        Argon2id.verify_phc_encoded(password[:MAX_PASSWORD].encode(), stored)
    except InvalidKey:
        return False
    return True
