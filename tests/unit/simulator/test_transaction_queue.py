"""The retry arithmetic of OCPP 1.6 ed. 2 §3.7.1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from simulator.transaction import MeterMessage, StartMessage, StopMessage, Transaction
from simulator.transaction_queue import TransactionQueue

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def transaction() -> Transaction:
    return Transaction(connector_id=1, id_tag="A", meter_start_wh=100, started_at=AT)


def filled(count: int) -> TransactionQueue:
    queue = TransactionQueue()
    for _ in range(count):
        queue.append(StartMessage(transaction()))
    return queue


def test_wait_is_the_interval_times_the_attempts_so_far() -> None:
    queue = filled(1)
    waits = [queue.fail(5, MINUTE) for _ in range(4)]
    assert waits == [MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE]


def test_three_attempts_at_a_minute_cover_three_minutes_then_the_message_is_dropped() -> None:
    queue = filled(2)
    second = list(queue)[1]
    covered = timedelta()
    while (wait := queue.fail(3, MINUTE)) is not None:
        covered += wait
    assert covered == 3 * MINUTE
    assert queue.head is second
    assert second.attempts == 0


def test_one_attempt_means_no_retry() -> None:
    queue = filled(1)
    assert queue.fail(1, MINUTE) is None
    assert queue.head is None


def test_failed_head_blocks_those_behind_it() -> None:
    queue = filled(3)
    head = queue.head
    queue.fail(9, MINUTE)
    assert queue.head is head
    assert queue.acknowledge() is head
    assert len(queue) == 2


def test_empty_queue_has_nothing_to_acknowledge() -> None:
    with pytest.raises(IndexError):
        TransactionQueue().acknowledge()


def test_messages_behind_an_unanswered_start_carry_the_number_that_its_answer_brings() -> None:
    about = transaction()
    stop = StopMessage(about, meter_stop_wh=200, stopped_at=AT, reason="Local", id_tag="A", values=[])
    sample = MeterMessage(about, [])
    assert stop.to_call().transaction_id == -1  # type: ignore[attr-defined]
    about.transaction_id = 77
    assert stop.to_call().transaction_id == 77  # type: ignore[attr-defined]
    assert sample.to_call().transaction_id == 77  # type: ignore[attr-defined]
