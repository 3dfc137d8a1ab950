from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from analytics.events.table import EVENT_COLUMNS
from analytics.fatigue import KINDS, FatigueError, driving_spans, fatigue_events
from analytics.samples import prepare
from schemas.time_zones import TimeZoneError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MONDAY = pd.Timestamp("2026-03-02", tz="UTC")


def spans(*hours: tuple[float, float], vehicle: str = "a") -> pd.DataFrame:
    """Spans of nothing but driving, from and to hours since Monday 00:00 UTC."""
    begin, end = np.array(hours, dtype=float).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "start_time": MONDAY + pd.to_timedelta(np.rint(begin * 3600), unit="s"),
            "end_time": MONDAY + pd.to_timedelta(np.rint(end * 3600), unit="s"),
            "driving_s": np.rint(end * 3600) - np.rint(begin * 3600),
            "vehicle": vehicle,
        }
    )


def kinds(table: pd.DataFrame) -> list[str]:
    return table["kind"].tolist()


def of_kind(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    return table[table["kind"] == kind]


def hours(times: pd.Series) -> list[float]:
    return ((times - MONDAY).dt.total_seconds() / 3600).round(6).tolist()


class TestChina:
    def test_four_hours_are_allowed_and_a_minute_more_is_not(self) -> None:
        assert kinds(fatigue_events(spans((8, 12)), "china")) == []
        assert kinds(fatigue_events(spans((8, 12 + 1 / 60)), "china")) == ["fatigue_china_4h"]

    def test_a_stop_of_twenty_minutes_ends_continuous_driving_and_one_of_nineteen_does_not(
        self,
    ) -> None:
        assert kinds(fatigue_events(spans((8, 11), (11 + 20 / 60, 14)), "china")) == []
        found = fatigue_events(spans((8, 11), (11 + 19 / 60, 14)), "china")
        assert kinds(found) == ["fatigue_china_4h"]
        # Six hours less the stop, which is no driving.
        assert found["peak"].iloc[0] == pytest.approx(6 - 19 / 60)

    def test_the_event_starts_where_the_fourth_hour_is_over_and_ends_with_the_driving(self) -> None:
        found = fatigue_events(spans((8, 11), (11.25, 13.5)), "china")
        # 3 h until 11:00, a stop of a quarter of an hour, the fourth hour over at 12:15.
        assert hours(found["start_time"]) == [12.25]
        assert hours(found["end_time"]) == [13.5]
        assert hours(found["window_start"]) == [8.0]
        assert found["limit"].tolist() == [4.0]

    def test_driving_two_vehicles_is_one_drivers_driving(self) -> None:
        both = pd.concat([spans((10.1, 13)), spans((8, 10), vehicle="b")])
        found = fatigue_events(both, "china")
        assert kinds(found) == ["fatigue_china_4h"]
        assert found["vehicle"].tolist() == ["a"]

    def test_vehicles_that_overlap_are_not_driven_at_once(self) -> None:
        both = pd.concat([spans((8, 11)), spans((9, 11.9), vehicle="b")])
        # From 8 to 11:54 are less than four hours, though both add up to more.
        assert kinds(fatigue_events(both, "china")) == []

    def test_far_beyond_the_limit_is_severe(self) -> None:
        lengths = (4.2, 4.5, 5.1)
        found = [fatigue_events(spans((8, 8 + long)), "china") for long in lengths]
        # Medium from 10 % beyond the limit on, 4.4 h, and high from 25 %, 5 h.
        assert [table["severity"].iloc[0] for table in found] == [1, 2, 3]

    def test_the_passenger_rules_are_for_passenger_transport_only(self) -> None:
        night_and_day = spans((14, 17), (17.5, 20.5), (21, 24))
        assert kinds(fatigue_events(night_and_day, "china")) == []
        found = fatigue_events(night_and_day, "china", passenger=True)
        assert kinds(found) == ["fatigue_china_24h"]
        # 9 h in all; 8 h are over an hour before the end.
        assert hours(found["start_time"]) == [23.0]
        assert found["peak"].iloc[0] == pytest.approx(9.0)

    def test_at_night_two_hours_on_end_are_the_limit_by_local_time(self) -> None:
        # 22:00 in Shanghai is 14:00 UTC: 1 h before it, 2 h 30 after.
        late = spans((13, 16.5))
        found = fatigue_events(late, "china", passenger=True, time_zone="Asia/Shanghai")
        assert kinds(found) == ["fatigue_china_night_2h"]
        assert found["peak"].iloc[0] == pytest.approx(2.5)
        assert hours(found["window_start"]) == [14.0]
        assert kinds(fatigue_events(late, "china", passenger=True, time_zone="UTC")) == []

    def test_eight_hours_are_counted_within_any_twenty_four(self) -> None:
        # 5 h in the evening, 4 h next morning: 9 h within 14 h, though 5 and 4 on their days.
        found = fatigue_events(
            spans((18, 20), (20.5, 23.5), (30, 32), (32.5, 34.5)), "china", passenger=True
        )
        assert "fatigue_china_24h" in kinds(found)

    def test_forty_four_hours_in_seven_days_are_the_limit(self) -> None:
        def week(days: int, each_h: float) -> pd.DataFrame:
            parts = [
                (24 * day + begin, 24 * day + begin + each_h / 2)
                for day in range(days)
                for begin in (6, 11)
            ]
            return spans(*parts)

        # 7 x 6.25 = 43.75 h, and 7 x 6.5 = 45.5 h: over on the seventh day only.
        assert kinds(fatigue_events(week(7, 6.25), "china", passenger=True)) == []
        found = fatigue_events(week(7, 6.5), "china", passenger=True)
        assert kinds(found) == ["fatigue_china_7d"]
        assert found["peak"].iloc[0] == pytest.approx(45.5)

    def test_too_much_every_day_is_an_event_every_day(self) -> None:
        days = [(24 * day + b, 24 * day + b + 3) for day in range(3) for b in (6, 10, 14)]
        found = fatigue_events(spans(*days), "china", passenger=True)
        # 9 h a day at the same hours are 9 h in any 24 h, never fewer.
        assert kinds(found) == ["fatigue_china_24h"] * 3


class TestEuropeanBreaks:
    def test_four_and_a_half_hours_need_three_quarters_of_an_hour(self) -> None:
        assert kinds(fatigue_events(spans((6, 10.5), (11.25, 15)), "eu")) == []
        found = fatigue_events(spans((6, 10.5), (11, 15)), "eu")
        assert kinds(found) == ["fatigue_eu_4h30"]
        assert hours(found["start_time"]) == [11.0]

    def test_a_quarter_and_then_half_an_hour_will_do_in_that_order_only(self) -> None:
        quarter_first = spans((6, 8), (8.25, 10), (10.5, 14))
        half_first = spans((6, 8), (8.5, 10), (10.25, 14))
        assert kinds(fatigue_events(quarter_first, "eu")) == []
        # After the half hour only a quarter was taken: 7 h 15 without a whole break.
        assert kinds(fatigue_events(half_first, "eu")) == ["fatigue_eu_4h30"]

    def test_after_a_split_break_both_parts_are_due_again(self) -> None:
        day = spans((6, 8), (8.25, 10), (10.5, 13), (13.5, 16))
        # From 10:30 on 5 h with half an hour in them, which is a first part only.
        found = fatigue_events(day, "eu")
        assert kinds(found) == ["fatigue_eu_4h30"]
        assert hours(found["window_start"]) == [10.5]


def worked_day(day: int, driven_h: float, begin_h: float = 6.0) -> list[tuple[float, float]]:
    """Two or three stretches of driving with breaks of an hour between."""
    found, left, at = [], driven_h, 24 * day + begin_h
    while left > 1e-9:
        stretch = min(left, 4.0)
        found.append((at, at + stretch))
        at += stretch + 1
        left -= stretch
    return found


class TestEuropeanDays:
    def test_nine_hours_a_day_and_ten_on_two_days_a_week_are_allowed(self) -> None:
        driven = [9.5, 10.0, 9.0, 9.25]
        week = spans(*[part for day, h in enumerate(driven) for part in worked_day(day, h)])
        found = fatigue_events(week, "eu")
        assert kinds(found) == ["fatigue_eu_daily"]
        # Thursday's 9 h 15: the two long days of the week were spent.
        assert found["limit"].tolist() == [9.0]
        assert found["peak"].iloc[0] == pytest.approx(9.25)

    def test_the_two_long_days_come_back_with_the_next_week(self) -> None:
        days = [*worked_day(4, 9.5), *worked_day(5, 9.5), *worked_day(7, 9.5)]
        assert kinds(fatigue_events(spans(*days), "eu")) == []

    def test_more_than_ten_hours_are_never_allowed(self) -> None:
        found = fatigue_events(spans(*worked_day(0, 10.5)), "eu")
        assert kinds(found) == ["fatigue_eu_daily"]
        assert found["limit"].tolist() == [10.0]

    def test_driving_through_midnight_is_one_day_until_the_rest(self) -> None:
        # 18:00 to 05:00 with breaks: 9 h of driving on two dates, then eleven hours of rest.
        night = spans((18, 22), (23, 27), (28, 29), (40, 44))
        assert kinds(fatigue_events(night, "eu")) == []

    def test_fifty_six_hours_a_week_are_the_limit(self) -> None:
        def week(hours_a_day: float) -> pd.DataFrame:
            return spans(*[part for day in range(6) for part in worked_day(day, hours_a_day)])

        # 6 x 9.3 = 55.8 h and 6 x 9.4 = 56.4 h; both spend more long days than there are.
        assert "fatigue_eu_weekly" not in kinds(fatigue_events(week(9.3), "eu"))
        found = of_kind(fatigue_events(week(9.4), "eu"), "fatigue_eu_weekly")
        assert found["peak"].tolist() == [pytest.approx(56.4)]

    def test_a_span_over_sunday_midnight_counts_in_both_weeks(self) -> None:
        first = [part for day in range(6) for part in worked_day(day, 9.0)]
        # 54 h and two of the four hours before Monday make 56: not above.
        over = spans(*first, (7 * 24 - 2, 7 * 24 + 2))
        assert "fatigue_eu_weekly" not in kinds(fatigue_events(over, "eu"))
        over = spans(*first, (7 * 24 - 2.5, 7 * 24 + 1.5))
        assert "fatigue_eu_weekly" in kinds(fatigue_events(over, "eu"))

    def test_ninety_hours_in_two_weeks_are_the_limit(self) -> None:
        def fortnight(hours_a_day: float) -> pd.DataFrame:
            days = [*range(6), *range(7, 13)]
            return spans(*[part for day in days for part in worked_day(day, hours_a_day)])

        # 12 x 7.5 = 90 h, which is allowed.
        assert kinds(fatigue_events(fortnight(7.5), "eu")) == []
        found = fatigue_events(fortnight(7.6), "eu")
        assert kinds(found) == ["fatigue_eu_fortnight"]
        assert found["peak"].iloc[0] == pytest.approx(91.2)


def long_days(days: Iterable[int], length_h: float) -> list[tuple[float, float]]:
    """Days from 5 o'clock on with four drives of 2 h and stops too short to be part of a rest."""
    begins = np.linspace(5, 5 + length_h - 2, 4)
    return [(24 * day + begin, 24 * day + begin + 2) for day in days for begin in begins.tolist()]


class TestEuropeanRest:
    def test_a_rest_may_be_shortened_to_nine_hours_three_times_between_weekly_rests(self) -> None:
        found = fatigue_events(spans(*long_days(range(5), 15)), "eu")
        # After Monday to Wednesday Thursday's is a fourth one, and Friday's a fifth.
        assert kinds(found) == ["fatigue_eu_rest"] * 2
        assert found["peak"].tolist() == [9.0, 9.0]
        assert found["limit"].tolist() == [11.0, 11.0]
        # 11 h before the 24 h from Thursday 05:00 are over.
        assert hours(found["start_time"])[0] == 3 * 24 + 5 + 24 - 11

    def test_less_than_nine_hours_are_never_enough(self) -> None:
        found = fatigue_events(spans(*long_days([0], 16), (29, 31)), "eu")
        assert kinds(found) == ["fatigue_eu_rest"]
        assert found["peak"].tolist() == [8.0]
        assert found["limit"].tolist() == [9.0]

    def test_three_hours_and_later_nine_are_a_full_rest(self) -> None:
        day = [(5, 7), (10, 12), (18, 20)]
        week = spans(*[(24 * d + begin, 24 * d + end) for d in range(6) for begin, end in day])
        assert kinds(fatigue_events(week, "eu")) == []

    def test_a_weekly_rest_gives_three_shortened_ones_again(self) -> None:
        week = long_days([0, 1, 2, 5, 6, 7], 15)
        assert kinds(fatigue_events(spans(*week), "eu")) == []

    def test_a_day_that_never_ends_is_found_each_day(self) -> None:
        awake = spans(*[(6 + 4 * n, 6 + 4 * n + 2) for n in range(13)])
        rests = of_kind(fatigue_events(awake, "eu"), "fatigue_eu_rest")
        # Two days of 24 h with stops of two hours; what comes after the last drive is rest.
        assert rests["peak"].tolist() == [2.0, 2.0]


class TestEvents:
    def test_the_table_is_that_of_events_and_every_kind_has_a_title(self) -> None:
        for table in (
            fatigue_events(spans((8, 13)), "china"),
            fatigue_events(spans((8, 9)), "china"),
        ):
            assert list(table) == [*EVENT_COLUMNS, "vehicle"]
            assert str(table["start_time"].dtype) == "datetime64[us, UTC]"
        assert all(kind.title_en and kind.title_zh and kind.unit == "h" for kind in KINDS.values())

    def test_nobody_is_judged_without_rules_and_wrong_rules_are_named(self) -> None:
        assert fatigue_events(spans((0, 20)), "none").empty
        with pytest.raises(FatigueError, match=r"No rules 'usa'.*china, eu, none"):
            fatigue_events(spans((0, 20)), "usa")
        with pytest.raises(TimeZoneError, match="Asia/Nowhere"):
            fatigue_events(spans((0, 2)), "china", passenger=True, time_zone="Asia/Nowhere")

    def test_a_driver_who_did_not_drive_broke_nothing(self) -> None:
        for rules in ("china", "eu", "none"):
            assert fatigue_events(spans(), rules, passenger=True).empty

    def test_the_order_of_spans_and_where_a_day_cuts_them_do_not_matter(self) -> None:
        whole = spans((20, 29), (30, 33))
        cut = spans((30, 33), (24, 29), (20, 24))
        for rules in ("china", "eu"):
            pd.testing.assert_frame_equal(fatigue_events(whole, rules), fatigue_events(cut, rules))


def speeds(seconds: int) -> NDArray[np.float64]:
    """About 60 km/h, never the same for long as a broken sensor's."""
    return 60.0 + 5.0 * np.sin(np.arange(seconds) / 20)


def rows(seconds: int, **signals: object) -> pd.DataFrame:
    index = pd.date_range(MONDAY, periods=seconds, freq="s").as_unit("us")
    return pd.DataFrame(signals, index=index, dtype=float)


class TestDrivingSpans:
    def test_stops_shorter_than_ten_minutes_stay_inside_and_are_no_driving(self) -> None:
        speed = speeds(3600)
        speed[600:1100] = 0.0
        found = driving_spans(prepare(rows(3600, wheel_speed=speed)))
        assert found["driving_s"].tolist() == [3100.0]

        speed[600:1300] = 0.0
        found = driving_spans(prepare(rows(3600, wheel_speed=speed)))
        assert found["driving_s"].tolist() == [600.0, 2300.0]
        assert hours(found["start_time"]) == [0.0, pytest.approx(1300 / 3600, abs=1e-6)]

    def test_a_red_light_is_driving(self) -> None:
        speed = speeds(600)
        speed[300:340] = 0.0
        assert driving_spans(prepare(rows(600, wheel_speed=speed)))["driving_s"].tolist() == [600]

    def test_the_tachograph_is_believed_before_the_wheels(self) -> None:
        state = np.full(1200, 2.0)
        state[:600] = 3.0
        found = driving_spans(
            prepare(rows(1200, wheel_speed=speeds(1200) / 10, driver1_working_state=state))
        )
        # A loader pushes the truck on, its driver works outside.
        assert found["driving_s"].tolist() == [600.0]

    def test_a_gap_in_the_data_is_a_stop_unless_the_odometer_moved_on(self) -> None:
        frame = rows(3600, wheel_speed=speeds(3600), odometer=1000 + np.arange(3600) / 60)
        parked = frame.copy()
        parked.loc[parked.index[2400:], "odometer"] -= 20.0
        for given, expected in ((frame, [2400.0]), (parked, [1200.0, 1200.0])):
            found = driving_spans(prepare(given.drop(given.index[1200:2400])))
            # Nobody knows what was driven in the gap: it is left out either way.
            assert found["driving_s"].tolist() == expected

    def test_nobody_knows_whether_there_was_a_stop_in_a_gap_of_more_than_two_hours(self) -> None:
        frame = rows(12_000, wheel_speed=speeds(12_000), odometer=1000 + np.arange(12_000) / 60)
        for gap_s, spans in ((7100, 1), (7300, 2)):
            cut = frame.drop(frame.index[1200 : 1200 + gap_s])
            assert len(driving_spans(prepare(cut))) == spans

    def test_what_another_drives_meanwhile_is_a_stop(self) -> None:
        drivers = pd.DataFrame(
            {
                "driver": ["A", "B", "A"],
                "first_row": [0, 1200, 2400],
                "stop_row": [1200, 2400, 3600],
            }
        )
        frame = rows(3600, wheel_speed=speeds(3600), odometer=1000 + np.arange(3600) / 60)
        found = driving_spans(prepare(frame), drivers)
        assert found["driver"].tolist() == ["A", "A", "B"]
        assert found["driving_s"].tolist() == [1200.0, 1200.0, 1200.0]

    def test_each_driver_has_spans_of_their_own(self) -> None:
        drivers = pd.DataFrame(
            {
                "driver": ["A", "B", None],
                "first_row": [0, 1000, 1500],
                "stop_row": [1000, 1400, 1800],
            }
        )
        found = driving_spans(prepare(rows(1800, wheel_speed=speeds(1800))), drivers)
        driven = {
            name or "": s for name, s in zip(found["driver"], found["driving_s"], strict=True)
        }
        assert driven == {"A": 1000.0, "B": 400.0, "": 300.0}

    def test_a_day_cut_in_two_gives_the_same_events(self) -> None:
        speed = speeds(5 * 3600)
        speed[7000:7900] = 0.0
        frame = rows(5 * 3600, wheel_speed=speed)
        whole = driving_spans(prepare(frame))
        halves = pd.concat(
            [driving_spans(prepare(frame[:8000])), driving_spans(prepare(frame[8000:]))]
        )
        events = [fatigue_events(t.assign(vehicle="a"), "china") for t in (whole, halves)]
        assert kinds(events[0]) == ["fatigue_china_4h"]
        assert events[0]["peak"].iloc[0] == pytest.approx(events[1]["peak"].iloc[0])

    def test_a_vehicle_that_stands_and_one_without_rows_have_no_spans(self) -> None:
        assert driving_spans(prepare(rows(900, wheel_speed=np.zeros(900)))).empty
        assert driving_spans(prepare(rows(0))).empty
