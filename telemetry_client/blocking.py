"""The client that waits for its answers. Several threads may use one."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

import httpx2

from telemetry_client import queries
from telemetry_client.configured import Configured
from telemetry_client.errors import ClientError
from telemetry_client.following import Following
from telemetry_client.methods import named_like
from telemetry_client.session import Alone, Effect, Send, Steps, Wait
from telemetry_client.wire import (
    STREAM_TIMEOUT,
    answer_of,
    errors_as_ours,
    is_error,
    options,
    parts,
    raise_refusal,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterator

    import pandas as pd

    from telemetry_client.messages import Answer
    from telemetry_client.questions import Changes, Paged, Question

P = ParamSpec("P")
T = TypeVar("T")


def _asking(query: Callable[P, Question[T]]) -> Callable[Concatenate[Client, P], T]:
    """A method that asks what a query says."""

    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.ask(query(*args, **kwargs))

    return named_like(query, method)


def _following(
    query: Callable[P, Changes[T]],
) -> Callable[Concatenate[Client, P], Generator[T]]:
    """A method that follows what a query says."""

    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T]:
        return self.follow(query(*args, **kwargs))

    return named_like(query, method)


class Client(Configured):
    """Asks the API, and waits for its answers; a context manager, which closes its connections."""

    _http: httpx2.Client
    _lock: threading.Lock

    vehicles = _asking(queries.vehicles)
    state = _asking(queries.state)
    status = _asking(queries.status)
    accumulated = _asking(queries.accumulated)
    follow_vehicle = _following(queries.follow_vehicle)
    follow_fleet = _following(queries.follow_fleet)

    signals = _asking(queries.signals)
    signals_of_vehicles = _asking(queries.signals_of_vehicles)
    catalogue = _asking(queries.catalogue)

    trips = _asking(queries.trips)
    events = _asking(queries.events)
    scores = _asking(queries.scores)
    drivers = _asking(queries.drivers)
    driver_trips = _asking(queries.driver_trips)
    driver_events = _asking(queries.driver_events)
    driver_scores = _asking(queries.driver_scores)
    fleets = _asking(queries.fleets)
    ranking = _asking(queries.ranking)

    fuel = _asking(queries.fuel)
    driver_fuel = _asking(queries.driver_fuel)
    fleet_fuel = _asking(queries.fleet_fuel)
    tank_events = _asking(queries.tank_events)
    fuel_price = _asking(queries.fuel_price)
    set_fuel_price = _asking(queries.set_fuel_price)
    unset_fuel_price = _asking(queries.unset_fuel_price)

    vehicle_advice = _asking(queries.vehicle_advice)
    driver_advice = _asking(queries.driver_advice)
    fleet_advice = _asking(queries.fleet_advice)
    advice = _asking(queries.advice)
    accept_advice = _asking(queries.accept_advice)
    dismiss_advice = _asking(queries.dismiss_advice)
    see_advice = _asking(queries.see_advice)
    audit = _asking(queries.audit)
    erasures = _asking(queries.erasures)

    datasets = _asking(queries.datasets)
    dataset = _asking(queries.dataset)
    define_dataset = _asking(queries.define_dataset)
    change_dataset = _asking(queries.change_dataset)
    end_dataset = _asking(queries.end_dataset)
    dataset_vehicles = _asking(queries.dataset_vehicles)
    dataset_signals = _asking(queries.dataset_signals)
    dataset_trips = _asking(queries.dataset_trips)
    dataset_events = _asking(queries.dataset_events)

    models = _asking(queries.models)
    model = _asking(queries.model)
    model_drift = _asking(queries.model_drift)

    service_points = _asking(queries.service_points)
    nearest_service_points = _asking(queries.nearest_service_points)

    webhooks = _asking(queries.webhooks)
    webhook = _asking(queries.webhook)
    create_webhook = _asking(queries.create_webhook)
    change_webhook = _asking(queries.change_webhook)
    delete_webhook = _asking(queries.delete_webhook)
    new_webhook_secret = _asking(queries.new_webhook_secret)
    test_webhook = _asking(queries.test_webhook)
    webhook_deliveries = _asking(queries.webhook_deliveries)
    redeliver = _asking(queries.redeliver)

    registered_vehicles = _asking(queries.registered_vehicles)
    registered_vehicle = _asking(queries.registered_vehicle)
    register_vehicle = _asking(queries.register_vehicle)
    correct_vehicle = _asking(queries.correct_vehicle)
    import_vehicles = _asking(queries.import_vehicles)
    sell_vehicle = _asking(queries.sell_vehicle)
    parties = _asking(queries.parties)
    register_party = _asking(queries.register_party)
    employed_drivers = _asking(queries.employed_drivers)
    employed_driver = _asking(queries.employed_driver)
    employ_driver = _asking(queries.employ_driver)
    change_employment = _asking(queries.change_employment)
    registered_fleet = _asking(queries.registered_fleet)
    make_fleet = _asking(queries.make_fleet)
    change_fleet = _asking(queries.change_fleet)
    fleet_vehicles = _asking(queries.fleet_vehicles)
    add_to_fleet = _asking(queries.add_to_fleet)
    remove_from_fleet = _asking(queries.remove_from_fleet)

    grants = _asking(queries.grants)
    grant = _asking(queries.grant)
    give_grant = _asking(queries.give_grant)
    give_grants = _asking(queries.give_grants)
    end_grant = _asking(queries.end_grant)

    rfms_vehicles = _asking(queries.rfms_vehicles)
    rfms_positions = _asking(queries.rfms_positions)
    rfms_statuses = _asking(queries.rfms_statuses)

    def ask(self, question: Question[T]) -> T:
        """Ask one of `telemetry_client.queries`; every method is a short way to do that.

        Raises:
            ApiError: the API refused.
            ConnectionFailedError: it could not be reached.
        """
        return self._run(self._session.asked(question.asks()))

    def pages(self, question: Paged, rows: int | None = None) -> Iterator[pd.DataFrame]:
        """A table page by page, for what is too long to hold.

        Args:
            question: one of `telemetry_client.queries` that makes a table.
            rows: of each page; None: as many as the API gives.
        """
        place = question.first(rows)
        while True:
            page = self._run(self._session.asked(question.page(place)))
            yield page.frame
            if page.next is None:
                return
            place = page.next

    def follow(self, changes: Changes[T]) -> Generator[T]:
        """Changes as they happen; after a break it comes back and misses nothing.

        It ends with an error when there is no coming back: a grant has ended, say.
        """
        following = Following(changes, self._session)
        while True:
            broken = None
            try:
                request = parts(self._run(following.request()))
                with (
                    errors_as_ours(),
                    self._http.stream(**request, timeout=STREAM_TIMEOUT) as response,
                ):
                    if is_error(response):
                        response.read()
                        raise_refusal(response)
                    for event in httpx2.EventSource(response):
                        told = following.take(event)
                        if told is not None:
                            yield told
            except ClientError as error:
                broken = error
            self._run(following.broken(broken))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Nothing is connected until something is asked."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def _open(self, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self._http = httpx2.Client(**options(self.url, timeout_s, tls))
        self._lock = threading.Lock()

    def _run(self, steps: Steps[T]) -> T:
        try:
            effect = next(steps)
            while True:
                try:
                    answer = self._do(effect)
                except ClientError as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    def _do(self, effect: Effect) -> Answer | None:
        match effect:
            case Send(request):
                with errors_as_ours():
                    return answer_of(self._http.request(**parts(request)))
            case Wait(seconds):
                time.sleep(seconds)
            case Alone(steps):
                with self._lock:
                    self._run(steps)
        return None
