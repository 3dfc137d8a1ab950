"""How messages are signed: as Standard Webhooks has it, HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "whsec_"
"""How a secret begins, so that a person or a scanner of secrets sees what was found."""

SECRET_BYTES = 32


def new_secret() -> str:
    """A secret that nobody has."""
    return MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(keys: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each secret.

    Args:
        keys: secrets; the newest, and the one before while it holds.
        message_id: the header webhook-id.
        timestamp: the header webhook-timestamp [s since 1970].
        body: the body, byte by byte as it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1,"
        + base64.b64encode(
            hmac.digest(base64.b64decode(key.removeprefix(MARK)), signed, hashlib.sha256)
        ).decode()
        for key in keys
    )
