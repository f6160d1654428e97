"""The proof that the demo's check bites."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simulator.book import Book, add_up
from simulator.demo.commands import KINDS, CommandLog, Outcome
from simulator.demo.reconciliation import Reconciliation, Shown, ShownTransaction, SiteResult, reconcile
from simulator.ledger import Ledger
from simulator.transaction import MeterMessage, MeterValue, StartMessage, StopMessage, Transaction

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
COUNT = 4


@pytest.fixture
def book() -> Book:
    ledger = Ledger()
    for number in range(COUNT):
        begins = AT + timedelta(minutes=number)
        transaction = Transaction(1, "Tag", 1000 * number, begins, transaction_id=number)
        ledger.acknowledged("CP1", StartMessage(transaction), "Accepted")
        for second in (10, 20, 30):
            value = MeterValue(begins + timedelta(seconds=second), [{"value": "1"}])
            ledger.acknowledged("CP1", MeterMessage(transaction, [value]))
        stop = StopMessage(transaction, 1000 * number + 50, begins + timedelta(seconds=40), "Local", None, [])
        ledger.acknowledged("CP1", stop)
    return add_up(ledger.records)


def shown(book: Book) -> Shown:
    """A side that has everything, once."""
    return Shown(
        [
            ShownTransaction(
                booked.key,
                booked.connector_id,
                booked.id_tag.upper(),
                booked.started_at,
                booked.meter_start_wh,
                booked.stopped_at,
                booked.meter_stop_wh,
                booked.energy_wh,
            )
            for booked in book.transactions.values()
        ],
        Counter((booked.key, at) for booked in book.transactions.values() for at in booked.sampled_at),
    )


def result(book: Book, edge: Shown, cloud: Shown) -> SiteResult:
    return reconcile("library", book, edge, cloud)


def test_complete_books_agree(book: Book) -> None:
    site = result(book, shown(book), shown(book))
    assert site.agrees
    assert site.transactions == (COUNT, COUNT, COUNT)
    assert site.energy_wh == (200, 200, 200)
    assert not site.complaints()


@pytest.mark.parametrize("side", ["edge", "cloud", "both"])
def test_dropped_transaction_is_lost_once(book: Book, side: str) -> None:
    edge, cloud = shown(book), shown(book)
    for shelf in [edge] if side == "edge" else [cloud] if side == "cloud" else [edge, cloud]:
        shelf.transactions.pop(2)
    site = result(book, edge, cloud)
    assert (len(site.lost), site.doubled.total()) == (1, 0)
    assert Reconciliation([site]).lost == 1
    assert not site.agrees


def test_dropped_stop_is_lost_once(book: Book) -> None:
    cloud = shown(book)
    cloud.transactions[0] = replace(cloud.transactions[0], stopped_at=None, meter_stop_wh=None, energy_wh=None)
    site = result(book, shown(book), cloud)
    assert [what for what, _, _ in site.lost] == ["stop"]
    assert not site.agrees


def test_dropped_sample_is_lost_once(book: Book) -> None:
    cloud = shown(book)
    del cloud.samples[next(iter(cloud.samples))]
    site = result(book, shown(book), cloud)
    assert [what for what, _, _ in site.lost] == ["samples"]


@pytest.mark.parametrize("side", ["edge", "cloud", "both"])
def test_doubled_transaction_is_doubled_once(book: Book, side: str) -> None:
    edge, cloud = shown(book), shown(book)
    for shelf in [edge] if side == "edge" else [cloud] if side == "cloud" else [edge, cloud]:
        shelf.transactions.append(shelf.transactions[1])
    site = result(book, edge, cloud)
    assert (len(site.lost), site.doubled.total()) == (0, 1)
    assert Reconciliation([site]).doubled == 1
    assert not site.agrees


def test_same_start_under_two_numbers_is_doubled(book: Book) -> None:
    cloud = shown(book)
    first = cloud.transactions[0]
    cloud.transactions.append(replace(first, key=replace(first.key, transaction_id=999)))
    site = result(book, shown(book), cloud)
    assert site.doubled.total() == 1
    assert {key.transaction_id for key in site.extra} == {999}


def test_doubled_sample_is_doubled_once(book: Book) -> None:
    edge = shown(book)
    edge.samples[next(iter(edge.samples))] += 1
    assert result(book, edge, shown(book)).doubled.total() == 1


def test_two_samples_of_one_instant_are_two_records_and_a_third_is_one_too_many(book: Book) -> None:
    booked = next(iter(book.transactions.values()))
    booked.sampled_at.append(booked.sampled_at[-1])
    edge = shown(book)
    assert result(book, edge, shown(book)).agrees
    edge.samples[booked.key, booked.sampled_at[-1]] += 1
    assert result(book, edge, shown(book)).doubled.total() == 1
    edge.samples[booked.key, booked.sampled_at[-1]] -= 2
    one_of_two = result(book, edge, shown(book))
    assert (one_of_two.doubled.total(), len(one_of_two.lost)) == (0, 1)


def test_wrong_energy_disagrees_in_a_sentence(book: Book) -> None:
    cloud = shown(book)
    cloud.transactions[0] = replace(cloud.transactions[0], energy_wh=51)
    site = result(book, shown(book), cloud)
    assert not site.agrees
    assert site.complaints() == ["library: charge points count 200 Wh, edge 200, cloud 201"]


def test_transaction_that_no_charge_point_knows_is_extra(book: Book) -> None:
    edge = shown(book)
    stranger = replace(edge.transactions[0], key=replace(edge.transactions[0].key, transaction_id=77), connector_id=2)
    edge.transactions.append(stranger)
    site = result(book, edge, shown(book))
    assert not site.lost
    assert [key.transaction_id for key in site.extra] == [77]
    assert not site.agrees


def agreed_to(kind: str) -> Outcome:
    return Outcome(kind, "CP1", {"status": "Accepted"})


def test_command_log_wants_every_kind_answered() -> None:
    log = CommandLog([agreed_to(kind) for kind in KINDS[1:]])
    assert log.complaints() == [f"no charge point ever answered {KINDS[0]}"]
    log.outcomes.append(Outcome(KINDS[0], "CP1", None, "no answer in time"))
    assert (log.sent, log.succeeded, len(log.complaints())) == (len(KINDS), len(KINDS) - 1, 2)


def test_a_command_that_a_charge_point_rejects_has_not_succeeded() -> None:
    log = CommandLog([*map(agreed_to, KINDS), Outcome("reset", "CP1", {"status": "Rejected"})])
    assert (log.sent, log.succeeded) == (len(KINDS) + 1, len(KINDS))
    assert log.complaints() == ["reset to CP1 from the cloud: Rejected"]
