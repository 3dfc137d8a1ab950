"""`/sign-in` and `/sign-out`: people come in by name and password, or by a provider, and leave."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api import forms, language
from api.pages.render import MAX_ADDRESS, SIGN_IN, page, within
from api.problems import invalid, logger
from api.services import App, Services
from api.signing_in import provider_sign_in, sessions
from api.signing_in.attempts import NotAdmittedError, TooManyTriesError, attempt
from api.signing_in.identity_provider import ProviderUnreachableError
from api.signing_in.provider_sign_in import ProviderRefusedError
from api.signing_in.sessions import Sessions

MAX_NAME = 200
CALLBACK = f"{SIGN_IN}/callback"

router = APIRouter()

Next = Annotated[str, Query(max_length=MAX_ADDRESS)]


@router.api_route(SIGN_IN, methods=["GET", "HEAD"])
async def show_sign_in(request: Request, services: App, next: Next = "/") -> Response:  # noqa: A002 - the parameter's name
    """Show the form, or what is behind it where nobody signs in here."""
    if services.sessions is None:
        return _go("/")
    return _form(request, services, next)


@router.get(f"{SIGN_IN}/provider")
async def begin_at_provider(request: Request, services: App, next: Next = "/") -> Response:  # noqa: A002 - the parameter's name
    """Go to the identity provider; the browser keeps what the answer must fit."""
    if services.provider is None:
        return _go(SIGN_IN)
    begun = provider_sign_in.entering()
    try:
        address = await services.provider.address(begun, _callback(request))
    except ProviderUnreachableError:
        logger.exception("Nobody can sign in through the identity provider")
        return _form(request, services, next, fault="sign_in_provider_away")
    answer = _go(address)
    _remember(request, answer, f"{begun.cookie}|{quote(within(next), safe='')}")
    return answer


@router.get(CALLBACK)
async def come_back(request: Request, services: App) -> Response:
    """Sign in whom the provider has; the session that the browser had before ends."""
    browsers, provider = services.sessions, services.provider
    if browsers is None or provider is None:
        return _go(SIGN_IN)
    kept, _, following = request.cookies.get(_cookie(request), "").partition("|")
    begun, following = provider_sign_in.read(kept), unquote(following) or "/"
    fault, secret = "sign_in_provider_again", None
    if services.passwords.is_crowded:
        fault = "sign_in_busy"
    elif begun is not None:
        try:
            async with services.passwords:  # as dear as a password, and asked for by strangers
                who = await provider.completed(
                    begun, dict(request.query_params), _callback(request)
                )
            secret = await browsers.begin_of_provider(who)
            fault = "sign_in_provider_unknown"
        except ProviderRefusedError as error:
            logger.warning("A sign-in through the identity provider failed: %s", error)
        except ProviderUnreachableError:
            logger.exception("Nobody can sign in through the identity provider")
            fault = "sign_in_provider_away"
    if secret is None:
        answer = _form(request, services, following, fault=fault)
    else:
        before = sessions.carried(request)
        if before is not None:
            await browsers.end(before)
        answer = _go(within(following))
        sessions.keep(request, answer, secret, browsers.lifetime_s)
    _remember(request, answer, None)  # a sign-in is gone on with once
    return answer


def _callback(request: Request) -> str:
    return f"{sessions.origin(request)}{CALLBACK}"


def _cookie(request: Request) -> str:
    """The name of the cookie, which over https no other host can set."""
    name = provider_sign_in.COOKIE
    return name if sessions.is_plain(request) else f"__Host-{name}"


def _remember(request: Request, answer: Response, kept: str | None) -> None:
    answer.set_cookie(
        _cookie(request),
        kept or "",
        max_age=provider_sign_in.LIFETIME_S if kept else 0,
        path="/",
        secure=not sessions.is_plain(request),
        httponly=True,
        samesite="lax",
    )


@router.post(SIGN_IN)
async def sign_in(request: Request, services: App) -> Response:
    """Sign a person in; the session that the browser had before ends."""
    browsers = services.sessions
    if browsers is None or services.provider is not None:
        return _go("/")
    sessions.require_ours(request)
    form = await _read(request)
    name = form.get("name", "").strip().lower()[:MAX_NAME]
    following = form.get("next", "/")
    try:
        async with attempt(request, services.throttle, name, services.passwords) as tried:
            secret = await browsers.begin(name, form.get("password", ""))
            if secret is not None:
                tried.forgive(signed_in=True)
    except NotAdmittedError as error:
        fault = "sign_in_wait" if isinstance(error, TooManyTriesError) else "sign_in_busy"
        return _form(request, services, following, name, fault, wait_s=error.wait_s)
    if secret is None:
        return _form(request, services, following, name, "sign_in_wrong")
    before = sessions.carried(request)
    if before is not None:
        await browsers.end(before)
    answer = _go(within(following))
    sessions.keep(request, answer, secret, browsers.lifetime_s)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, services: App) -> Response:
    """End this browser's session, or everything that its person is signed in to."""
    session = sessions.carried(request)
    if services.sessions is None or session is None:
        return _go(SIGN_IN)
    await sessions.require_rightful(request)
    everywhere = "everywhere" in await _read(request)
    await _end(services, services.sessions, session, everywhere=everywhere)
    answer = _go(f"{SIGN_IN}?left={'everywhere' if everywhere else 'here'}")
    sessions.drop(request, answer)
    return answer


async def _end(
    services: Services, browsers: Sessions, session: sessions.Carried, *, everywhere: bool
) -> None:
    stored = await browsers.find(session)
    await browsers.end(session, everywhere=everywhere)
    if services.identifier is not None and stored is not None:
        services.identifier.forget(stored.subject)


def _form(
    request: Request,
    services: Services,
    following: str,
    name: str = "",
    fault: str | None = None,
    wait_s: float = 0,
) -> Response:
    status = HTTPStatus.OK
    headers = {}
    if wait_s:
        headers["Retry-After"] = str(int(wait_s) + 1)
        status = HTTPStatus.TOO_MANY_REQUESTS if fault == "sign_in_wait" else status
    if fault in {"sign_in_busy", "sign_in_provider_away"}:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if fault in {"sign_in_wrong", "sign_in_provider_again", "sign_in_provider_unknown"}:
        status = HTTPStatus.FORBIDDEN
    left = request.query_params.get("left")
    text = language.chosen(request)
    return page(
        request,
        "sign_in.html",
        status=status,
        headers=headers,
        name=name,
        following=within(following),
        provider=None if services.provider is None else services.settings.oidc_name,
        fault=fault,
        minutes=int(wait_s // 60) + 1,
        left=f"signed_out_{left}" if f"signed_out_{left}" in text.texts else None,
    )


async def _read(request: Request) -> dict[str, str]:
    try:
        return await forms.read(request)
    except forms.FormError as error:
        raise invalid("body", error.detail, "Send the form of /sign-in.") from error


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)
