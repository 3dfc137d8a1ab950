"""Weather and daylight where a truck is: season, hour, height and seeded showers."""

import numpy as np

from simulator.vehicle import Floats

LAPSE_K_M = 0.0065  # temperature lost with height, K/m (ICAO standard atmosphere)
SEA_LEVEL_KPA = 101.325  # ICAO standard atmosphere
GAS_CONSTANT = 287.05  # dry air, J/(kg·K)
PRESSURE_EXPONENT = 5.2559  # barometric formula (ICAO)
SHOWER_S = 3600  # a shower begins and ends on whole hours
SHOWER_SHARE = 0.09  # share of hours with rain
SECONDS_PER_YEAR = 365.2425 * 86_400


def ambient_c(utc_s: Floats, latitude: Floats, longitude: Floats, altitude_m: Floats) -> Floats:
    """Air temperature, °C: warmest in late July and at three in the afternoon of the sun's time."""
    season = -np.cos(2 * np.pi * (utc_s / SECONDS_PER_YEAR - 0.055))
    hour = (utc_s / 3600 + longitude / 15) % 24
    mean = 16.0 + 0.7 * (35.0 - latitude) + 13.0 * season * latitude / 35.0
    return mean + 4.5 * np.cos(2 * np.pi * (hour - 15.0) / 24) - LAPSE_K_M * altitude_m


def daylight(utc_s: Floats, latitude: Floats, longitude: Floats) -> Floats:
    """1 between sunrise and sunset, else 0."""
    season = -np.cos(2 * np.pi * (utc_s / SECONDS_PER_YEAR - 0.027))
    hour = (utc_s / 3600 + longitude / 15) % 24
    half_day_h = 6.0 + 1.15 * season * latitude / 35.0
    return np.asarray(np.abs(hour - 12.0) < half_day_h, dtype=np.float64)


def pressure_kpa(altitude_m: Floats) -> Floats:
    """Barometric pressure of the standard atmosphere, kPa."""
    return np.asarray(SEA_LEVEL_KPA * (1 - 2.25577e-5 * altitude_m) ** PRESSURE_EXPONENT)


def air_density_kg_m3(temperature_c: Floats, altitude_m: Floats) -> Floats:
    """Density of dry air, kg/m³."""
    return pressure_kpa(altitude_m) * 1e3 / (GAS_CONSTANT * (temperature_c + 273.15))


def rain(seed: int, road: np.ndarray, utc_s: int) -> Floats:
    """Intensity of rain on each of `road` in the hour of `utc_s`, 0 to 1."""
    hour = utc_s // SHOWER_S
    intensity = {}
    for number in np.unique(road).tolist():
        rng = np.random.default_rng([seed, 0x4A1, number, hour])
        intensity[number] = rng.uniform(0.15, 1.0) if rng.random() < SHOWER_SHARE else 0.0
    return np.array([intensity[number] for number in road.tolist()])
