"""Accounts, clients and API keys as an administrator keeps them: no secrets, only hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from psycopg.rows import class_row

from storage.errors import StorageError, refusal_of
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from storage.connection import Connection

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A person who may sign in."""

    name: str
    party: str
    role: str
    driver_id: int | None
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A machine that gets tokens by client credentials."""

    client_id: str
    party: str
    role: str
    name: str
    scopes: list[str]
    created_at: datetime
    disabled_at: datetime | None
    secrets: int
    """How many of its secrets hold now: two while it changes over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key of a machine."""

    prefix: str
    party: str
    role: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def _first(connection: Connection, name: str, parameters: dict[str, object]) -> object | None:
    row = connection.execute(query(name), parameters).fetchone()
    return None if row is None else row[0]


def _all(connection: Connection, record: type[R], name: str) -> list[R]:
    with connection.cursor(row_factory=class_row(record)) as cursor:
        return cursor.execute(query(name)).fetchall()


def create_account(
    connection: Connection,
    *,
    party_id: int,
    role: str,
    name: str,
    password_hash: str,
    driver_id: int | None = None,
) -> None:
    """Let a person sign in.

    Args:
        connection: an autocommit connection.
        party_id: whose person it is.
        role: what they are there.
        name: what they sign in by, lower case.
        password_hash: argon2id's encoding.
        driver_id: who they are as a driver; with that role, and only with it.

    Raises:
        StorageError: the name is taken or no such name, or the role is not one of such a party.
    """
    with refusal_of(f"account {name} as {role}"):
        made = _first(
            connection,
            "create_account",
            {
                "party_id": party_id,
                "role": role,
                "name": name,
                "password_hash": password_hash,
                "driver_id": driver_id,
            },
        )
    if made is None:
        raise StorageError(f"There is an account {name!r} already: choose another name.")


def has_administrator(connection: Connection) -> bool:
    """Whether somebody may sign in as an administrator."""
    return bool(_first(connection, "count_administrators", {}))


def set_password(connection: Connection, name: str, password_hash: str) -> None:
    """Change an account's password and sign it out everywhere.

    Raises:
        StorageError: there is no such account.
    """
    with refusal_of(f"password of account {name}"):
        found = _first(connection, "set_password", {"name": name, "password_hash": password_hash})
    if found is None:
        raise _no_account(name)


def disable_account(connection: Connection, name: str) -> None:
    """Let an account sign in no more, and sign it out everywhere.

    Raises:
        StorageError: there is no such account.
    """
    if _first(connection, "disable_account", {"name": name}) is None:
        raise _no_account(name)


def _no_account(name: str) -> StorageError:
    return StorageError(
        f"There is no account {name!r}: `telemetry identity users list` shows them."
    )


def accounts(connection: Connection) -> list[Account]:
    """Every account by party and name."""
    return _all(connection, Account, "list_accounts")


def create_client(
    connection: Connection,
    *,
    client_id: str,
    secret_hash: bytes,
    party_id: int,
    role: str,
    name: str,
    scopes: Sequence[str],
) -> None:
    """Let a machine get tokens.

    Raises:
        StorageError: the role is not one of such a party.
    """
    with refusal_of(f"client {name} as {role}"), connection.transaction():
        connection.execute(
            query("create_client"),
            {
                "client_id": client_id,
                "party_id": party_id,
                "role": role,
                "name": name,
                "scopes": list(scopes),
            },
        )
        _add_secret(connection, client_id, secret_hash)


def _add_secret(connection: Connection, client_id: str, secret_hash: bytes) -> None:
    connection.execute(
        query("add_client_secret"), {"client_id": client_id, "secret_hash": secret_hash}
    )


def rotate_client_secret(
    connection: Connection, client_id: str, secret_hash: bytes, overlap: timedelta
) -> None:
    """Give a client another secret; those it has go on for `overlap`.

    Raises:
        StorageError: there is no such client, or it was revoked.
    """
    with connection.transaction():
        parameters = {"client_id": client_id, "overlap": overlap}
        if _first(connection, "retire_client_secrets", parameters) is None:
            raise _no_client(client_id)
        _add_secret(connection, client_id, secret_hash)


def disable_client(connection: Connection, client_id: str) -> None:
    """Let a client get no tokens any more; those it has are refused within seconds.

    Raises:
        StorageError: there is no such client.
    """
    if _first(connection, "disable_client", {"client_id": client_id}) is None:
        raise _no_client(client_id)


def _no_client(client_id: str) -> StorageError:
    return StorageError(
        f"There is no client {client_id!r} that holds: `telemetry identity clients list` "
        "shows them."
    )


def clients(connection: Connection) -> list[Client]:
    """Every client by party and name."""
    return _all(connection, Client, "list_clients")


def create_api_key(
    connection: Connection,
    *,
    key_hash: bytes,
    prefix: str,
    party_id: int,
    role: str,
    name: str,
    scopes: Sequence[str],
    lifetime: timedelta,
) -> datetime:
    """Give a party's machine a key; returns until when it holds.

    Raises:
        StorageError: the role is not one of such a party.
    """
    with refusal_of(f"API key {name} as {role}"):
        expires_at = _first(
            connection,
            "create_api_key",
            {
                "key_hash": key_hash,
                "prefix": prefix,
                "party_id": party_id,
                "role": role,
                "name": name,
                "scopes": list(scopes),
                "lifetime": lifetime,
            },
        )
    return _time(expires_at, prefix)


def rotate_api_key(
    connection: Connection,
    old_prefix: str,
    *,
    key_hash: bytes,
    prefix: str,
    lifetime: timedelta,
    overlap: timedelta,
) -> datetime:
    """Put a new key in the place of one, which goes on for `overlap`; returns until when it holds.

    Raises:
        StorageError: there is no such key that holds now.
    """
    with refusal_of(f"a key in the place of {old_prefix}"):
        expires_at = _first(
            connection,
            "rotate_api_key",
            {
                "old_prefix": old_prefix,
                "key_hash": key_hash,
                "prefix": prefix,
                "lifetime": lifetime,
                "overlap": overlap,
            },
        )
    return _time(expires_at, old_prefix)


def revoke_api_key(connection: Connection, prefix: str) -> None:
    """Let a key open nothing any more.

    Raises:
        StorageError: there is no such key.
    """
    if _first(connection, "revoke_api_key", {"prefix": prefix}) is None:
        raise _no_key(prefix)


def _time(expires_at: object, prefix: str) -> datetime:
    if expires_at is None:
        raise _no_key(prefix)
    return expires_at  # type: ignore[return-value]  # a timestamptz


def _no_key(prefix: str) -> StorageError:
    return StorageError(
        f"There is no API key {prefix!r} that holds: `telemetry identity keys list` shows them."
    )


def api_keys(connection: Connection) -> list[ApiKey]:
    """Every key by party and name."""
    return _all(connection, ApiKey, "list_api_keys")


def forget_before(
    connection: Connection, before: datetime, *, only_count: bool = False
) -> tuple[int, int]:
    """Take old entries out of the log of reads, and old sign-ins; returns how many of each."""
    with connection.transaction(force_rollback=only_count):
        accesses = _first(connection, "forget_accesses", {"before": before})
        sign_ins = _first(connection, "forget_sign_ins", {"before": before})
    return int(str(accesses)), int(str(sign_ins))
