"""`/v1/webhooks`: what a party wants to be told, and where; messages have `deliveries`.

To be told is to read: whoever makes a webhook, or says where one goes, must be allowed to read what
it tells by asking.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api import cursors, paging
from api.codes import Code
from api.driving.events import Severity
from api.identity import Caller
from api.openapi import WRITING, problems
from api.parameters import no_parameters
from api.principal import Asking, Principal
from api.problems import ProblemError, invalid, missing_scope, unknown
from api.services import App, Services
from api.webhooks import signing
from api.webhooks.addresses import AddressError
from api.webhooks.kinds import require_known, scopes_of
from api.webhooks.models import (
    MAX_WEBHOOKS,
    ONE,
    PATH,
    ChangedWebhook,
    DisabledBy,
    MadeWebhook,
    NewSecret,
    NewWebhook,
    TextLanguage,
    Webhook,
    WebhookId,
    Webhooks,
    WebhooksQuery,
    WebhookSummary,
)
from api.webhooks.vault import Vault
from api.written import SecretRoute
from schemas.vin import VinError, check_vin
from storage.served_webhooks import StoredWebhook

_SEVERITIES = tuple(Severity)

router = APIRouter(tags=["webhooks"], route_class=SecretRoute)


@router.post(
    PATH,
    operation_id="create_webhook",
    summary="Make a webhook",
    status_code=HTTPStatus.CREATED,
    responses=problems(
        *WRITING,
        Code.INVALID_PARAMETER,
        Code.UNKNOWN_FLEET,
        Code.UNKNOWN_VEHICLE,
        Code.NAME_TAKEN,
        Code.TOO_MANY_WEBHOOKS,
        Code.WEBHOOKS_NOT_SET_UP,
    ),
    dependencies=[Depends(no_parameters)],
)
async def create_webhook(
    wanted: NewWebhook, services: App, who: Asking, response: Response
) -> MadeWebhook:
    """Be told of events and advice as they are found, from now on; tells the secret, once.

    It takes the scopes by which one reads the same: vehicles:read, and for advice advice:read.
    """
    vault = _vault(services)
    require_known(wanted.kinds)
    _require_scopes(who, wanted.kinds)
    _require_url(services, wanted.url)
    secret = signing.new_secret()
    written = await services.webhooks.create(
        who.party_id,
        name=wanted.name,
        url=wanted.url,
        kinds=wanted.kinds,
        least_severity=_SEVERITIES.index(wanted.severity) + 1,
        fleet_id=wanted.fleet_id,
        vins=_vins(wanted.vins),
        language=wanted.language,
        secret=vault.seal(secret),
        most=MAX_WEBHOOKS,
    )
    made = await services.webhooks.one(who.party_id, _written(written.webhook_id, written.refusal))
    response.headers["Location"] = f"{PATH}/{made.webhook_id}"
    return MadeWebhook(**dict(_summary(made)), secret=secret)


@router.get(
    PATH,
    operation_id="list_webhooks",
    summary="Your webhooks",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_webhooks(
    query: Annotated[WebhooksQuery, Query()], services: App, party: Principal
) -> Webhooks:
    """List your party's webhooks with how they do; never another party's, not even to the maker."""
    found = await services.webhooks.all(party, paging.number_after(query), query.limit + 1)
    return Webhooks(
        webhooks=[_summary(one) for one in found[: query.limit]],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].webhook_id),
        ),
    )


@router.get(
    ONE,
    operation_id="get_webhook",
    summary="A webhook",
    responses=problems(Code.UNKNOWN_WEBHOOK, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_webhook(webhook_id: WebhookId, services: App, party: Principal) -> Webhook:
    """Tell what a webhook is told of, and how it does; not its secret."""
    return _told(await services.webhooks.one(party, webhook_id))


@router.patch(
    ONE,
    operation_id="change_webhook",
    summary="Change a webhook, disable or enable it",
    responses=problems(
        *WRITING,
        Code.UNKNOWN_WEBHOOK,
        Code.INVALID_PARAMETER,
        Code.UNKNOWN_FLEET,
        Code.UNKNOWN_VEHICLE,
        Code.NAME_TAKEN,
    ),
    dependencies=[Depends(no_parameters)],
)
async def change_webhook(
    webhook_id: WebhookId, changed: ChangedWebhook, services: App, who: Asking
) -> Webhook:
    """Change some of it; one that was disabled because it failed is enabled again here.

    It takes the scopes by which one reads what it tells afterwards.
    """
    before = await services.webhooks.one(who.party_id, webhook_id)
    if changed.kinds is not None:
        require_known(changed.kinds)
    _require_scopes(who, changed.kinds or before.kinds)
    if changed.url is not None:
        _require_url(services, changed.url)
    given = changed.model_fields_set
    written = await services.webhooks.change(
        who.party_id,
        webhook_id,
        name=changed.name,
        url=changed.url,
        kinds=changed.kinds,
        least_severity=None
        if changed.severity is None
        else _SEVERITIES.index(changed.severity) + 1,
        fleet_given="fleet_id" in given,
        fleet_id=changed.fleet_id,
        vins_given="vins" in given,
        vins=_vins(changed.vins),
        language=changed.language,
        enabled=changed.enabled,
    )
    number = _written(written.webhook_id, written.refusal)
    return _told(await services.webhooks.one(who.party_id, number))


@router.delete(
    ONE,
    operation_id="delete_webhook",
    summary="Delete a webhook",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*WRITING, Code.UNKNOWN_WEBHOOK, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def delete_webhook(webhook_id: WebhookId, services: App, party: Principal) -> None:
    """Delete a webhook with all that waits for it."""
    await services.webhooks.delete(party, webhook_id)


@router.post(
    f"{ONE}/secret",
    operation_id="rotate_webhook_secret",
    summary="Give a webhook a new secret",
    responses=problems(
        *WRITING, Code.UNKNOWN_WEBHOOK, Code.INVALID_PARAMETER, Code.WEBHOOKS_NOT_SET_UP
    ),
    dependencies=[Depends(no_parameters)],
)
async def rotate_webhook_secret(
    webhook_id: WebhookId, services: App, party: Principal
) -> NewSecret:
    """Make a new secret; for a day messages carry a signature by the one before as well.

    Of two rotations within that day only the second one's predecessor goes on.
    """
    secret = signing.new_secret()
    rotated = await services.webhooks.rotate(
        party,
        webhook_id,
        _vault(services).seal(secret),
        services.settings.webhook_secret_overlap,
    )
    return NewSecret(secret=secret, old_secret_until=rotated.old_secret_until)


def _vault(services: Services) -> Vault:
    if services.vault is None:
        raise ProblemError(
            code=Code.WEBHOOKS_NOT_SET_UP,
            detail="There is no key here to keep a webhook's secret with.",
            way_out="Ask the operator to set TELEMETRY_WEBHOOK_KEYS (docs/webhooks.md).",
        )
    return services.vault


def _require_scopes(who: Caller, kinds: list[str]) -> None:
    for scope in scopes_of(kinds):
        if scope not in who.scopes:
            raise missing_scope(scope)


def _require_url(services: Services, url: str) -> None:
    try:
        services.webhook_rules.require_url(url)
    except AddressError as error:
        raise invalid("url", str(error), "Use an https address of a public host.") from error


def _vins(vins: list[str] | None) -> list[str] | None:
    for vin in vins or ():
        try:
            check_vin(vin)
        except VinError as error:
            raise unknown(Code.UNKNOWN_VEHICLE) from error
    return vins


def _written(webhook_id: int | None, refusal: str | None) -> int:
    if refusal == "name_taken":
        raise ProblemError(
            code=Code.NAME_TAKEN,
            detail="Another of your webhooks has this name.",
            way_out=f"Choose another name, or change that one: {PATH} lists them.",
        )
    if refusal == "too_many":
        raise ProblemError(
            code=Code.TOO_MANY_WEBHOOKS,
            detail=f"You have {MAX_WEBHOOKS} webhooks, as many as there may be.",
            way_out="Delete one, or let one take more kinds.",
        )
    if webhook_id is None:  # it was deleted meanwhile
        raise unknown(Code.UNKNOWN_WEBHOOK)
    return webhook_id


def _told(stored: StoredWebhook) -> Webhook:
    return Webhook(**dict(_summary(stored)))


def _summary(stored: StoredWebhook) -> WebhookSummary:
    return WebhookSummary(
        webhook_id=stored.webhook_id,
        name=stored.name,
        url=stored.url,
        kinds=stored.kinds,
        severity=_SEVERITIES[stored.least_severity - 1],
        fleet_id=stored.fleet_id,
        vins=stored.vins,
        language=TextLanguage(stored.language),
        enabled=stored.disabled_at is None,
        disabled_by=None if stored.disabled_by is None else DisabledBy(stored.disabled_by),
        disabled_at=stored.disabled_at,
        failures=stored.failures,
        failing_since=stored.failing_since,
        last_error=stored.last_error,
        last_success_at=stored.last_success_at,
        waiting=stored.waiting,
        created_at=stored.created_at,
        old_secret_until=stored.old_secret_until,
    )
