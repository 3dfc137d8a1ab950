"""What every page has: its language, who is signed in, where one may go, and problems as pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from analytics.advice.numbers import Numbers
from api import assets, display, language
from api.codes import Code
from api.pages import roles, wishes
from api.scopes import Role, Scope
from api.services import services_of
from api.signing_in import sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2.environment import TemplateModule
    from starlette.requests import Request

    from api.identity import Caller
    from api.language import Language
    from api.problems import ProblemError

PROGRAMS = ("/v1/", "/healthz", "/readyz", "/openapi.json", "/static/")
"""Addresses whose problems are never told as a page."""

SIGN_IN = "/sign-in"

MAX_ADDRESS = 1000
"""Characters of an address that is gone on to."""

_SIX_DAYS = timedelta(days=6)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **shown: object,
) -> Response:
    """A page.

    Args:
        request: what is answered.
        template: its file.
        status: the HTTP status.
        headers: further ones.
        shown: what the template shows.
    """
    text = language.chosen(request)
    now = datetime.now(tz=UTC)
    who: Caller | None = getattr(request.state, "caller", None)
    numbers = Numbers(text.code)
    wished = wishes.wishes(request)
    answer = HTMLResponse(
        _templates()
        .get_template(template)
        .render(
            t=text,
            asset=assets.address,
            now=now,
            html_language=language.HTML_CODES[text.code],
            languages=[(code, language.NAMES[code], _in(request, code)) for code in language.CODES],
            ago=lambda time: display.ago(time, now, text),
            duration=lambda seconds: display.duration(seconds, text),
            n=numbers,
            wished=wished,
            per_distance=lambda value: wished.consumption(value, numbers),
            span_of_days=lambda first: display.span_of_days(first, first + _SIX_DAYS, text),
            weekday=lambda day, short=False: display.weekday(day, text, short=short),
            path=request.url.path,
            here=_here(request),
            ways=roles.destinations_of(who),
            vehicle_page=roles.vehicle_page(who),
            account=_account(who, text),
            csrf=sessions.token(request),
            **shown,
        ),
        status_code=status,
        headers=headers,
    )
    wishes.keep(request, answer, wished)
    if request.query_params.get(language.PARAMETER) in language.CODES:
        answer.set_cookie(
            language.COOKIE,
            text.code,
            max_age=language.COOKIE_AGE_S,
            httponly=True,
            samesite="lax",
        )
    return answer


def problem_page(request: Request, problem: ProblemError) -> Response | None:
    """A problem as a page, where a person asked for one; who has to sign in is led there."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or request.url.path.startswith(PROGRAMS):
        return None
    if problem.code is Code.UNAUTHENTICATED and services_of(request).sessions is not None:
        return _to_sign_in(request)
    if problem.code is Code.MISSING_SCOPE and request.url.path == "/" and (home := _start(request)):
        return RedirectResponse(home, status_code=303)
    return page(
        request,
        "problem.html",
        status=problem.status,
        headers=dict(problem.headers),
        code=_told_as(problem, language.chosen(request).texts),
        help=_help(request, problem),
        may_pass="Retry-After" in problem.headers,
        home=_home(request),
    )


def _told_as(problem: ProblemError, texts: Mapping[str, str]) -> Code:
    """The code whose text a page shows: its own, or that of others like it.

    What is not ours to have done wrong is never told as if it were.
    """
    if f"problem_{problem.code}" in texts:
        return problem.code
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Code.INTERNAL
    if problem.status == HTTPStatus.NOT_FOUND:
        return Code.NOT_FOUND
    return Code.INVALID_PARAMETER


def _help(request: Request, problem: ProblemError) -> str:
    """The key of what to do about it: nobody is sent to himself."""
    texts = language.chosen(request).texts
    who: Caller | None = getattr(request.state, "caller", None)
    if problem.code is Code.MISSING_SCOPE and who is not None and who.role == Role.ADMINISTRATOR:
        return "problem_missing_scope_administrator"
    return f"problem_{_told_as(problem, texts)}_help"


def _home(request: Request) -> str:
    """The page to begin anew from: a driver's is his own."""
    who: Caller | None = getattr(request.state, "caller", None)
    if who is not None and who.driver_id is not None:
        return roles.own_page(who.driver_id)
    return _start(request) or "/vehicles"


def _start(request: Request) -> str | None:
    """Where a role begins that may not see the first page; None: nowhere else."""
    who: Caller | None = getattr(request.state, "caller", None)
    if who is None or Scope.VEHICLES_READ in who.scopes:
        return None
    ways = roles.destinations_of(who)
    return ways[0].address if ways and ways[0].address != "/" else None


def within(address: str) -> str:
    """An address of a page of ours to go on to; the first page in place of anything else."""
    is_page = address.startswith("/") and not address.startswith(("//", SIGN_IN, "/v1/"))
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if is_page and plain and len(address) <= MAX_ADDRESS else "/"


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path
    if request.method != "GET":
        wanted = "/"  # what was sent is not sent again
    elif request.url.query:
        wanted += f"?{request.url.query}"
    asked = {} if wanted == "/" else {"next": wanted}
    return RedirectResponse(f"{SIGN_IN}?{urlencode(asked)}" if asked else SIGN_IN, status_code=303)


def _account(who: Caller | None, text: Language) -> str | None:
    """The name of who is signed in in this browser."""
    kind, _, name = ("", "", "") if who is None else who.subject.partition(":")
    if kind == "oidc":  # who it is to the provider is no name
        return text("account_of_provider")
    return name if kind == "account" else None


def _here(request: Request) -> str:
    """The address of this page."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _in(request: Request, code: str) -> str:
    """The address of this page in another language."""
    parameters = {**request.query_params, language.PARAMETER: code}
    return f"{request.url.path}?{urlencode(parameters)}"


def macros(template: str) -> TemplateModule:
    """The macros of a template, for what is told a piece at a time."""
    return _templates().get_template(template).module


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
