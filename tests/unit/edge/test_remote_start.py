from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.remote_start import GRACE, Outcome, is_fulfilled, patience

ASKED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE_AT = ASKED_AT + timedelta(seconds=90)
WITHIN, LATER = ASKED_AT + timedelta(seconds=40), DUE_AT + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("reported", "waits_s"),
    [(None, 90), ("120", 150), ("1", 31), ("0", 90), ("-5", 90), ("60 s", 90), ("", 90), ("9" * 99, 90), ("²", 90)],
)
def test_a_transaction_has_the_connection_timeout_and_30_seconds_more(reported: str | None, waits_s: int) -> None:
    assert patience(reported, timedelta(seconds=60)) == timedelta(seconds=waits_s)


@pytest.mark.parametrize(
    ("outcome", "started_at", "believed", "fulfilled"),
    [
        (Outcome.ASKED, WITHIN, True, True),
        (Outcome.EXPECTED, WITHIN, True, True),
        (Outcome.EXPECTED, LATER, False, True),
        (Outcome.NO_TRANSACTION, WITHIN, True, True),
        (Outcome.NO_TRANSACTION, ASKED_AT - GRACE, True, True),
        (Outcome.NO_TRANSACTION, ASKED_AT - GRACE - timedelta(seconds=1), True, False),
        (Outcome.NO_TRANSACTION, LATER, True, False),
        (Outcome.NO_TRANSACTION, WITHIN, False, False),
        (Outcome.STARTED, WITHIN, True, False),
    ],
)
def test_a_start_that_arrives_is_the_expected_one_and_a_late_one_must_have_begun_in_time(
    outcome: Outcome,
    started_at: datetime,
    *,
    believed: bool,
    fulfilled: bool,
) -> None:
    assert is_fulfilled(outcome, ASKED_AT, DUE_AT, started_at, believed=believed) is fulfilled
