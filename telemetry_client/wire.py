"""What of the HTTP library both clients use: its settings, its answers, its errors as ours."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

import httpx2

from telemetry_client.errors import (
    CertificateError,
    ConnectionFailedError,
    TimedOutError,
    of_answer,
)
from telemetry_client.following import SILENT_S
from telemetry_client.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_client.messages import Request

CONNECT_S = 10.0
"""How long a connection may take to be made, at most."""

_FIRST_ERROR = 400


class Options(TypedDict):
    """What an HTTP client is made with."""

    base_url: str
    timeout: httpx2.Timeout
    verify: ssl.SSLContext | bool
    follow_redirects: bool


def options(url: str, timeout_s: float, tls: ssl.SSLContext | None) -> Options:
    """What an HTTP client is made with.

    Args:
        url: the API's address.
        timeout_s: how long to wait for an answer to go on.
        tls: whom to trust; None: whom the system trusts.
    """
    return Options(
        base_url=url,
        timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S)),
        verify=True if tls is None else tls,
        follow_redirects=False,  # what says who asks goes nowhere else
    )


STREAM_TIMEOUT = httpx2.Timeout(SILENT_S, connect=CONNECT_S)


class Parts(TypedDict):
    """A request as the HTTP library takes it."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


def parts(request: Request) -> Parts:
    """A request as the HTTP library takes it."""
    return Parts(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        content=request.content,
    )


def answer_of(response: httpx2.Response) -> Answer:
    """An answer that was read; a redirect is an error, for it leads nowhere the API would."""
    return Answer(
        status=response.status_code, headers=dict(response.headers), content=response.content
    )


def is_error(response: httpx2.Response) -> bool:
    """Whether what follows is no stream."""
    return response.status_code >= _FIRST_ERROR


def raise_refusal(response: httpx2.Response) -> None:
    """Raise what an answer, which was read, refuses with."""
    raise of_answer(answer_of(response))


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Raise what goes wrong on the way as errors of this client.

    Raises:
        ConnectionFailedError: the API cannot be reached, or its answer broke off.
    """
    try:
        yield
    except httpx2.TimeoutException as error:
        raise TimedOutError("The API did not answer in time.") from error
    except httpx2.UnsupportedProtocol as error:
        raise ConnectionFailedError(f"{error}.") from error
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        if _is_about_certificates(error):
            raise CertificateError(
                "The server's certificate is not to be trusted. If an authority of your own has "
                f"signed it, name that in ca_file. ({error})"
            ) from error
        raise ConnectionFailedError(
            f"The API cannot be reached, or its answer broke off: {error or type(error).__name__}."
        ) from error


def _is_about_certificates(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
