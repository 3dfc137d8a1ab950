"""What a litre costs and emits: settings that those share who compute advice and who tell it."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DIESEL_CO2_KG_L = 2.64
"""Carbon dioxide of burning a litre of diesel, tank to wheel [kg/L]. [IPCC 2006 guidelines, vol. 2,
tables 1.2 and 1.4: 43.0 MJ/kg and 74.1 g/MJ; at 0.83 kg/L]"""


class FuelPrices(BaseSettings):
    """What a litre costs and emits, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    fuel_price: float = Field(
        default=7.5, ge=0, le=1e6, description="What a litre of fuel costs, in FUEL_CURRENCY."
    )
    fuel_currency: str = Field(
        default="CNY", pattern="^[A-Z]{3}$", description="The price's currency, as ISO 4217 has it."
    )
    fuel_co2_kg_l: float = Field(
        default=DIESEL_CO2_KG_L,
        ge=0,
        le=10,
        description="CO2 of burning a litre [kg]; that of diesel, tank to wheel.",
    )
