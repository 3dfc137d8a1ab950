"""Reports that have to see each other are not stored by one statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from storage.batch import ReportRow
from storage.report_writer import rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def report(second: int, span: tuple[int, int] | None, kind: str = "TIMER") -> ReportRow:
    return ReportRow(
        vehicle_id=1,
        created_time=EPOCH + timedelta(seconds=second),
        trigger_type=kind,
        values={},
        only_one_in=span
        and (EPOCH + timedelta(seconds=span[0]), EPOCH + timedelta(seconds=span[1])),
    )


def stored(reports: Sequence[ReportRow], known: Sequence[ReportRow]) -> list[ReportRow]:
    """What is stored of reports by a statement that sees what is known."""
    taken: dict[tuple[str, datetime], ReportRow] = {}
    keys = {(it.trigger_type, it.created_time) for it in known}
    for it in reports:
        span, key = it.only_one_in, (it.trigger_type, it.created_time)
        if key in keys or (
            span
            and any(
                other.trigger_type == it.trigger_type and span[0] <= other.created_time < span[1]
                for other in known
            )
        ):
            continue
        taken.setdefault(key, it)
    return list(taken.values())


spans = st.tuples(st.integers(0, 8), st.integers(1, 6)).map(lambda it: (it[0], sum(it)))
made = st.builds(report, st.integers(0, 12), st.none() | spans, st.sampled_from(["TIMER", "ALARM"]))


@given(st.lists(made, max_size=12))
def test_in_rounds_the_same_reports_are_stored_as_one_by_one(reports: list[ReportRow]) -> None:
    one_by_one: list[ReportRow] = []
    for it in reports:
        one_by_one += stored([it], one_by_one)
    together: list[ReportRow] = []
    for round_ in rounds(reports):
        together += stored(round_, together)
    assert {id(it) for it in together} == {id(it) for it in one_by_one}


def test_reports_that_do_not_meet_go_together() -> None:
    reports = [report(second, (second, second + 60)) for second in (0, 60, 120)]
    assert [list(round_) for round_ in rounds(reports)] == [reports]
