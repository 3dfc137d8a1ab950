"""`/oauth`: tokens are given out and taken back; errors are those of RFC 6749 and RFC 7009."""

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api import forms
from api.codes import Code
from api.openapi import problems
from api.problems import ProblemError
from api.services import App, Services
from api.signing_in.attempts import NotAdmittedError, TooManyTriesError, attempt
from api.signing_in.authorization import OWN_PROGRAM, Answer
from api.signing_in.throttle import Turns

GRANTS = ("client_credentials", "refresh_token", "password")

FAILURES = frozenset({"invalid_client", "invalid_grant"})
"""Errors of whoever guesses."""

router = APIRouter(tags=["sign-in"], prefix="/oauth")


class Token(BaseModel):
    """A token (RFC 6749, section 5.1)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiIs...",
                    "token_type": "Bearer",
                    "expires_in": 600,
                    "scope": "advice:read vehicles:read",
                }
            ]
        }
    )

    access_token: str = Field(description="Send it as `Authorization: Bearer`.")
    token_type: str = Field(description="Always Bearer.")
    expires_in: int = Field(description="How long it holds [s].")
    scope: str = Field(description="What it may be used for, with spaces between.")
    refresh_token: str | None = Field(
        default=None, description="Gets the next one, once; people have it, machines do not."
    )


class OAuthError(BaseModel):
    """A refusal (RFC 6749, section 5.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"error": "invalid_grant", "error_description": "Name and password do not fit."}
            ]
        }
    )

    error: str = Field(description="What kind of problem it is, for programs.")
    error_description: str | None = Field(default=None, description="For people.")


class Revoked(BaseModel):
    """Nothing more to say (RFC 7009)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    revoked: bool | None = Field(default=None, description="Left out.")


class Key(BaseModel):
    """A public key (RFC 7517)."""

    kty: str = Field(description="EC.")
    crv: str = Field(description="P-256.")
    x: str = Field(description="Its point.")
    y: str = Field(description="Its point.")
    kid: str = Field(description="Its number.")
    use: str = Field(description="sig.")
    alg: str = Field(description="ES256.")


class Keys(BaseModel):
    """The public keys that access tokens are signed with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "keys": [
                        {
                            "kty": "EC",
                            "crv": "P-256",
                            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                            "kid": "20261126-1f2e3d4c",
                            "use": "sig",
                            "alg": "ES256",
                        }
                    ]
                }
            ]
        }
    )

    keys: list[Key] = Field(description="The one that signs first.")


def _form(description: str, fields: dict[str, str], required: list[str]) -> dict[str, Any]:
    """A form as OpenAPI describes it."""
    return {
        "requestBody": {
            "description": description,
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": required,
                        "properties": {
                            name: {"type": "string", "description": words}
                            for name, words in fields.items()
                        },
                    }
                }
            },
        }
    }


_CLIENT = {
    "client_id": f"Where it is not in Basic; people's programs: {OWN_PROGRAM}.",
    "client_secret": "Where it is not in Basic.",
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "invalid_request, invalid_grant, invalid_scope, ..."},
    401: {"model": OAuthError, "description": "invalid_client"},
    429: {"model": OAuthError, "description": "Too many tries: Retry-After says when."},
    503: {"model": OAuthError, "description": "Too many at once: Retry-After says when."},
    **problems(Code.NOT_FOUND, database=False),
}


@router.post(
    "/token",
    operation_id="create_token",
    summary="Get an access token",
    response_model=Token,
    responses=_REFUSALS,
    openapi_extra=_form(
        "OAuth 2: client credentials, refresh token, or password in the platform's own programs.",
        {
            "grant_type": "client_credentials, refresh_token or password",
            "scope": "What for, with spaces between; all there is where it is left out.",
            "refresh_token": "With refresh_token.",
            "username": "With password.",
            "password": "With password.",
            **_CLIENT,
        },
        ["grant_type"],
    ),
)
async def create_token(request: Request, services: App) -> JSONResponse:
    """Give out a token; whoever may have none is not told whether it was the name or the secret."""
    server = _server(services)
    form = await _read(request)
    if isinstance(form, Answer):
        return _told(form)
    if form.get("grant_type") not in GRANTS:
        return _told(_error(400, "unsupported_grant_type", f"grant_type is {', '.join(GRANTS)}."))
    account = _account(form)
    # Machines, and people who go on, do not wait behind whoever guesses passwords.
    turns = services.passwords if account is not None else None
    return await _tried(request, services, server.token, form, account, turns)


