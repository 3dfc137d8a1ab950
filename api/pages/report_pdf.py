"""A report as PDF: A4, the font within, so that Chinese reads the same wherever it is opened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace
from pylopdf_fonts_zh_cn import sans_path

from analytics.advice.numbers import Numbers
from api.pages.report_csv import label
from schemas.time_zones import zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.fuel.consumption import Consumption
    from api.language import Language
    from api.pages.report import Part, Report

FONT = "sans"
INK, QUIET, LINE, ACCENT = (29, 34, 38), (100, 108, 115), (211, 207, 200), (11, 95, 102)
BAND = (250, 249, 247)
MARGIN = 16
"""Of a page [mm]."""

TEXT, SMALL, HEADING, TITLE, FIGURE = 9, 8, 12, 20, 16
"""Sizes [pt]."""

ABSENT = "–"


def written(report: Report, text: Language) -> bytes:
    """The file.

    Args:
        report: what it tells.
        text: its language.
    """
    sheet = _Sheet(report, text)
    sheet.head()
    if report.total is None or report.total.fuel_l is None:
        sheet.say(text("report_nothing"))
    else:
        sheet.sums(report.total)
        for part in report.parts:
            if part.rows:
                sheet.rows(part)
        sheet.causes()
    return bytes(sheet.output())


class _Sheet(FPDF):
    """The paper, and how each piece is put on it."""

    def __init__(self, report: Report, text: Language) -> None:
        super().__init__(format="A4")
        self.report = report
        self.words = text
        self.numbers = Numbers(text.code)
        self.made_at = datetime.now(tz=UTC).astimezone(zone(report.time_zone))
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, margin=MARGIN + 6)
        self.add_font(FONT, fname=sans_path())
        self.set_font(FONT, size=TEXT)
        self.set_title(f"{report.name} {report.period.key}")
        self.set_lang("zh-CN" if text.code == "zh" else "en")
        self.add_page()

    def footer(self) -> None:
        """Who made it and when, and which page it is."""
        self.set_y(-MARGIN)
        self._ink(QUIET, SMALL)
        made = f"{self.words('product')} · {self.made_at:%Y-%m-%d %H:%M}"
        self.cell(w=self.epw / 2, text=f"{made} {self.report.time_zone}")
        self.cell(w=self.epw / 2, text=f"{self.page_no()} / {{nb}}", align="R")

    def head(self) -> None:
        """Of whom and of when."""
        period = self.report.period
        self._ink(ACCENT, TEXT)
        kind = self.words("report_month" if period.is_month else "report_week")
        self.cell(text=kind, new_x="LMARGIN", new_y="NEXT", h=6)
        self._ink(INK, TITLE)
        self.multi_cell(w=0, text=self.report.name, h=10, new_x="LMARGIN", new_y="NEXT")
        self._ink(QUIET, HEADING)
        key = "" if period.is_month else f" · {period.key}"
        self.cell(text=f"{period.title(self.words)}{key}", new_x="LMARGIN", new_y="NEXT", h=7)
        self.ln(4)

    def say(self, words: str) -> None:
        """A sentence."""
        self._ink(INK, HEADING)
        self.multi_cell(w=0, text=words, h=7, new_x="LMARGIN", new_y="NEXT")

    def sums(self, total: Consumption) -> None:
        """What it comes to, in one line, and how that compares."""
        figures = [
            (self.words("week_fuel"), self._amount(total.fuel_l, "l")),
            (self.words("week_cost"), self._money(total)),
            ("CO2", self._amount(total.co2_kg, "kg")),
            (self.words("trip_distance"), self._amount(total.distance_km, "km")),
            (self.words("trip_consumption"), self._amount(total.l_per_100km, "l_per_100km")),
        ]
        top, width = self.get_y(), self.epw / len(figures)
        self.set_fill_color(*BAND)
        self.rect(self.l_margin, top, self.epw, 19, style="F")
        for place, (name, figure) in enumerate(figures):
            left = self.l_margin + place * width + 3
            self.set_xy(left, top + 3)
            self._ink(QUIET, SMALL)
            self.cell(w=width - 4, text=name, h=4)
            self.set_xy(left, top + 8)
            self._ink(INK, FIGURE)
            self._fitting(figure, width - 4)
        self.set_xy(self.l_margin, top + 22)
        if total.expected is not None:
            expected = total.expected
            self._ink(INK, TEXT)
            told = self.words(
                "trip_expected",
                actual=self.numbers.amount(expected.actual_l, "l"),
                range=self.numbers.span(expected.low_l, expected.high_l, "l"),
            )
            self.multi_cell(w=0, text=told, h=5, new_x="LMARGIN", new_y="NEXT")

    def rows(self, part: Part) -> None:
        """A line for each vehicle, driver or day."""
        self._heading(self.words(f"report_by_{part.of}"))
        self._table(
            [
                self.words(f"report_of_{part.of}"),
                f"{self.words('trip_distance')} [km]",
                f"{self.words('week_fuel')} [L]",
                "L/100 km",
                f"{self.words('week_cost')} [{part.rows[0].fuel.currency}]",
                self.words("report_against"),
            ],
            [
                [
                    label(row, self.words),
                    self._plain(row.fuel.distance_km),
                    self._plain(row.fuel.fuel_l, 1),
                    self._plain(row.fuel.l_per_100km, 1),
                    self._plain(row.fuel.cost, 0),
                    against(row.fuel, self.numbers),
                ]
                for row in part.rows
            ],
            (30, 14, 13, 12, 14, 17),
        )
        if part.is_cut:
            self.say(self.words("report_cut", n=len(part.rows)))

    def causes(self) -> None:
        """Where the fuel went."""
        steps = self.report.waterfall
        if not steps:
            return
        self._heading(self.words("week_causes"))
        self._table(
            [self.words("waterfall_step"), "L", self.words("report_interval")],
            [
                [
                    self.words(f"cause_{step.name}"),
                    self.numbers.plain(step.value, digits=1),
                    ABSENT
                    if step.low is None or step.high is None
                    else self.numbers.span(step.low, step.high, "l"),
                ]
                for step in steps
            ],
            (50, 20, 30),
        )

    def _table(
        self, head: Sequence[str], lines: Sequence[Sequence[str]], widths: tuple[int, ...]
    ) -> None:
        self._ink(INK, TEXT)
        self.set_draw_color(*LINE)
        self.set_fill_color(255)
        with self.table(
            col_widths=widths,
            line_height=6,
            text_align=("LEFT", *["RIGHT"] * (len(head) - 1)),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="", color=QUIET),
            padding=(0, 1),
        ) as table:
            for line in (head, *lines):
                table.row(line)

    def _heading(self, words: str) -> None:
        self.ln(6)
        if self.will_page_break(24):  # no heading without a line under it
            self.add_page()
        self._ink(ACCENT, HEADING)
        self.cell(text=words, new_x="LMARGIN", new_y="NEXT", h=8)

    def _ink(self, color: tuple[int, int, int], size: float) -> None:
        self.set_text_color(*color)
        self.set_font(FONT, size=size)

    def _fitting(self, words: str, width: float) -> None:
        """Words, smaller if they are too long."""
        wide = self.get_string_width(words)
        if wide > width - 2 * self.c_margin:
            self.set_font_size(FIGURE * (width - 2 * self.c_margin) / wide)
        self.cell(w=width, text=words, h=7)

    def _amount(self, value: float | None, unit: str) -> str:
        if value is None:
            return ABSENT
        if unit == "l_per_100km":
            return f"{self.numbers.plain(value, digits=1)} L/100 km"
        return self.numbers.amount(value, unit)

    def _money(self, fuel: Consumption) -> str:
        return ABSENT if fuel.cost is None else self.numbers.money(fuel.cost, fuel.currency)

    def _plain(self, value: float | None, digits: int | None = None) -> str:
        return ABSENT if value is None else self.numbers.plain(value, digits=digits)


def against(fuel: Consumption, numbers: Numbers) -> str:
    """How much more than is usual."""
    ratio = None if fuel.expected is None else fuel.expected.ratio
    return ABSENT if ratio is None else numbers.amount(100 * (ratio - 1), "percent", signed=True)
