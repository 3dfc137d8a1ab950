"""Following states: one task looks for what was written, on behalf of everybody who watches.

It asks the database once an interval for each principal, not for each client, and under that
principal's access. What is new is told by snapshots: nothing that a later transaction brings is
missed, however long it took. (LISTEN would ask ingest to NOTIFY, for which all its commits would
wait in one queue.)

Nobody is waited for: of a vehicle that changes faster than a client reads, the client gets the
newest state. So what waits for a client is never more than the vehicles it watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.codes import Code
from api.problems import RETRY_AFTER_S, ProblemError
from api.vehicles import activity
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.vehicles.activity import Activity
    from storage.answers_search import Changes, FoundVehicle
    from storage.served_search import SearchReader

NAMES = tuple(
    dict.fromkeys(
        (
            *activity.SIGNALS,
            "latitude",
            "longitude",
            "odometer",
            "fuel_level_1",
            "tell_tale_red",
            "tell_tale_amber",
            "tell_tale_mil",
            "tell_tale_protect",
            "trouble_code_count",
        )
    )
)
"""The signals whose latest values are told."""

LONGEST_WRITE = timedelta(hours=1)
"""Longer than any transaction of ingest takes."""

OVERLAP = timedelta(minutes=1)
"""So much is told again where there is no snapshot to go on from, but only a time."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

SILENCE_CHECKED_S = 15.0
"""How often it is looked who has fallen silent, which nothing is written of [s]."""

logger = logging.getLogger("telemetry.api")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is watched: vehicles or a fleet."""

    vins: frozenset[str] = frozenset()
    fleet_id: int | None = None


class Subscription:
    """A client's view of a subject: what has changed and was not taken yet."""

    def __init__(self, watch: Watch, principal: int, subject: Subject) -> None:
        self.principal = principal
        self.subject = subject
        self.ended = False
        self._watch = watch
        self._pending: dict[str, FoundVehicle] = {}
        self._answered_at = LONG_AGO
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Watch no longer; may be called again."""
        self._watch.forget(self)

    async def begin(self, since: datetime | None) -> None:
        """Take up the present state, or after a break what was written since."""
        await self._watch.begin(self, LONG_AGO if since is None else since - OVERLAP)

    def put(self, vehicles: Iterable[FoundVehicle], answered_at: datetime) -> None:
        """Let there be something new."""
        self._pending |= {vehicle.vin: vehicle for vehicle in vehicles}
        self._answered_at = max(self._answered_at, answered_at)
        if self._pending:
            self._changed.set()

    def end(self) -> None:
        """Let the client be told that this was all."""
        self.ended = True
        self._changed.set()

    async def take(self, wait_s: float) -> tuple[list[FoundVehicle], datetime]:
        """What has changed, and as of when; waits for it, and is empty if nothing came."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), wait_s)
        if not self.ended:
            self._changed.clear()
        taken, self._pending = self._pending, {}
        return list(taken.values()), self._answered_at


@dataclass(slots=True)
class _Group:
    """All that is watched as one principal."""

    subscriptions: set[Subscription] = field(default_factory=set)
    snapshot: str | None = None
    answered_at: datetime | None = None
    known: dict[str, FoundVehicle] = field(default_factory=dict)
    told: dict[str, Activity] = field(default_factory=dict)

    def vins(self) -> list[str]:
        return sorted(frozenset().union(*(one.subject.vins for one in self.subscriptions)))

    def fleets(self) -> list[int]:
        return sorted({one.subject.fleet_id for one in self.subscriptions if one.subject.fleet_id})

    def deliver(self, changes: Changes) -> None:
        """Put what has changed before those who watch it."""
        for subscription in self.subscriptions:
            subject = subscription.subject
            subscription.put(
                (
                    state.vehicle
                    for state in changes.states
                    if state.vehicle.vin in subject.vins or subject.fleet_id in state.fleets
                ),
                changes.answered_at,
            )
        self.remember(changes)

    def remember(self, changes: Changes) -> None:
        """Keep what is needed to see that a vehicle falls silent."""
        now = datetime.now(tz=UTC)
        for state in changes.states:
            vehicle = state.vehicle
            self.known[vehicle.vin] = vehicle
            self.told[vehicle.vin] = _doing(vehicle, now)

    def fell_silent(self) -> list[str]:
        """Vehicles that do something else than was told last, while nothing was written of them."""
        now = datetime.now(tz=UTC)
        return [
            vin for vin, vehicle in self.known.items() if _doing(vehicle, now) is not self.told[vin]
        ]


