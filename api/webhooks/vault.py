"""What webhooks' secrets are sealed with: they must be read again to sign, so a hash would not do.

A secret is stored encrypted (Fernet: AES and HMAC) with a key that the database does not have:
whoever reads the database or a backup cannot sign. The first key seals, all of them open.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from schemas.errors import SettingsError, TelemetryError

if TYPE_CHECKING:
    from pathlib import Path

    from api.webhooks.settings import WebhookSettings


class SealedError(TelemetryError):
    """A secret was sealed with a key that is not here: give all processes the same keys."""


class Vault:
    """Seals and opens secrets.

    Args:
        keys: Fernet keys, the one that seals first.
        where: what to name where they are none.
    """

    def __init__(self, keys: list[str], where: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsError(
                f"{where} holds no keys: 32 random bytes each, in URL-safe base64. "
                '`python -c "from cryptography.fernet import Fernet; '
                'print(Fernet.generate_key().decode())"` makes one.'
            ) from None

    def seal(self, secret: str) -> bytes:
        """What is stored of a secret."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret.

        Raises:
            SealedError: none of the keys opens it.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SealedError(
                "A webhook's secret was sealed with a key that is not here: let the API and all "
                "senders have the same TELEMETRY_WEBHOOK_KEYS (or file), the older ones at the end."
            ) from None


def vault(settings: WebhookSettings) -> Vault | None:
    """The vault that settings describe; None where they name no keys. A missing file is made.

    Raises:
        SettingsError: what is named holds no keys, or cannot be read or made.
    """
    if settings.webhook_keys is not None:
        keys = settings.webhook_keys.get_secret_value().split(",")
        return Vault([key.strip() for key in keys], "TELEMETRY_WEBHOOK_KEYS")
    file = settings.webhook_keys_file
    if file is None:
        return None
    try:
        if not file.exists():
            _make(file)
        return Vault(file.read_text(encoding="ascii").split(), str(file))
    except OSError as error:
        raise SettingsError(
            f"The keys that seal webhooks' secrets cannot be kept in {file}: {error.strerror}."
        ) from error


def _make(file: Path) -> None:
    """Make a first key, which nobody else may read; of several who do so at once one succeeds."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(Fernet.generate_key() + b"\n")
        out.flush()
        os.fsync(out.fileno())
    with suppress(FileExistsError):
        os.link(beside, file)
    beside.unlink()
