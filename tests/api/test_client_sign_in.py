"""The client signs in by key or by tokens, which it renews in time, once for all that wait."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from api import identity as api_identity
from api.signing_in import tokens
from telemetry_client import NotAllowedError, NotFoundError, NotSignedInError, session
from tests.asking.client_fixture import EVERY_KIND, at_once, opened
from tests.worlds.identity_world import FOREIGN, VIN, World, world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers.database_fixture import Migrated

LIFETIME_S = 600
CALLS = 8


@pytest.fixture(scope="module")
def made(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(migrated, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def url(made: World) -> Iterator[str]:
    with made.serving(api_token_lifetime_s=LIFETIME_S) as http:
        yield str(http.base_url)


@pytest.fixture(autouse=True)
def _felt_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_identity, "REMEMBERED_S", 0.0)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were given out."""
    found: list[str] = []
    sign = tokens.SigningKeys.sign

    def noted(keys: tokens.SigningKeys, claims: Mapping[str, Any]) -> str:
        found.append(sign(keys, claims))
        return found[-1]

    monkeypatch.setattr(tokens.SigningKeys, "sign", noted)
    return found


def machine(made: World, *scopes: str) -> dict[str, str]:
    """A machine's name and secret."""
    client_id, secret = made.client(*scopes)
    return {"client_id": client_id, "client_secret": secret}


@EVERY_KIND
def test_a_key_and_a_machine_s_secret_open_what_is_theirs(
    made: World, url: str, kind: str, given: list[str]
) -> None:
    for options in ({"api_key": made.key().key}, machine(made)):
        with opened(kind, url, **options) as client:
            assert client.state(VIN).vin == VIN
            assert client.vehicles().index.tolist() == [VIN]
            with pytest.raises(NotFoundError):
                client.state(FOREIGN)
            with pytest.raises(NotAllowedError, match="audit:read"):
                client.audit("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    assert len(given) == 1


@EVERY_KIND
def test_a_token_may_be_for_less_than_all(made: World, url: str, kind: str) -> None:
    with opened(kind, url, **machine(made), scope="drivers:read") as client:
        assert len(client.drivers()) == 2
        with pytest.raises(NotAllowedError, match="vehicles:read"):
            client.state(VIN)


@EVERY_KIND
def test_who_is_not_known_is_told_so_at_once(made: World, url: str, kind: str) -> None:
    wrong = machine(made) | {"client_secret": "vts_wrong"}
    for options in ({}, {"api_key": "vtk_wrong"}, wrong):
        with opened(kind, url, **options) as client, pytest.raises(NotSignedInError):
            client.state(VIN)


@EVERY_KIND
def test_many_at_once_get_one_token(made: World, url: str, kind: str, given: list[str]) -> None:
    with opened(kind, url, **machine(made)) as client:
        found = at_once(client, *[lambda one: one.state(VIN)] * CALLS)
        assert [state.vin for state in found] == [VIN] * CALLS
        assert len(given) == 1


@EVERY_KIND
def test_a_token_is_renewed_before_it_expires(
    made: World, url: str, kind: str, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    with opened(kind, url, **machine(made)) as client:
        for passed[0], count in ((0, 1), (LIFETIME_S - 31, 1), (LIFETIME_S - 29, 2)):
            at_once(client, *[lambda one: one.state(VIN)] * CALLS)
            assert len(given) == count


@EVERY_KIND
def test_a_token_that_has_expired_all_the_same_is_renewed(
    made: World, url: str, kind: str, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(kind, url, **machine(made)) as client:
        client.state(VIN)
        # The server's clock runs ahead of ours, by more than tokens live.
        ahead = SimpleNamespace(time=lambda: time.time() + 2 * LIFETIME_S)
        monkeypatch.setattr(tokens, "time", ahead)
        assert client.state(VIN).vin == VIN
        assert len(given) == 2
        ahead.time = lambda: time.time() + 4 * LIFETIME_S
        changes = client.follow_vehicle(VIN)
        assert next(changes).vin == VIN
        changes.close()
        assert len(given) == 3
