"""Who asks, as the API asks it of the database: callers, sign-ins, and the log of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCaller:
    """Who asks, as the database knows it."""

    party_id: int
    """As which they read: the party's number, or a driver's own with a minus."""
    role: str
    subject: str
    """`account:name`, `client:id` or `key:prefix`; empty for whom an identity provider names."""
    scopes: list[str]
    driver_id: int | None
    """Who a driver is; None for everybody else."""
    expires_at: datetime | None
    """Until when that holds; None: until it is revoked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredClient:
    """A client whose secret fitted."""

    client_id: str
    role: str
    scopes: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAccount:
    """An account whose password is to be checked."""

    account_id: int
    role: str
    password_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """A person who is signed in."""

    family_id: UUID
    account_id: int
    role: str
    client_id: str
    scopes: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessEntry:
    """Reads of personal data, all alike."""

    entry_id: int
    at: datetime
    party: str | None
    subject: str
    role: str
    method: str
    route: str
    vins: list[str]
    driver_ids: list[int]
    fleet_id: int | None
    dataset_id: int | None
    purpose: str | None
    address: str | None
    status: int
    reads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureEntry:
    """An erasure of personal data, in numbers."""

    erasure_id: int
    kind: str
    asked_by: str
    began_at: datetime
    ended_at: datetime | None
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessLoss:
    """Reads that could not be written down."""

    since: datetime
    until: datetime
    reads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Family:
    family_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class _Token:
    token_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    written: int


class IdentityReader:
    """What a reader's database knows of those who ask."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def _caller(self, name: str, **parameters: object) -> StoredCaller | None:
        found = await self._reader.records(StoredCaller, name, **parameters)
        return found[0] if found else None

    async def caller_of_key(self, key_hash: bytes) -> StoredCaller | None:
        """Whose API key has this hash; None: no key that holds now."""
        return await self._caller("served_caller_of_key", key_hash=key_hash)

    async def caller_of_client(self, client_id: str, token_id: UUID) -> StoredCaller | None:
        """The client of an access token; None: it or its token is worth nothing any more."""
        return await self._caller("served_caller_of_client", client_id=client_id, token_id=token_id)

    async def caller_of_sign_in(self, family_id: UUID, token_id: UUID) -> StoredCaller | None:
        """The person of an access token; None: no longer signed in."""
        return await self._caller(
            "served_caller_of_sign_in", family_id=family_id, token_id=token_id
        )

    async def caller_of_party(
        self, party: str, role: str, driver_id: int | None
    ) -> StoredCaller | None:
        """Somebody whom an identity provider names; None: no such party, or not that role in it."""
        return await self._caller(
            "served_caller_of_party", party=party, role=role, driver_id=driver_id
        )

    async def client_of_secret(self, client_id: str, secret_hash: bytes) -> StoredClient | None:
        """The client that has this secret now."""
        found = await self._reader.records(
            StoredClient, "served_client_of_secret", client_id=client_id, secret_hash=secret_hash
        )
        return found[0] if found else None

    async def account_to_sign_in(self, name: str) -> StoredAccount | None:
        """The account of that name, if it may sign in."""
        found = await self._reader.records(
            StoredAccount, "served_account_to_sign_in", account_name=name
        )
        return found[0] if found else None

    async def begin_sign_in(
        self,
        account_id: int,
        *,
        client_id: str,
        scopes: Sequence[str],
        family_id: UUID,
        token_hash: bytes,
        lifetime: timedelta,
        token_lifetime: timedelta,
    ) -> None:
        """Sign a person in.

        Args:
            account_id: the person.
            client_id: the program they use.
            scopes: what it may do for them.
            family_id: the sign-in's number, new.
            token_hash: of its first refresh token.
            lifetime: after which it ends whatever is refreshed.
            token_lifetime: after which it ends if nothing is.
        """
        await self._reader.change(
            _Family,
            "served_begin_sign_in",
            account_id=account_id,
            client_id=client_id,
            scopes=list(scopes),
            family_id=family_id,
            token_hash=token_hash,
            lifetime=lifetime,
            token_lifetime=token_lifetime,
        )

    async def sign_in_of_token(self, token_hash: bytes) -> SignIn | None:
        """The sign-in that a refresh token goes on with; one that was used before ends it."""
        found = await self._reader.change(SignIn, "served_sign_in_of_token", token_hash=token_hash)
        return found[0] if found else None

    async def rotate_refresh_token(
        self, token_hash: bytes, new_hash: bytes, token_lifetime: timedelta
    ) -> bool:
        """Put the next refresh token in the place of one; False: somebody else has done so."""
        return bool(
            await self._reader.change(
                _Family,
                "served_rotate_refresh_token",
                token_hash=token_hash,
                new_hash=new_hash,
                token_lifetime=token_lifetime,
            )
        )

    async def end_sign_in(self, family_id: UUID) -> None:
        """Sign a person out."""
        await self._reader.change(_Family, "served_end_sign_in", family_id=family_id)

    async def revoke_token(self, token_id: UUID, expires_at: datetime) -> None:
        """Let an access token be worth nothing before it expires."""
        await self._reader.change(
            _Token, "served_revoke_token", token_id=token_id, expires_at=expires_at
        )

    async def log_accesses(
        self, entries: Sequence[dict[str, Any]], *, lost: int, lost_since: datetime | None
    ) -> None:
        """Write down reads of personal data, and how many could not be since when."""
        await self._reader.change(
            _Written,
            "served_log_accesses",
            entries=Jsonb(list(entries)),
            lost=lost,
            lost_since=lost_since,
        )

    async def accesses(
        self,
        principal: int,
        *,
        vin: str | None,
        driver_id: int | None,
        dataset_id: int | None,
        start: datetime,
        stop: datetime,
        before_id: int,
        limit: int,
    ) -> list[AccessEntry]:
        """At most `limit` reads of the span, the newest first; none where it is not theirs to see.

        Args:
            principal: who asks.
            vin: only reads of this vehicle.
            driver_id: only reads of this driver.
            dataset_id: only reads of this dataset.
            start: from this time on.
            stop: before this time.
            before_id: only entries of a smaller number.
            limit: how many at most.
        """
        return await self._reader.records(
            AccessEntry,
            "served_accesses",
            principal=principal,
            vin=vin,
            driver_id=driver_id,
            dataset_id=dataset_id,
            start=start,
            stop=stop,
            before_id=before_id,
            max_rows=limit,
        )

    async def erasures(self, principal: int, *, before_id: int, limit: int) -> list[ErasureEntry]:
        """At most `limit` erasures, the newest first; none where they are not theirs to see.

        Args:
            principal: who asks.
            before_id: only those of a smaller number.
            limit: how many at most.
        """
        return await self._reader.records(
            ErasureEntry,
            "served_erasures",
            principal=principal,
            before_id=before_id,
            max_rows=limit,
        )

    async def access_losses(
        self, principal: int, start: datetime, stop: datetime
    ) -> list[AccessLoss]:
        """When how many reads could not be written down, the newest first."""
        return await self._reader.records(
            AccessLoss, "served_access_losses", principal=principal, start=start, stop=stop
        )
