"""Secrets of webhooks: sealed for the database, and what signs with them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from api.webhooks import signing
from api.webhooks.settings import WebhookSettings
from api.webhooks.vault import SealedError, Vault, vault
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "A" * 43 + "=", "B" * 42 + "A="


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks specification.
    found = signing.signature(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_nobody_has_a_new_secret() -> None:
    made = {signing.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(one.startswith("whsec_") for one in made)


def test_what_is_sealed_opens_with_the_same_key_and_an_older_one() -> None:
    sealed = Vault([ONE], "here").seal("whsec_x")
    assert b"whsec" not in sealed
    assert Vault([ONE], "here").open(sealed) == "whsec_x"
    assert Vault([TWO, ONE], "here").open(sealed) == "whsec_x"


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealedError, match="same TELEMETRY_WEBHOOK_KEYS") as caught:
        Vault([TWO], "here").open(Vault([ONE], "here").seal("whsec_x"))
    assert "whsec_x" not in str(caught.value)


def test_a_file_of_keys_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = WebhookSettings(webhook_keys_file=tmp_path / "webhooks" / "keys")
    first, again = vault(settings), vault(settings)
    assert first is not None
    assert again is not None
    assert again.open(first.seal("whsec_x")) == "whsec_x"
    assert [one.name for one in (tmp_path / "webhooks").iterdir()] == ["keys"]
    mode = (tmp_path / "webhooks" / "keys").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_what_is_no_key_is_refused_without_being_told() -> None:
    with pytest.raises(SettingsError, match="TELEMETRY_WEBHOOK_KEYS holds no keys") as caught:
        vault(WebhookSettings.model_validate({"webhook_keys": "not a key"}))
    assert "not a key" not in str(caught.value)


def test_where_nothing_is_named_there_is_no_vault() -> None:
    assert vault(WebhookSettings()) is None


@pytest.mark.parametrize("text", ["everywhere", "10.0.0.0/33", "10.0.0.1/8"])
def test_networks_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate({"webhook_private_networks": text})
