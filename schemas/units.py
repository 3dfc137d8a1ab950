"""The units a signal may have: one row a unit, and no signal may use another."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as the catalogue writes it, with its meaning for people."""

    symbol: str
    meaning_en: str
    meaning_zh: str


def _unit(symbol: str, meaning_en: str, meaning_zh: str) -> Unit:
    return Unit(symbol=symbol, meaning_en=meaning_en, meaning_zh=meaning_zh)


_UNITS = (
    _unit("%", "percent", "百分比"),
    _unit("rpm", "revolutions per minute", "转每分钟"),
    _unit("km/h", "kilometres per hour", "千米每小时"),
    _unit("m/s", "metres per second", "米每秒"),
    _unit("m/s²", "metres per second squared", "米每二次方秒"),
    _unit("deg", "degrees of angle", "度（角度）"),
    _unit("deg/s", "degrees per second", "度每秒"),
    _unit("m", "metres", "米"),
    _unit("km", "kilometres", "千米"),
    _unit("s", "seconds", "秒"),
    _unit("h", "hours", "小时"),
    _unit("d", "days", "天"),
    _unit("kg", "kilograms", "千克"),
    _unit("kg/h", "kilograms per hour", "千克每小时"),
    _unit("g/h", "grams per hour", "克每小时"),
    _unit("mg", "milligrams per injection stroke", "毫克每次喷射"),
    _unit("L", "litres", "升"),
    _unit("L/h", "litres per hour", "升每小时"),
    _unit("L/100km", "litres per 100 kilometres", "升每百公里"),
    _unit("km/L", "kilometres per litre", "千米每升"),
    _unit("°C", "degrees Celsius", "摄氏度"),
    _unit("kPa", "kilopascals", "千帕"),
    _unit("MPa", "megapascals", "兆帕"),
    _unit("Nm", "newton metres", "牛·米"),
    _unit("kW", "kilowatts", "千瓦"),
    _unit("V", "volts", "伏"),
    _unit("A", "amperes", "安"),
    _unit("ppm", "parts per million by volume", "百万分之一（体积比）"),
    _unit("dBm", "decibels relative to one milliwatt", "分贝毫瓦"),
    _unit("ratio", "a pure ratio, no dimension", "无量纲比值"),
    _unit("count", "a number of occurrences", "次数或个数"),
)

UNITS: Mapping[str, Unit] = MappingProxyType({unit.symbol: unit for unit in _UNITS})
"""Every unit by its symbol, in the order the documentation lists them."""
