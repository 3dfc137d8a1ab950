"""People in a browser, as the API asks the database of them: sessions by their secret's hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.served_identity import StoredCaller

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSession(StoredCaller):
    """Who has a session, as the database knows it."""

    is_due: bool
    """Whether its use has not been written down for a while."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Family:
    family_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class _Subject:
    subject: str


class SessionReader:
    """What a reader's database knows of sessions."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def begin(
        self,
        account_id: int,
        *,
        client_id: str,
        scopes: Sequence[str],
        family_id: UUID,
        session_hash: bytes,
        lifetime: timedelta,
        idle: timedelta,
    ) -> None:
        """Sign a person in.

        Args:
            account_id: the person.
            client_id: the program they use.
            scopes: what it may do for them.
            family_id: the sign-in's number, new.
            session_hash: of what the cookie will carry.
            lifetime: after which it ends whatever is done.
            idle: after which it ends if nothing is.
        """
        await self._reader.change(
            _Family,
            "served_begin_session",
            account_id=account_id,
            client_id=client_id,
            scopes=list(scopes),
            family_id=family_id,
            session_hash=session_hash,
            lifetime=lifetime,
            idle=idle,
        )

    async def caller(self, session_hash: bytes) -> StoredSession | None:
        """Who has this session; None: nobody, or no longer."""
        found = await self._reader.records(
            StoredSession, "served_caller_of_session", session_hash=session_hash
        )
        return found[0] if found else None

    async def begin_of_provider(
        self,
        subject: str,
        *,
        party: str,
        role: str,
        driver_id: int | None,
        scopes: Sequence[str],
        session_hash: bytes,
        lifetime: timedelta,
        idle: timedelta,
    ) -> bool:
        """Sign a person in whom the identity provider knows; False: there is no such party or role.

        Args:
            subject: who it is to the provider.
            party: the name of their party.
            role: what they are to it.
            driver_id: a driver's number.
            scopes: what they may do.
            session_hash: of what the cookie will carry.
            lifetime: after which it ends whatever is done.
            idle: after which it ends if nothing is.
        """
        begun = await self._reader.change(
            _Subject,
            "served_begin_provider_session",
            subject=subject,
            party=party,
            role=role,
            driver_id=driver_id,
            scopes=list(scopes),
            session_hash=session_hash,
            lifetime=lifetime,
            idle=idle,
        )
        return bool(begun)

    async def use(self, session_hash: bytes, *, of_provider: bool) -> None:
        """Write down that a session is used now."""
        if of_provider:
            await self._reader.change(
                _Subject, "served_use_provider_session", session_hash=session_hash
            )
        else:
            await self._reader.change(_Family, "served_use_session", session_hash=session_hash)

    async def end(self, session_hash: bytes, *, of_provider: bool, everywhere: bool) -> None:
        """Sign its person out: of this browser, or of every browser and program."""
        if of_provider:
            await self._reader.change(
                _Subject,
                "served_end_provider_session",
                session_hash=session_hash,
                everywhere=everywhere,
            )
        else:
            await self._reader.change(
                _Family, "served_end_session", session_hash=session_hash, everywhere=everywhere
            )
