"""An Accept header takes version 4.0 of the resource it asks for, or is told 406."""

from __future__ import annotations

import pytest

from api.rfms.media import MAX_ACCEPT, Resource, is_acceptable


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/json; rfms=vehicles.v4.0",
        "Application/JSON;RFMS=Vehicles.V4.0",
        'application/json; rfms="vehicles.v4.0"',
        "application/json; rfms=vehicles.v3.0, application/json; rfms=vehicles.v4.0; q=0.5",
        "text/html, application/xml;q=0.9, */*;q=0.8",
        "application/json; charset=utf-8; rfms=vehicles.v4.0",
    ],
)
def test_these_are_answered(accept: str | None) -> None:
    assert is_acceptable(accept, Resource.VEHICLES)


@pytest.mark.parametrize(
    "accept",
    [
        "application/json; rfms=vehicles.v2.1",
        "application/json; rfms=vehicles.v3.0",
        "application/json; rfms=vehicles.v4",
        "application/json; rfms=vehicles.v5.0",
        "application/json; rfms=vehiclepositions.v4.0",
        "application/vnd.fmsstandard.com.Vehicles.v2.1+json",
        "application/xml",
        "text/*",
        "application/json;q=0",
        "*/*, application/json; rfms=vehicles.v4.0; q=0",
        "application/json;q=much",
        "json",
        ";;,",
        "*/*," * MAX_ACCEPT,
    ],
)
def test_these_are_not(accept: str) -> None:
    assert not is_acceptable(accept, Resource.VEHICLES)
