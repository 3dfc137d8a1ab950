"""Accounts, clients and keys of a party, as its administrator keeps them over the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountEntry:
    """A person of the party."""

    account_id: int
    name: str
    role: str
    driver_id: int | None
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEntry:
    """A machine of the party that gets tokens."""

    client_id: str
    name: str
    role: str
    scopes: list[str]
    created_at: datetime
    disabled_at: datetime | None
    secrets: int
    """How many of its secrets hold now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyEntry:
    """A key of the party."""

    prefix: str
    name: str
    role: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Role:
    role: str


class Accounts:
    """What a party's administrator asks and changes; everybody else's is not there.

    Every method that names one raises UnknownEntryError where the party has none such, and
    RefusedError for what cannot be.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def accounts(self, principal: int, *, after_id: int, limit: int) -> list[AccountEntry]:
        """At most `limit` accounts by their numbers."""
        return await self._reader.records(
            AccountEntry,
            "served_account_entries",
            principal=principal,
            after_id=after_id,
            max_rows=limit,
        )

    async def create_account(
        self, principal: int, *, name: str, role: str, password_hash: str, driver_id: int | None
    ) -> AccountEntry:
        """Let a person sign in."""
        (made,) = await self._reader.change(
            AccountEntry,
            "served_create_account",
            principal=principal,
            account_name=name,
            role=role,
            password_hash=password_hash,
            driver_id=driver_id,
        )
        return made

    async def change_password(self, principal: int, name: str, password_hash: str) -> AccountEntry:
        """Give an account another password and sign it out everywhere."""
        (changed,) = await self._reader.change(
            AccountEntry,
            "served_change_password",
            principal=principal,
            account_name=name,
            password_hash=password_hash,
        )
        return changed

    async def disable_account(self, principal: int, name: str) -> AccountEntry:
        """Let an account sign in no more and sign it out everywhere."""
        (changed,) = await self._reader.change(
            AccountEntry, "served_disable_account", principal=principal, account_name=name
        )
        return changed

    async def machine_role(self, principal: int) -> str:
        """The role that machines of the party have: what it is."""
        (found,) = await self._reader.records(_Role, "served_machine_role", principal=principal)
        return found.role

    async def clients(self, principal: int, *, after: str, limit: int) -> list[ClientEntry]:
        """At most `limit` clients by their ids."""
        return await self._reader.records(
            ClientEntry, "served_client_entries", principal=principal, after=after, max_rows=limit
        )

    async def create_client(
        self,
        principal: int,
        *,
        client_id: str,
        secret_hash: bytes,
        role: str,
        name: str,
        scopes: Sequence[str],
    ) -> ClientEntry:
        """Let a machine get tokens."""
        (made,) = await self._reader.change(
            ClientEntry,
            "served_create_client",
            principal=principal,
            client_id=client_id,
            secret_hash=secret_hash,
            role=role,
            client_name=name,
            scopes=list(scopes),
        )
        return made

    async def rotate_client(
        self, principal: int, client_id: str, *, secret_hash: bytes, overlap: timedelta
    ) -> ClientEntry:
        """Give a client another secret; those it has go on for `overlap`."""
        (changed,) = await self._reader.change(
            ClientEntry,
            "served_rotate_client",
            principal=principal,
            client_id=client_id,
            secret_hash=secret_hash,
            overlap=overlap,
        )
        return changed

    async def disable_client(self, principal: int, client_id: str) -> ClientEntry:
        """Let a client get no tokens any more."""
        (changed,) = await self._reader.change(
            ClientEntry, "served_disable_client", principal=principal, client_id=client_id
        )
        return changed

    async def keys(self, principal: int, *, after: str, limit: int) -> list[KeyEntry]:
        """At most `limit` keys by how they begin."""
        return await self._reader.records(
            KeyEntry, "served_key_entries", principal=principal, after=after, max_rows=limit
        )

    async def create_key(
        self,
        principal: int,
        *,
        key_hash: bytes,
        prefix: str,
        role: str,
        name: str,
        scopes: Sequence[str],
        lifetime: timedelta,
    ) -> KeyEntry:
        """Give a machine a key."""
        (made,) = await self._reader.change(
            KeyEntry,
            "served_create_key",
            principal=principal,
            key_hash=key_hash,
            prefix=prefix,
            role=role,
            key_name=name,
            scopes=list(scopes),
            lifetime=lifetime,
        )
        return made

    async def rotate_key(
        self,
        principal: int,
        old_prefix: str,
        *,
        key_hash: bytes,
        prefix: str,
        lifetime: timedelta,
        overlap: timedelta,
    ) -> KeyEntry:
        """Put a new key in the place of one, which goes on for `overlap`."""
        (made,) = await self._reader.change(
            KeyEntry,
            "served_rotate_key",
            principal=principal,
            old_prefix=old_prefix,
            key_hash=key_hash,
            prefix=prefix,
            lifetime=lifetime,
            overlap=overlap,
        )
        return made

    async def revoke_key(self, principal: int, prefix: str) -> KeyEntry:
        """Let a key open nothing any more."""
        (changed,) = await self._reader.change(
            KeyEntry, "served_revoke_key", principal=principal, prefix=prefix
        )
        return changed
