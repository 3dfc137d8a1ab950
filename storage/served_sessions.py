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

    async def use(self, session_hash: bytes) -> None:
        """Write down that a session is used now."""
        await self._reader.change(_Family, "served_use_session", session_hash=session_hash)

    async def end(self, session_hash: bytes, *, everywhere: bool) -> None:
        """Sign its person out: of this browser, or of every browser and program."""
        await self._reader.change(
            _Family, "served_end_session", session_hash=session_hash, everywhere=everywhere
        )
