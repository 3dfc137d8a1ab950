"""Vehicle identification numbers that look like the maker's: unique, and fixed by the seed."""

import zlib

from schemas.vin import CHECK_DIGIT_INDEX, check_digit_ok

_PLANTS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # ISO 3779 leaves out I, O and Q
_YEARS = "NPRST"  # model years 2022 to 2026 (GB 16735)
_UNCHECKED_EVERY = 4  # every fourth VIN leaves the check digit unused
MAX_VEHICLES = 1_000_000  # what six digits count


def make_vin(prefix: str, *, seed: int, index: int) -> str:
    """A VIN for vehicle `index` of the fleet `seed`.

    The last six characters count the vehicles, so no two of a fleet are alike; year and plant
    come from the seed. Most carry a valid check digit; every fourth has a `0` in its place, as
    real Chinese and European VINs often do.

    Args:
        prefix: The eight characters that name maker and type.
        seed: The fleet's seed.
        index: The vehicle's place in the fleet, 0 to 999,999.
    """
    spread = zlib.crc32(str(seed).encode())
    year = _YEARS[(spread + index) % len(_YEARS)]
    plant = _PLANTS[spread // 7 % len(_PLANTS)]
    tail = f"{year}{plant}{(spread + index) % MAX_VEHICLES:06d}"
    digits = "0" if index % _UNCHECKED_EVERY == _UNCHECKED_EVERY - 1 else "0123456789X"
    candidates = [f"{prefix[:CHECK_DIGIT_INDEX]}{digit}{tail}" for digit in digits]
    return next(filter(check_digit_ok, candidates), candidates[0])
