"""What the API's database refuses or cannot do, as errors with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnknownError(StorageError):
    """There is no such thing, or the principal may not see it: the two are told to nobody."""


class UnknownVehicleError(UnknownError):
    """There is no such vehicle."""


class UnknownDriverError(UnknownError):
    """There is no such driver."""


class UnknownFleetError(UnknownError):
    """There is no such fleet."""


class UnknownAdviceError(UnknownError):
    """There is no such piece of advice."""


class UnknownWebhookError(UnknownError):
    """There is no such webhook."""


class UnknownDeliveryError(UnknownError):
    """The webhook has no such message."""


class UnknownModelError(UnknownError):
    """There is no such model."""


class UnknownDatasetError(UnknownError):
    """There is no such dataset, or it has ended."""


class UnknownDatasetVehicleError(UnknownError):
    """There is no vehicle of that pseudonym in the dataset."""


class DatasetWithheldError(StorageError):
    """So few vehicles are left in the dataset that one would be recognised."""


class UnknownEntryError(UnknownError):
    """There is no such entry of a register: grant, account, client or key."""


UNKNOWN: Mapping[str | None, type[UnknownError]] = {
    "driver": UnknownDriverError,
    "fleet": UnknownFleetError,
    "advice": UnknownAdviceError,
    "webhook": UnknownWebhookError,
    "webhook_delivery": UnknownDeliveryError,
    "model": UnknownModelError,
    "dataset": UnknownDatasetError,
    "dataset_vehicle": UnknownDatasetVehicleError,
    **dict.fromkeys(("grant", "account", "client", "key"), UnknownEntryError),
}
"""By the table that lacks what was asked for; vehicles were first, and their errors name none."""


class DatabaseBusyError(StorageError):
    """Every connection is in use and none came free in time: ask again later."""


class UnaskableError(StorageError):
    """What was given holds what the database has no way to take, such as a NUL in a text."""


class QueryTimeoutError(StorageError):
    """A statement took longer than it may: ask for less at a time."""
