"""How long a topic holds a record at the most follows from its settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.kafka.retention import LOOKS_EVERY, held_by

DAY_MS = 86_400_000


def test_a_record_is_gone_after_retention_and_the_segment_it_lies_in() -> None:
    configs = {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * DAY_MS),
        "segment.ms": str(DAY_MS),
    }
    assert held_by("t", configs).at_most == timedelta(days=8) + LOOKS_EVERY


@pytest.mark.parametrize(
    "changed",
    [
        {"cleanup.policy": "compact"},
        {"retention.ms": "-1"},
        {"segment.ms": ""},
        {"retention.ms": str(2**63 - 1)},
    ],
)
def test_no_bound_is_told_where_there_is_none(changed: dict[str, str]) -> None:
    configs = {"cleanup.policy": "delete", "retention.ms": "1000", "segment.ms": "1000", **changed}
    assert held_by("t", configs).at_most is None


def test_a_topic_that_is_not_there_holds_nothing() -> None:
    assert not held_by("t", None).exists
