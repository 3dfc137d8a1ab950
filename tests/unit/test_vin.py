"""VINs: the form is a rule, the check digit only a hint."""

import pytest

from schemas.errors import TelemetryError
from schemas.vin import VinError, check_digit_ok, check_vin


@pytest.mark.parametrize(
    "vin",
    [
        "1M8GDM9AXKP042788",  # check digit X
        "LFWSRXSJ9M1F00001",  # a Chinese maker's prefix, without a fitting check digit
        "YS2R4X20005399401",  # a European one
    ],
)
def test_a_vin_of_the_right_form_is_accepted(vin: str) -> None:
    check_vin(vin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1M8GDM9AXKP04278",  # 16 characters
        "1M8GDM9AXKP0427888",  # 18 characters
        "1M8GDM9AXKP04278O",  # O looks like 0
        "1M8GDM9AXKPI42788",  # I looks like 1
        "1M8GDM9AXKPQ42788",  # Q looks like 0
        "1m8gdm9axkp042788",  # lower case
        "1M8GDM9AXKP04278\n",
        "1M8GDM9AXKP04278８",  # a full-width digit
        "' OR 1=1; -- 0000",
    ],
)
def test_text_that_cannot_be_a_vin_is_refused(text: str) -> None:
    with pytest.raises(VinError, match="is no VIN") as caught:
        check_vin(text)
    assert isinstance(caught.value, TelemetryError)


def test_a_refusal_shows_no_more_than_a_glimpse_of_long_text() -> None:
    with pytest.raises(VinError) as caught:
        check_vin("A" * 100_000)
    assert len(str(caught.value)) < 200  # a line of a log


@pytest.mark.parametrize(
    ("vin", "fits"),
    [
        ("1M8GDM9AXKP042788", True),  # a well-known worked example of the rule
        ("11111111111111111", True),  # all ones: the weights add up to 89, and 89 mod 11 is 1
        ("1M8GDM9A1KP042788", False),  # the first one with another ninth character
        ("1M8GDM9AXKP042789", False),  # ... with another serial number
        ("LFWSRXSJ9M1F00001", False),
    ],
)
def test_the_check_digit_is_that_of_49_cfr_565(vin: str, fits: bool) -> None:
    assert check_digit_ok(vin) is fits


def test_a_check_digit_is_asked_of_a_vin_only() -> None:
    with pytest.raises(VinError):
        check_digit_ok("1M8GDM9AX")
