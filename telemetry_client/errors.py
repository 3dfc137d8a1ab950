"""What may go wrong, as a tree: catch a branch, or look at `code`.

ClientError
├── ConfigurationError
├── ConnectionFailedError
│   ├── TimedOutError
│   └── CertificateError
├── UnexpectedAnswerError
└── ApiError                   code, detail, way_out, faults
    ├── InvalidRequestError    400, 406, 422 …
    ├── NotSignedInError       401
    ├── NotAllowedError        403
    ├── NotFoundError          404
    ├── ConflictError          409, 412
    ├── TooManyRequestsError   429
    ├── UnavailableError       502, 503, 504
    └── ServerError            other 5xx
"""

from __future__ import annotations

import email.utils
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_client.messages import Answer


class ClientError(Exception):
    """Anything this client raises on purpose."""


class ConfigurationError(ClientError):
    """The client was not told what it needs, or something that does not go together."""


class ConnectionFailedError(ClientError):
    """The API could not be reached, or its answer broke off."""


class TimedOutError(ConnectionFailedError):
    """The API did not answer in time."""


class CertificateError(ConnectionFailedError):
    """The server's certificate is not one to trust; nothing was sent to it."""


class UnexpectedAnswerError(ClientError):
    """What answered does not speak as the API does: a proxy, or another version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A parameter that cannot be used."""

    field: str
    reason: str
    way_out: str


@dataclass(kw_only=True, eq=False)  # not frozen: raising writes the traceback into it
class ApiError(ClientError):
    """The API refused; `str()` says what happened and what to do."""

    status: int
    code: str
    """What kind of problem it is, for programs."""
    detail: str
    """What happened, for people."""
    way_out: str
    """What to do now."""
    faults: tuple[Fault, ...] = ()
    """The parameters that cannot be used."""
    retry_after_s: float | None = None
    """When to ask again, where the API said so [s]."""
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What else the API said: the `report` of an import that was refused, say."""

    def __str__(self) -> str:
        """What happened, and what to do."""
        said = f"{self.code} ({self.status}): {self.detail} {self.way_out}".strip()
        for fault in self.faults if len(self.faults) > 1 else ():
            said += f"\n  {fault.field}: {fault.reason} {fault.way_out}"
        return said


class InvalidRequestError(ApiError):
    """What was asked cannot be answered as it was asked; `faults` names the parameters."""


class NotSignedInError(ApiError):
    """No credential, or one that does not hold."""


class NotAllowedError(ApiError):
    """You are known, and may not do this."""


class NotFoundError(ApiError):
    """It does not exist, or is not yours: the API answers alike."""


class ConflictError(ApiError):
    """It clashes with what is there."""


class TooManyRequestsError(ApiError):
    """You have asked too often; `retry_after_s` says when to go on."""


class UnavailableError(ApiError):
    """The API, or what it needs, is away or busy for the moment."""


class ServerError(ApiError):
    """The API's own fault; it is in its log."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: NotSignedInError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    429: TooManyRequestsError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}

_SERVER_ERRORS = 500

_OF_EVERY_PROBLEM = {"type", "title", "status", "code", "detail", "way_out", "faults"}


def of_answer(answer: Answer) -> ApiError:
    """The error that an answer tells of: problem+json, or as OAuth 2 and rFMS say it."""
    body = _body(answer.content)
    ours = ServerError if answer.status >= _SERVER_ERRORS else InvalidRequestError
    faults = body.get("faults")
    return _BY_STATUS.get(answer.status, ours)(
        status=answer.status,
        code=_text(body, "code", "error") or "unknown",
        detail=_text(body, "detail", "error_description") or f"HTTP status {answer.status}.",
        way_out=_text(body, "way_out"),
        faults=tuple(_fault(fault) for fault in faults) if isinstance(faults, list) else (),
        retry_after_s=_seconds(answer.headers.get("retry-after")),
        more={name: it for name, it in body.items() if name not in _OF_EVERY_PROBLEM},
    )


def _body(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(body: Mapping[str, Any], *names: str) -> str:
    return next((body[name] for name in names if isinstance(body.get(name), str)), "")


def _fault(fault: object) -> Fault:
    said = fault if isinstance(fault, dict) else {}
    return Fault(
        field=_text(said, "field"), reason=_text(said, "reason"), way_out=_text(said, "way_out")
    )


def _seconds(retry_after: str | None) -> float | None:
    """What Retry-After says [s]: a number, or a moment (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(tz=UTC)).total_seconds())
