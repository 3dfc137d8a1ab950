"""A client of the vehicle telemetry API: tables are DataFrames, single things are records.

    from telemetry_client import Client

    with Client("https://telemetry.example.com", api_key="…") as client:
        client.trips("LSGAA11112A000001", "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z")

`AsyncClient` has the same methods, to be awaited.
"""

from telemetry_client import _extra as _extra
from telemetry_client.asynchronous import AsyncClient
from telemetry_client.blocking import Client
from telemetry_client.errors import (
    ApiError,
    CertificateError,
    ClientError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    Fault,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    ServerError,
    TimedOutError,
    TooManyRequestsError,
    UnavailableError,
    UnexpectedAnswerError,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "CertificateError",
    "Client",
    "ClientError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "Fault",
    "InvalidRequestError",
    "NotAllowedError",
    "NotFoundError",
    "NotSignedInError",
    "ServerError",
    "TimedOutError",
    "TooManyRequestsError",
    "UnavailableError",
    "UnexpectedAnswerError",
]