def _doing(vehicle: FoundVehicle, now: datetime) -> Activity:
    return activity.activity(vehicle.latest, vehicle.last_seen, now, is_current=vehicle.is_current)


class Watch:
    """The task that looks, and who is told.

    Args:
        search: the way to the database.
        poll_s: how often it looks [s].
        most: how many clients may watch at once.
    """

    def __init__(self, search: SearchReader, *, poll_s: float, most: int) -> None:
        self._search = search
        self._poll_s = poll_s
        self._most = most
        self._groups: dict[int, _Group] = {}
        self._watched = asyncio.Event()
        self._ended = False
        self._task: asyncio.Task[None] | None = None

    @property
    def clients(self) -> int:
        """How many watch now."""
        return sum(len(group.subscriptions) for group in self._groups.values())

    def start(self) -> None:
        """Begin to look; without anybody who watches it waits."""
        self._task = asyncio.create_task(self._run())

    def end(self) -> None:
        """Let everybody who watches be told that this was all; nobody may begin any more."""
        self._ended = True
        for group in self._groups.values():
            for subscription in group.subscriptions:
                subscription.end()

    async def stop(self) -> None:
        """Look no longer."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def subscribe(self, principal: int, subject: Subject) -> Subscription:
        """Begin to watch; what is there already comes by `Subscription.begin`.

        Raises:
            ProblemError: 503, there are too many, or the service ends.
        """
        if self._ended or self.clients >= self._most:
            raise ProblemError(
                code=Code.BUSY,
                detail=f"{self._most} streams are open, which is all there may be.",
                way_out="Close some, follow a fleet in place of its vehicles, or ask again later.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        subscription = Subscription(self, principal, subject)
        self._groups.setdefault(principal, _Group()).subscriptions.add(subscription)
        self._watched.set()
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """No longer tell a client."""
        group = self._groups.get(subscription.principal)
        if group is None:
            return
        group.subscriptions.discard(subscription)
        if not group.subscriptions:
            del self._groups[subscription.principal]
        if not self._groups:
            self._watched.clear()

    async def begin(self, subscription: Subscription, since: datetime) -> None:
        """Tell a client what was written since.

        Raises:
            StorageError: the database does not answer.
        """
        subject = subscription.subject
        changes = await self._search.changes(
            subscription.principal,
            NAMES,
            vins=sorted(subject.vins),
            fleets=[] if subject.fleet_id is None else [subject.fleet_id],
            since=since,
            seen=None,
        )
        subscription.put((state.vehicle for state in changes.states), changes.answered_at)
        group = self._groups.get(subscription.principal)
        if group is not None:
            group.remember(changes)
            if group.answered_at is None:
                group.snapshot, group.answered_at = changes.snapshot, changes.answered_at

    async def _run(self) -> None:
        failing = False
        checked = asyncio.get_running_loop().time()
        while True:
            await self._watched.wait()
            await asyncio.sleep(self._poll_s)
            now = asyncio.get_running_loop().time()
            check, checked = (True, now) if now - checked > SILENCE_CHECKED_S else (False, checked)
            try:
                for principal, group in list(self._groups.items()):
                    await self._look(principal, group)
                    if check and (vins := group.fell_silent()):
                        await self._tell_again(principal, group, vins)
            except StorageError as error:
                if not failing:
                    logger.warning("Streams stand still: %s", error)
                failing = True
                for group in self._groups.values():
                    group.snapshot = None  # it may be another database that answers next
            else:
                failing = False

    async def _look(self, principal: int, group: _Group) -> None:
        if group.answered_at is None:  # the first client has not begun yet
            return
        exact = group.snapshot is not None
        changes = await self._search.changes(
            principal,
            NAMES,
            vins=group.vins(),
            fleets=group.fleets(),
            since=group.answered_at - (LONGEST_WRITE if exact else OVERLAP),
            seen=group.snapshot,
        )
        group.snapshot, group.answered_at = changes.snapshot, changes.answered_at
        group.deliver(changes)

    async def _tell_again(self, principal: int, group: _Group, vins: list[str]) -> None:
        """Vehicles of which nothing was written, but which do something else by now: silence."""
        changes = await self._search.changes(
            principal, NAMES, vins=vins, fleets=group.fleets(), since=LONG_AGO, seen=None
        )
        for vin in vins:  # what may no longer be seen does not come back
            del group.known[vin], group.told[vin]
        again = [state for state in changes.states if state.vehicle.vin in vins]
        group.deliver(replace(changes, states=again))
