"""Every text of advice, in both languages: whole, and nothing that could hurt anybody."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from analytics.advice import KINDS, LANGUAGES, card
from analytics.advice.figures import PLACEHOLDERS, names_in
from analytics.advice.kinds import OF_FUEL
from analytics.advice.texts import texts
from tests.samples.advice_rows import EVERY, FACTS, row, told
from tests.samples.advice_weeks import COST

FORBIDDEN = {
    "en": (
        # Out of gear, engine off while rolling.
        r"neutral",
        r"out of gear|disengage the (gear|clutch)|clutch (in|down)",
        r"(switch|turn) (it|the engine) off .*(downhill|rolling|moving|while driving)",
        # Too near, too fast, too hard.
        r"tailgat|slipstream|draft(ing)? behind|close(r)? (behind|to the (truck|vehicle|car))",
        r"(less|shorter|smaller) (distance|gap)",
        r"brake (harder|later|less hard|sharply)|avoid brak|do not brake|don't brake|never brake",
        r"(drive|go|be|get there) faster|speed up|make up (for lost )?time|hurry up",
        r"(above|over|beyond|exceed\w*) the (speed )?limit(?! was)",
        r"momentum|run (the|a) (red|amber|yellow)|before (it|the light) turns",
        r"overtak",
        # Too much, too long, too tired.
        r"overload|above the permitted|more than the permitted",
        r"(skip|shorten|postpone|split|cut|delay) \w*\s?\w*\s?(rest|break|pause)",
        r"(longer|more) (hours|driving time)|at night|night[- ](driv|trip|shift)",
        # What must not be touched.
        r"(disable|bypass|remove|delete|defeat) ",
        r"(over-?inflat|above the maker's figure|more pressure than)",
        r"phone|without (a )?seat ?belt|hands off",
        r"adblue|urea|reagent|particulate filter off",
    ),
    "zh": (
        r"空挡|空档|脱挡|摘挡|熄火滑行|踩(下|住)?离合",
        r"跟紧|紧跟|贴近前车|缩(短|小).{0,4}(车距|距离)|借(前车|大车)(的)?(风|尾流)",
        r"(重|猛|急)踩刹车(?!。)(?!，本周)|晚(点|一点)?(刹|制动)|(别|不要|少|避免)制动|不踩刹车",
        r"(开|跑)快|加快车速|提高车速|提速|赶时间|抢(黄灯|红灯|时间|道)|闯",
        r"超过限速|高于限速|超车",
        r"超载|超限|多拉快跑|超过核定",
        r"(缩短|减少|推迟|跳过|取消|拆分|占用).{0,4}(休息|睡眠)|延长(驾驶|工作)时间|疲劳|夜间(行车|出车|驾驶|发车)",
        r"屏蔽|拆除|短接|关闭(尿素|后处理|报警|安全)|改装|刷(写|ECU)",
        r"高于(厂家|标准).{0,4}(胎压|规定)|充(得)?更足|打高",
        r"手机|不系安全带|双手离开",
        r"尿素|颗粒捕集",
    ),
}
"""What no text may say, as it stands or filled in."""

MUST_SAY = {
    ("coasting", "en"): r"in gear|gear engaged",
    ("coasting", "zh"): r"带挡",
    ("cruise", "en"): r"\bdry|weather allow",
    ("cruise", "zh"): r"干燥|天气允许",
    ("tyres", "en"): r"cold",
    ("tyres", "zh"): r"冷态",
    ("fault", "en"): r"workshop",
    ("fault", "zh"): r"进站|服务站",
    ("load_factor", "en"): r"permitted weight|bulky",
    ("load_factor", "zh"): r"核定载质量",
    ("idling", "en"): r"park|leave the cab",
    ("idling", "zh"): r"停稳|停车|下车|驻车",
    ("hours", "en"): r"rest times|break is due|usual hours",
    ("hours", "zh"): r"休息|正常工作时间",
    ("stops", "en"): r"rest|usual hours",
    ("stops", "zh"): r"休息|正常工作时间",
}
"""What every variant of a kind says, so that it is not misunderstood."""


def read(language: str) -> dict[str, Any]:
    path = files("analytics.advice") / "texts" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def leaves(values: Any, at: str = "") -> dict[str, str]:
    """Every text by its place."""
    if isinstance(values, str):
        return {at: values}
    items = values.items() if isinstance(values, dict) else enumerate(values)
    found: dict[str, str] = {}
    for key, value in items:
        found |= leaves(value, f"{at}/{key}")
    return found


class TestWhole:
    def test_all_languages_have_the_same_keys(self) -> None:
        english, chinese = (leaves(read(language)) for language in LANGUAGES)
        assert english.keys() == chinese.keys()
        assert set(read("en")["kind"]) == set(KINDS)

    def test_a_detail_or_text_is_empty_in_both_or_neither(self) -> None:
        english, chinese = (leaves(read(language)) for language in LANGUAGES)
        assert {at for at in english if not english[at]} == {
            at for at in chinese if not chinese[at]
        }

    @pytest.mark.parametrize("cause", KINDS)
    def test_every_kind_is_told_in_three_ways_or_more(self, cause: str) -> None:
        for language in LANGUAGES:
            ways = texts(language).kinds[cause].variants
            assert len(ways) >= 3
            assert len({way.title for way in ways} | {way.sentence for way in ways}) == 2 * len(
                ways
            )

    def test_placeholders_are_known_and_stand_for_the_same_in_both(self) -> None:
        english, chinese = (leaves(read(language)["kind"]) for language in LANGUAGES)
        for at, text in english.items():
            assert names_in(text) <= PLACEHOLDERS, at
            if at.endswith("/detail"):
                assert names_in(text) == names_in(chinese[at]), at
        for at, text in chinese.items():
            assert names_in(text) <= PLACEHOLDERS, at

    def test_other_placeholders_are_the_same_in_both(self) -> None:
        english, chinese = (leaves(read(language)) for language in LANGUAGES)
        for at, text in english.items():
            if not at.startswith(("/kind", "/verdict")):
                assert names_in(text) == names_in(chinese[at]), at

    def test_every_variant_names_litres_or_the_saving_somewhere(self) -> None:
        for language, cause, variant in EVERY:
            way = texts(language).kinds[cause].variants[variant]
            assert names_in(way.title + way.sentence) & {"litres", "range", "share", "value"}

    def test_tyres_auxiliaries_and_faults_name_their_figure_in_every_variant(self) -> None:
        for cause, name in (("tyres", "soft"), ("auxiliary", "kw"), ("fault", "rise")):
            for language in LANGUAGES:
                for way in texts(language).kinds[cause].variants:
                    assert name in names_in(way.title + way.sentence)

    def test_a_week_with_nothing_but_what_it_must_have_can_be_told(self) -> None:
        least = {
            "idling": ("idle_h",),
            "tyres": ("soft_percent",),
            "auxiliary": ("kw",),
            "fault": ("rise_percent",),
        }
        for language, cause, variant in EVERY:
            if cause not in OF_FUEL:
                continue
            facts = {name: FACTS[name] for name in ("share_percent", *least.get(cause, ()))}
            found = told(cause, language, variant, facts=facts, distance_km=None)
            assert found.detail is None
            assert found.caveats == ()


class TestSafe:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_text_says_what_could_hurt_or_is_unlawful(self, language: str) -> None:
        for at, text in leaves(read(language)).items():
            for pattern in FORBIDDEN[language]:
                assert not re.search(pattern, text, re.IGNORECASE), (at, pattern)

    @pytest.mark.parametrize(("language", "cause", "variant"), EVERY)
    def test_nor_does_any_card(self, language: str, cause: str, variant: int) -> None:
        text = card(row(cause, variant), language, currency="CNY", **COST).text
        for pattern in FORBIDDEN[language]:
            assert not re.search(pattern, text, re.IGNORECASE), pattern

    @pytest.mark.parametrize(
        ("language", "text"),
        [
            ("en", "Shift to neutral downhill."),
            ("en", "Drive closer behind the truck ahead."),
            ("en", "Skip the rest."),
            ("en", "Brake later."),
            ("en", "Drive faster to make up time."),
            ("zh", "下坡挂空挡。"),
            ("zh", "紧跟前车。"),
            ("zh", "减少休息时间。"),
            ("zh", "晚一点刹车。"),
            ("zh", "可以超载。"),
        ],
    )
    def test_the_scan_finds_what_it_is_for(self, language: str, text: str) -> None:
        assert any(re.search(pattern, text, re.IGNORECASE) for pattern in FORBIDDEN[language])

    @pytest.mark.parametrize(("cause", "language"), MUST_SAY)
    def test_what_might_be_misunderstood_is_said_in_full(self, cause: str, language: str) -> None:
        for way in texts(language).kinds[cause].variants:
            assert re.search(MUST_SAY[cause, language], f"{way.title} {way.sentence}"), way

    def test_chinese_has_no_western_signs_and_english_no_chinese_ones(self) -> None:
        for at, text in leaves(read("zh")).items():
            plain = re.sub(r"\{\w+\}", "", text)
            if not at.startswith("/time"):
                assert not re.search(r"[,;:!?()]", plain), (at, plain)
        for at, text in leaves(read("en")).items():
            assert not re.search(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", text), at
