"""The vehicle identification number: what it may look like, and whether its check digit fits."""

import re

from schemas.errors import TelemetryError

VIN_LENGTH = 17  # characters; ISO 3779:2009

CHECK_DIGIT_INDEX = 8  # counted from 0; 49 CFR 565.15(c): the ninth character

# 49 CFR 565.15(c), table III: each letter's number. I, O and Q do not occur in a VIN.
_VALUES = {str(digit): digit for digit in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True)
)

# 49 CFR 565.15(c), table IV: each position's weight; the check digit's own is 0.
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

_VIN = re.compile(rf"[A-HJ-NPR-Z0-9]{{{VIN_LENGTH}}}", re.ASCII)


class VinError(TelemetryError):
    """Text that cannot be a VIN."""


def is_vin(text: str) -> bool:
    """Whether a text has the form of a VIN."""
    return _VIN.fullmatch(text) is not None


def check_vin(vin: str) -> None:
    """Refuse what is no VIN by its form: 17 of A-Z and 0-9 without I, O and Q (ISO 3779).

    Raises:
        VinError: the form is wrong; lower case is wrong, too, so that a vehicle has one spelling.
    """
    if not is_vin(vin):
        shown = vin if len(vin) <= 2 * VIN_LENGTH else f"{vin[: 2 * VIN_LENGTH]}..."
        raise VinError(
            f"{shown!r} is no VIN: send {VIN_LENGTH} of A-Z and 0-9 without I, O and Q, upper case"
        )


def check_digit_ok(vin: str) -> bool:
    """Whether the ninth character is the check digit of 49 CFR 565.15(c).

    Only North American (and some other) VINs keep this rule; Chinese and European ones often do
    without. So a misfit is worth a warning, never a refusal.

    Raises:
        VinError: `vin` has not the form of a VIN.
    """
    check_vin(vin)
    total = sum(_VALUES[char] * weight for char, weight in zip(vin, _WEIGHTS, strict=True))
    return vin[CHECK_DIGIT_INDEX] == "0123456789X"[total % 11]
