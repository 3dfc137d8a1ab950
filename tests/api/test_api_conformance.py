"""Whatever is asked, by whomever: the answer is one that the OpenAPI document tells of.

schemathesis makes requests out of the document, good ones and bad ones; half of the good ones are
aimed at what there is, for a VIN made up at random is never one. `make fuzz-api` looks longer, and
elsewhere each time.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.settings import ApiSettings
from api.vehicles.streams import VehicleChange
from tests.asking.api_fixture import UNREACHABLE
from tests.asking.patience import PATIENCE_S
from tests.worlds.access_things import SPARE_VIN
from tests.worlds.access_world import CALLERS
from tests.worlds.behaviour_world import SPAN
from tests.worlds.served_fuel_world import piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds.access_world import AccessWorld

EXAMPLES = int(os.environ.get("TELEMETRY_FUZZ_EXAMPLES", "0"))
"""Requests of each kind to each address; 0: the few of a test run, always the same ones."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

DOCUMENT = create_app(ApiSettings(), SecretStr(UNREACHABLE)).openapi()
for _operations in DOCUMENT["paths"].values():
    for _operation in _operations.values():
        _operation.pop("security", None)  # who asks is ours to say: no credentials are made up

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
PARAMETERS = {
    f"{method.upper()} {path}": {one["name"] for one in operation.get("parameters", [])}
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
OPERATIONS: dict[str, Any] = {
    one.label: one
    for one in (found.ok() for found in SCHEMA.get_all_operations())  # type: ignore[union-attr]
}
"""By method and path; a part of the document that is none would have raised."""

WITH_SOMETHING_TO_GET_WRONG = [
    label for label, one in OPERATIONS.items() if one.body or any(one.iter_parameters())
]

STREAM = "text/event-stream"

OFTEN = {
    "/accounts": ["administrator"] * 3,
    "/clients": ["administrator"] * 3,
    "/keys": ["administrator"] * 3,
    "/registers": ["maker", "owner", "administrator"],
    "/datasets": ["owner", "data_scientist"],
    "": ["maker", "owner", "service_provider"],
}
"""Who asks for what most, by a part of the address."""

FORMATS = (
    *[None] * 4,
    "text/csv",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "application/json; rfms=vehicles.v4.0",
)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.fixture(scope="module")
def aims(access_world: AccessWorld) -> list[dict[str, str]]:
    """What there is to ask about: own, foreign, unknown."""
    own, foreign, unknown = map(access_world.names, ("own", "foreign", "unknown"))
    return [own, own, own, own, own, foreign, unknown]


@pytest.fixture(scope="module")
def spare(access_world: AccessWorld) -> dict[str, str]:
    """What is the owner's and may be changed, sold and ended."""
    connection = access_world.database.connection
    number = access_world.trucks["own"].vehicle_id
    return access_world.names("ended") | {
        "advice_id": str(piece(connection, number, None, "speed", 3.0)),
        "vin": SPARE_VIN,
        "driver_id": access_world.names("colleague")["driver_id"],
    }


def explored(examples: int, few: int) -> settings:
    """How hard to look."""
    return settings(
        max_examples=examples or few,
        derandomize=examples == 0,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # every address has its own: no time to shrink
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_document_tells_of(
    access_world: AccessWorld,
    session: requests.Session,
    aims: list[dict[str, str]],
    spare: dict[str, str],
    label: str,
) -> None:
    operation = OPERATIONS[label]
    # Those who may ask most things come more often.
    often = next((who for path, who in OFTEN.items() if path in label), OFTEN[""])
    at = aims if label.startswith("GET") else [spare, spare, *aims[-1:]]

    @explored(EXAMPLES, 14)
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        caller=st.sampled_from((*often * 4, *CALLERS)),
        aim=st.sampled_from((None, *at)),
        accepted=st.sampled_from(FORMATS),
    )
    def ask(
        case: schemathesis.Case[Any], caller: str, aim: dict[str, str] | None, accepted: str | None
    ) -> None:
        if aim is not None:
            _aim(case, aim)
        headers = access_world.headers[caller] | ({} if accepted is None else {"Accept": accepted})
        _asked(access_world, session, case, headers)

    ask()


@pytest.mark.parametrize("label", WITH_SOMETHING_TO_GET_WRONG)
def test_what_the_document_forbids_is_refused(
    access_world: AccessWorld, session: requests.Session, label: str
) -> None:
    operation = OPERATIONS[label]
    often = next((who for path, who in OFTEN.items() if path in label), OFTEN[""])

    @explored(EXAMPLES, 8)
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        caller=st.sampled_from((*often * 2, "owner", "nobody")),
    )
    def ask(case: schemathesis.Case[Any], caller: str) -> None:
        headers = access_world.headers[caller]
        _asked(access_world, session, case, headers, negative_data_rejection)

    ask()


def _aim(case: schemathesis.Case[Any], names: dict[str, str]) -> None:
    """Let a request be about something that there is, and about a time in which there are data."""
    for name in names.keys() & case.path_parameters.keys():
        case.path_parameters[name] = names[name]
    if {"start", "end"} <= case.query.keys():
        case.query |= SPAN
    if "latestOnly" in PARAMETERS[case.operation.label]:
        case.query = {"starttime": "2026-01-01T00:00:00Z", "vin": names["vin"]}
    if "week" in case.query:
        case.query["week"] = "2026-W44"
    if "names" in case.query:
        case.query["names"] = "wheel_speed,latitude"
    for name, value in (("vin", "vin"), ("vins", "vin"), ("fleet", "fleet_id")):
        if name in case.query and name not in case.path_parameters:
            case.query[name] = names[value]
    case.query.pop("cursor", None)


def _asked(
    world: AccessWorld,
    session: requests.Session,
    case: schemathesis.Case[Any],
    headers: dict[str, str],
    *more: Any,
) -> None:
    """Ask, and check the answer; of a stream, its first event."""
    base = str(world.client.base_url)
    kwargs = case.as_transport_kwargs(base_url=base, headers=headers)
    answer = session.request(**kwargs, stream=True, timeout=PATIENCE_S)
    if answer.status_code == 200 and answer.headers["content-type"].startswith(STREAM):
        with answer:
            data = next(line for line in answer.iter_lines() if line.startswith(b"data: "))
        VehicleChange.model_validate_json(data.removeprefix(b"data: "))
        return
    if answer.status_code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        assert answer.json()["code"] == "too_large"  # before it was looked at: no address's own
        return
    case.validate_response(answer, checks=[*CHECKS, *more], transport_kwargs=kwargs)