@router.post(
    "/revoke",
    operation_id="revoke_token",
    summary="Take a token back",
    response_model=Revoked,
    responses=_REFUSALS,
    openapi_extra=_form(
        "OAuth 2 token revocation. A refresh token ends the whole sign-in.",
        {"token": "The token.", "token_type_hint": "access_token or refresh_token", **_CLIENT},
        ["token"],
    ),
)
async def revoke_token(request: Request, services: App) -> JSONResponse:
    """Let a token be worth nothing; one that is none is revoked already."""
    server = _server(services)
    form = await _read(request)
    if isinstance(form, Answer):
        return _told(form)
    return await _tried(request, services, server.revoke, form, None, None)


@router.get(
    "/jwks",
    operation_id="list_signing_keys",
    summary="Keys that access tokens are signed with",
    responses=problems(Code.NOT_FOUND, database=False),
)
async def list_signing_keys(services: App) -> Keys:
    """List the public keys by which anybody can verify our access tokens."""
    return Keys(keys=[Key.model_validate(key) for key in _server(services).keys.described()])


async def _tried(
    request: Request,
    services: Services,
    asked: Callable[[dict[str, str], dict[str, str]], Answer],
    form: dict[str, str],
    account: str | None,
    turns: Turns | None,
) -> JSONResponse:
    """What the server of tokens answers, if whoever asks may try now."""
    try:
        async with attempt(request, services.throttle, account, turns) as tried:
            answer = await run_in_threadpool(asked, form, dict(_headers(request)))
            if answer.body.get("error") not in FAILURES:
                tried.forgive(signed_in=answer.status == HTTPStatus.OK)
    except NotAdmittedError as error:
        status = 429 if isinstance(error, TooManyTriesError) else 503
        return _told(
            _error(status, "temporarily_unavailable", str(error), retry_after=error.wait_s)
        )
    return _told(answer)


def _server(services: Services) -> Any:
    if services.authorization is None:
        raise ProblemError(
            code=Code.NOT_FOUND,
            detail="No tokens are given out here.",
            way_out="Where TELEMETRY_API_SIGN_IN is off nobody needs one; where an identity "
            "provider is set up, it gives them out.",
        )
    return services.authorization


async def _read(request: Request) -> dict[str, str] | Answer:
    """The form that was sent, each field once."""
    try:
        return await forms.read(request)
    except forms.FormError as error:
        return _error(error.status, "invalid_request", error.detail)


def _headers(request: Request) -> dict[str, str]:
    """What Authlib reads, if it can be read at all."""
    given = request.headers.get("authorization")
    if given is None or _basic(given) is None:
        return {}
    return {"Authorization": given}


def _basic(header: str) -> str | None:
    """The name in a Basic header; None: there is none, or not in text."""
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(coded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return None if "\0" in unquote(text) else unquote(text.partition(":")[0])


def _account(form: dict[str, str]) -> str | None:
    """Whose failures count together; a machine's secret cannot be guessed, and is not locked."""
    if form.get("grant_type") != "password":
        return None
    return form.get("username", "").strip().lower()[:200]


def _error(
    status: int, error: str, description: str, *, retry_after: float | None = None
) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(int(retry_after) + 1)}
    return Answer(
        status=status, body={"error": error, "error_description": description}, headers=headers
    )


def _told(answer: Answer) -> JSONResponse:
    return JSONResponse(
        answer.body,
        status_code=answer.status,
        headers={**answer.headers, "Cache-Control": "no-store", "Pragma": "no-cache"},
    )
