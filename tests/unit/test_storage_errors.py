"""Errors that say what happened, where, and what to do."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from storage.errors import OffsetConflictError, StorageError, refusal_of


def test_a_refusal_names_what_was_refused_and_why() -> None:
    said = r"rows of group motion \(NumericValueOutOfRange\): out of range; line 2, column gear\."
    with pytest.raises(StorageError, match=said), refusal_of("rows of group motion"):
        raise errors.NumericValueOutOfRange("out of range\nline 2, column gear")


@pytest.mark.parametrize(
    "passing",
    [
        errors.AdminShutdown,
        errors.DeadlockDetected,
        errors.DiskFull,
        errors.IdleInTransactionSessionTimeout,
        errors.LockNotAvailable,
        errors.QueryCanceled,
        errors.ReadOnlySqlTransaction,
        errors.SerializationFailure,
        errors.TransactionTimeout,
    ],
)
def test_what_may_pass_by_itself_stays_what_it_is(passing: type[psycopg.Error]) -> None:
    with pytest.raises(passing), refusal_of("rows of group motion"):
        raise passing


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (17, "frames[3] does not stand at offset 17 in the database: another worker"),
        (0, "frames[3] does not stand at offset 0 in the database: another worker"),
        (None, "frames[3] has an offset in the database already, where none was expected"),
    ],
)
def test_a_conflict_says_where_the_partition_was_expected(expected: int | None, said: str) -> None:
    assert str(OffsetConflictError("frames", 3, expected)).startswith(said)
