"""Rows of advice told: filled in, in figures and on cards."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analytics.advice import KINDS, LANGUAGES, AdviceError, card, render, tell_result, tell_saved
from analytics.advice.numbers import Numbers
from analytics.advice.saved import LitresSaved
from tests.samples.advice_rows import EVERY, FACTS, row, told
from tests.samples.advice_weeks import COST


class TestFilledIn:
    @pytest.mark.parametrize(("language", "cause", "variant"), EVERY)
    def test_nothing_stays_open(self, language: str, cause: str, variant: int) -> None:
        found = told(cause, language, variant)
        whole = [found.title, found.sentence, found.detail or "", *found.saving, *found.caveats]
        for text in (*whole, card(row(cause, variant), language, currency="CNY", **COST).text):
            assert not re.search(r"[{}]|None|\bnan\b", text), text

    def test_english(self) -> None:
        found = told("idling", "en", 1)
        assert found.title == "Waiting with the engine on cost 18 L"
        assert found.sentence.startswith(
            "About 2.0% of this week's 1,200 L went into standing still"
        )
        assert found.detail == "All idling of the week together burnt 31 L."
        assert found.saving == ("18 L a week (12–25 L)", "¥137 at ¥7.50 a litre", "48 kg CO₂")
        assert (found.effort, found.confidence, found.audience) == (
            "Little. A turn of the key while you wait.",
            "fairly sure",
            "for the driver",
        )

    def test_chinese(self) -> None:
        found = told("idling", "zh", 0)
        assert found.title == "停车等待请熄火"
        assert found.sentence.startswith("本周发动机怠速9.5小时，其中约18升油本可省下。")
        assert found.saving == ("每周18升（12～25升）", "137元（按每升7.50元计）", "二氧化碳48公斤")

    def test_figures_stand_beside_the_texts(self) -> None:
        found = told("speed", "en")
        assert (found.litres, found.litres_low, found.litres_high) == (18.2, 12.4, 25.1)
        assert found.money == pytest.approx(136.5)
        assert (found.money_low, found.money_high) == pytest.approx((93.0, 188.25))
        assert found.co2_kg == pytest.approx(48.05, abs=0.01)

    @pytest.mark.parametrize("cause", [name for name in KINDS if KINDS[name].unit != "l"])
    def test_what_is_no_fuel_has_no_litres_no_money_and_no_co2(self, cause: str) -> None:
        found = told(cause, "en")
        assert (found.litres, found.money, found.co2_kg) == (None, None, None)
        assert found.value == 4.0
        assert len(found.saving) == 1

    def test_what_was_not_known_is_said(self) -> None:
        assert len(told("speed", "en").caveats) == 7
        facts = FACTS | {"missing": ["softness", "new_one"]}
        assert told("tyres", "en", facts=facts).caveats == (
            "How soft the tyres are on average is worked out from the litres.",
        )

    def test_json_is_read(self) -> None:
        assert "18 L" in told("speed", "en", facts='{"share_percent": 2.0}').title

    def test_a_language_cause_or_figure_that_is_none_is_named(self) -> None:
        with pytest.raises(AdviceError, match="No texts in 'fr': there are en, zh"):
            told("speed", "fr")
        with pytest.raises(AdviceError, match="no text on the cause 'rest'"):
            render(row("speed") | {"cause": "rest"}, "en", currency="CNY", **COST)
        with pytest.raises(AdviceError, match="on 'fault' lacks rise for its text"):
            told("fault", "en", facts={})


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "unit", "english", "chinese"),
        [
            (0.04, "l", "0.0 L", "0.0升"),
            (9.94, "l", "9.9 L", "9.9升"),
            (9.96, "l", "10 L", "10升"),
            (12345.6, "km", "12,346 km", "12,346公里"),
            (2.5, "percent", "2.5%", "2.5%"),
            (-0.01, "l", "0.0 L", "0.0升"),
            (-3.25, "l_per_100km", "−3.3 L/100 km", "−3.3升/百公里"),
            (1.25, "kw", "1.3 kW", "1.3千瓦"),
        ],
    )
    def test_amounts(self, value: float, unit: str, english: str, chinese: str) -> None:
        assert Numbers("en").amount(value, unit) == english
        assert Numbers("zh").amount(value, unit) == chinese

    def test_intervals_are_as_fine_as_their_larger_end(self) -> None:
        assert Numbers("en").span(4.4, 12.2, "l") == "4–12 L"
        assert Numbers("zh").span(1.24, 3.5, "l") == "1.2～3.5升"
        assert Numbers("en").span(-4.2, 6.1, "l") == "−4.2 to 6.1 L"
        assert Numbers("zh").span(-4.2, 6.1, "l") == "−4.2至6.1升"
        assert Numbers("en").span(7.01, 7.02, "l") == "7.0 L"

    def test_money(self) -> None:
        assert Numbers("en").money(1234.5, "CNY") == "¥1,235"
        assert Numbers("zh").money(7.5, "CNY") == "7.50元"
        assert Numbers("zh").money(80, "EUR") == "80欧元"
        assert Numbers("en").money(-5, "CHF") == "−CHF 5"

    def test_one_is_not_many(self) -> None:
        assert Numbers("en").count(1, "days") == "1 day"
        assert Numbers("en").count(3, "runs") == "3 trips"
        assert Numbers("zh").count(1, "runs") == "1趟"


class TestCard:
    def test_it_prints_what_evidence_and_saving(self) -> None:
        text = card(row("idling"), "en", currency="CNY", **COST).text
        assert text.splitlines()[:3] == [
            "Idling · Week of 2 Mar",
            "======================",
            "Engine off while you wait",
        ]
        assert "  - Mon 2 Mar 08:15, 400 km: 4.0 L\n" in text
        assert "  Fri  ████████████████████████ 8.0\n" in text
        assert "  Wed  0.0\n" in text
        assert "Effort: Little. A turn of the key while you wait.\n" in text

    def test_it_prints_chinese(self) -> None:
        text = card(row("idling"), "zh", currency="CNY", **COST).text
        assert "  - 周一 3月2日 08:15，400公里：4.0升\n" in text
        assert "难度：容易做到。等待时随手熄火即可。\n" in text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_line_is_wider_than_a_page(self, language: str) -> None:
        for cause in KINDS:
            for line in card(row(cause), language, currency="CNY", **COST).text.splitlines():
                # A sign that may not begin a line may stand beyond its end.
                wide = sum(2 if ord(sign) > 0x2E7F else 1 for sign in line)
                assert wide <= 72 + 4, line

    def test_a_part_of_unknown_distance_is_told_without(self) -> None:
        plain = row("idling")
        plain["evidence"]["parts"][0]["distance_km"] = None
        assert "  - Mon 2 Mar 08:15: 4.0 L\n" in card(plain, "en", currency="CNY", **COST).text


class TestWhatCameOfIt:
    RESULT: dict[str, Any] = {  # noqa: RUF012
        "weeks_before": 4,
        "weeks_after": 6,
        "saved_l_per_100km": 1.24,
        "low": 0.42,
        "high": 2.06,
        "saved_l": 124.0,
        "low_l": 42.0,
        "high_l": 206.0,
        "verdict": "helped",
    }

    def test_what_helped_is_told(self) -> None:
        assert tell_result(self.RESULT, "en") == (
            "It helped: 1.2 L/100 km less (0.4–2.1 L/100 km), 124 L since then (42–206 L)."
        )
        assert tell_result(self.RESULT, "zh") == (
            "有效果：降低1.2升/百公里（0.4～2.1升/百公里），至今省油124升（42～206升）。"
        )

    def test_what_became_worse_is_told_as_more(self) -> None:
        worse = self.RESULT | {
            "verdict": "worse",
            "saved_l_per_100km": -1.2,
            "low": -2.0,
            "high": -0.4,
        }
        assert tell_result(worse, "en") == (
            "It became more: 1.2 L/100 km more (0.4–2.0 L/100 km) over 6 weeks."
        )
        assert "增加1.2升/百公里（0.4～2.0升/百公里）" in tell_result(worse, "zh")

    def test_what_is_not_clear_is_told_as_that(self) -> None:
        unclear = self.RESULT | {"verdict": "no clear change", "low": -0.4, "high": 2.9}
        assert tell_result(unclear, "en") == (
            "No clear change so far: −1.2 L/100 km (−2.9 to 0.4 L/100 km) over 6 weeks."
        )

    def test_the_fleets_sum_is_told(self) -> None:
        def told_of(litres: float, low: float, high: float, results: int) -> tuple[str, str]:
            saved = LitresSaved(
                litres=litres,
                low_l=low,
                high_l=high,
                results=results,
                helped=results,
                unclear=0,
                worse=0,
            )
            english, chinese = (
                tell_saved(saved, language, currency="CNY", **COST) for language in LANGUAGES
            )
            return english, chinese

        assert told_of(1240, 900, 1580, 8) == (
            (
                "So far advice has spared 1,240 L (900–1,580 L), ¥9,300 and 3,274 kg CO₂,"
                " by 8 pieces of advice followed up."
            ),
            (
                "至今已省油1,240升（900～1,580升），折合9,300元，减排二氧化碳3,274公斤，"
                "依据8项建议的跟踪结果。"
            ),
        )
        assert told_of(10, -20, 40, 1)[0].startswith(
            "So far it is not clear whether fuel was spared"
        )
        assert told_of(0, 0, 0, 0)[1] == "尚无跟踪结果：建议发出后满两周才能评估。"
