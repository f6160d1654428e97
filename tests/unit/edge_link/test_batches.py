"""How large the next batch is, and which one is prepared while another is under way."""

from __future__ import annotations

import pytest

from contract.batch import MAX_BATCH_BYTES
from edge.sync.carrier import Conflict, TooLarge
from edge.sync.link import Greet, Prepare, Wait
from tests.unit.edge_link.test_delivery import METER, STATE, answer, commit, greet, make, push


def test_a_batch_doubles_up_to_what_the_cloud_takes() -> None:
    delivery = make(ledger=100_000)
    greet(delivery, answer(max_batch_events=3_500, max_batch_bytes=2_000_000))
    limits, cursor = [], 0
    for _ in range(5):
        batch = push(delivery)
        limits.append(batch.limit)
        assert batch.max_bytes <= 2_000_000
        cursor += batch.limit
        commit(delivery, batch, cursor)
    assert limits == [500, 1_000, 2_000, 3_500, 3_500]


def test_a_batch_that_was_too_much_once_grows_by_a_quarter() -> None:
    delivery = make(ledger=100_000)
    greet(delivery)
    delivery.push_failed(push(delivery).ticket, TooLarge("413"), 0.0)
    limits, cursor = [], 0
    for _ in range(4):
        batch = push(delivery)
        limits.append(batch.limit)
        cursor += batch.limit
        commit(delivery, batch, cursor)
    assert limits == [250, 312, 390, 487]


def test_too_large_halves_and_sends_at_once_until_one_event_is_left() -> None:
    delivery = make(ledger=300)
    greet(delivery)
    limits = []
    for _ in range(9):
        batch = push(delivery)
        limits.append(batch.limit)
        delivery.push_failed(batch.ticket, TooLarge("413"), 0.0)
    assert limits == [500, 150, 75, 37, 18, 9, 4, 2, 1]
    assert delivery.next(0.0) == Wait(0.5)


def test_while_a_batch_is_under_way_the_full_one_that_follows_it_is_prepared_once() -> None:
    delivery = make(meter=2_000, state=3)
    greet(delivery)
    assert push(delivery).stream is STATE
    batch = push(delivery)
    assert delivery.next(0.0) == Wait(None), "where the batch ends is not known yet"
    delivery.put_together(batch.ticket, 400)
    ahead = delivery.next(0.0)
    assert ahead == Prepare(METER, 400, 1_000, MAX_BATCH_BYTES)
    assert delivery.next(0.0) == Wait(None)
    commit(delivery, batch, 400)
    assert ahead.is_for(push(delivery))


@pytest.mark.parametrize(("head", "follows"), [(561, False), (562, True)])
def test_what_more_may_still_join_is_not_prepared(head: int, follows: bool) -> None:  # noqa: FBT001
    delivery = make(meter=head)
    greet(delivery)
    delivery.push_failed(push(delivery).ticket, TooLarge("413"), 0.0)
    batch = push(delivery)
    delivery.put_together(batch.ticket, 250)
    assert isinstance(delivery.next(0.0), Prepare) is follows


def test_a_batch_that_is_over_has_no_follower() -> None:
    delivery = make(meter=20_000)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, Conflict("409"), 0.0)
    delivery.put_together(batch.ticket, 500)
    assert isinstance(delivery.next(1.0), Greet)
