"""Values read as a person would write them, in either language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api import display
from api.language import CODES, Language, language, preferred
from api.signals.values import told
from schemas.catalogue import ValueType, default

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
ENGLISH, CHINESE = (language(code) for code in CODES)


def test_languages_have_the_same_texts_with_the_same_places() -> None:
    assert list(ENGLISH.texts) == list(CHINESE.texts)
    for key, english in ENGLISH.texts.items():
        places = {part.split("}")[0] for part in english.split("{")[1:]}
        assert places == {part.split("}")[0] for part in CHINESE.texts[key].split("{")[1:]}, key


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_every_text_says_something(text: Language) -> None:
    assert all(words.strip() for words in text.texts.values())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("ZH-cn", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=x,;;,", "en"),
    ],
)
def test_the_language_is_what_the_browser_likes_best(header: str, expected: str) -> None:
    assert preferred(header) == expected


@pytest.mark.parametrize(
    ("age", "english", "chinese"),
    [
        (timedelta(seconds=-5), "just now", "刚刚"),
        (timedelta(seconds=59), "just now", "刚刚"),
        (timedelta(minutes=1), "1 min ago", "1 分钟前"),
        (timedelta(minutes=59, seconds=59), "59 min ago", "59 分钟前"),
        (timedelta(hours=47), "47 h ago", "47 小时前"),
        (timedelta(hours=48), "2 d ago", "2 天前"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age: timedelta, english: str, chinese: str) -> None:
    assert display.ago(NOW - age, NOW, ENGLISH) == english
    assert display.ago(NOW - age, NOW, CHINESE) == chinese


@pytest.mark.parametrize(
    ("name", "stored", "english", "chinese"),
    [
        ("wheel_speed", 80.19999694824219, "80.20", "80.20"),
        ("odometer", 203_118.428, "203,118.43", "203,118.43"),
        ("latitude", 31.2304163, "31.23042", "31.23042"),
        ("coolant_temperature", 86.0, "86", "86"),
        ("engine_running", 1.0, "Yes", "是"),
        ("cruise_state", 1.0, "hold", "保持"),
        ("cruise_state", 9.0, "9", "9"),  # no code of this number
        ("gear_current", -1.0, "-1", "-1"),
        ("engine_starter_mode", 2.0, "active, gear engaged", "起动中已啮合"),
        ("pto_state", 10.0, "10", "10"),  # "10 and above" is no code
    ],
)
def test_a_value_reads_as_its_type(name: str, stored: float, english: str, chinese: str) -> None:
    signal = default().by_name[name]
    value = told(signal, stored)
    assert display.value(signal, value, ENGLISH) == english
    assert display.value(signal, value, CHINESE) == chinese


def test_both_languages_list_the_same_codes() -> None:
    for signal in default().signals:
        if signal.type is ValueType.SMALLINT and not signal.unit:
            english = display.label(signal.description_en).codes
            chinese = display.label(signal.description_zh).codes
            assert set(english) == set(chinese), signal.name


def test_every_signal_has_a_short_label_in_both_languages() -> None:
    for signal in default().signals:
        for text in (ENGLISH, CHINESE):
            label = display.label(display.description(signal, text)).text
            assert 1 <= len(label) <= 80, signal.name


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [(29, "0 min", "0 分钟"), (3540, "59 min", "59 分钟"), (3600, "1 h 00 min", "1 小时 00 分")],
)
def test_a_duration_is_hours_and_minutes(seconds: float, english: str, chinese: str) -> None:
    assert display.duration(seconds, ENGLISH) == english
    assert display.duration(seconds, CHINESE) == chinese
