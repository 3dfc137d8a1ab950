"""The catalogue as a page for people: `docs/signals.md`, in English and Chinese."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from schemas.catalogue import Catalogue, Group
from schemas.signal import Kind, Origin, Signal, ValueType, number_text
from schemas.units import UNITS

_GROUP_TITLES = {
    "motion": "Motion · 行驶",
    "location": "Location · 位置",
    "powertrain": "Powertrain · 动力总成",
    "fuel_aftertreatment": "Fuel and aftertreatment · 燃油与后处理",
    "brakes_chassis": "Brakes and chassis · 制动与底盘",
    "body_electrics": "Body and electrics · 车身与电气",
    "counters": "Counters · 累计量",
}

_KINDS = {
    Kind.SAMPLE: (
        "a measurement: means, least and greatest values make sense",
        "测量值，可取均值、最小值和最大值",
    ),
    Kind.STATE: (
        "holds until it changes: switches, codes, set values, trip meters",
        "保持到下一次变化：开关、状态码、设定值、单程表",
    ),
    Kind.COUNTER: ("only ever grows: differences make sense", "只增不减的累计量，取差值"),
}

_TYPES = {
    ValueType.REAL: ("32-bit floating point", "单精度浮点"),
    ValueType.DOUBLE: ("64-bit floating point", "双精度浮点"),
    ValueType.SMALLINT: ("16-bit whole number", "16 位整数"),
    ValueType.INTEGER: ("32-bit whole number", "32 位整数"),
    ValueType.BIGINT: ("64-bit whole number", "64 位整数"),
    ValueType.BOOLEAN: ("0 or 1", "布尔量"),
}

_INTRODUCTION = """\
# Signals · 信号目录

Made from `schemas/catalogue.csv` by `telemetry catalogue docs`: edit that file, not this page.
本页由 `schemas/catalogue.csv` 生成，请修改该文件，不要直接修改本页。

Catalogue version {version}: {signals} signals in {groups} groups; {vss} have a path of COVESA VSS,
{overlay} one of our overlay (marked `+`), where VSS has none for trucks. The path names the signal;
type and unit are the ones given here, also where VSS counts in another unit. Values outside the
limits are stored as absent. An SPN that stands at several signals is one parameter sent for
several places (axles, tyres) or by several sources.

目录版本 {version}：共 {signals} 个信号，分 {groups} 组。其中 {vss} 个采用 COVESA VSS 路径，
{overlay} 个为自定义扩展路径（标 `+`），用于 VSS 尚未覆盖的商用车信号。
路径只用于标识信号，类型与单位以本页为准，即使 VSS 采用其他单位。超出限值的数据按缺失处理。
同一 SPN 对应多个信号时，表示不同位置（车轴、轮胎）或不同来源的同一参数。
"""


def signals_markdown(catalogue: Catalogue) -> str:
    """Render the whole page, ending in a newline."""
    origins = Counter(signal.origin for signal in catalogue.signals)
    parts = [
        _INTRODUCTION.format(
            version=catalogue.version,
            signals=len(catalogue.signals),
            groups=len(catalogue.groups),
            vss=origins[Origin.VSS],
            overlay=origins[Origin.OVERLAY],
        ),
        "## Kinds · 类别\n",
        _table(("kind", "meaning", "含义"), ((kind, *meaning) for kind, meaning in _KINDS.items())),
        "## Types · 数据类型\n",
        _table(("type", "meaning", "含义"), ((name, *meaning) for name, meaning in _TYPES.items())),
        "## Units · 单位\n",
        _table(
            ("unit", "meaning", "含义"),
            ((unit.symbol, unit.meaning_en, unit.meaning_zh) for unit in UNITS.values()),
        ),
        *(_section(group) for group in catalogue.groups.values()),
    ]
    return "\n".join(parts)


def _section(group: Group) -> str:
    heading = f"## {_GROUP_TITLES[group.name]}\n\n`{group.name}`: {len(group.signals)} signals\n\n"
    header = (
        "id",
        "name",
        "path",
        "kind",
        "type",
        "unit",
        "limits",
        "resolution",
        "period, s",
        "PGN",
        "SPN",
        "description",
        "说明",
    )
    return heading + _table(header, (_cells(signal) for signal in group.signals))


def _cells(signal: Signal) -> Sequence[str]:
    is_switch = signal.type is ValueType.BOOLEAN
    limits = f"{number_text(signal.minimum)} … {number_text(signal.maximum)}"
    return (
        str(signal.id),
        f"`{signal.name}`",
        f"`{signal.path}`{' +' if signal.origin is Origin.OVERLAY else ''}",
        signal.kind,
        signal.type,
        signal.unit,
        "" if is_switch else limits,
        "" if is_switch else number_text(signal.resolution),
        number_text(signal.period_s),
        "" if signal.pgn is None else str(signal.pgn),
        "" if signal.spn is None else str(signal.spn),
        signal.description_en,
        signal.description_zh,
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        yield _line(header)
        yield _line(["---"] * len(header))
        yield from (_line(row) for row in rows)

    return "\n".join(lines()) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
