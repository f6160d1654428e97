"""The judge's book, and what it adds up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulator.book import add_up
from simulator.ledger import Ledger, TransactionKey, of_kind, read_ledger
from simulator.transaction import MeterMessage, MeterValue, StartMessage, StopMessage, Transaction

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
SAMPLE = {"value": "1"}


def write(ledger: Ledger, number: int = 7, *, charge_point: str = "CP1", stop: bool = True) -> None:
    transaction = Transaction(1, "TAG", 1000, AT, transaction_id=number)
    ledger.acknowledged(charge_point, StartMessage(transaction), "Accepted")
    values = [MeterValue(AT + timedelta(seconds=second), [SAMPLE]) for second in (10, 20)]
    for value in values:
        ledger.acknowledged(charge_point, MeterMessage(transaction, [value]))
    if stop:
        message = StopMessage(transaction, 1500, AT + timedelta(seconds=30), "Local", "TAG", values[:1])
        ledger.acknowledged(charge_point, message)


def test_each_record_is_readable_at_once_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        write(ledger)
        assert [record["kind"] for record in read_ledger(path)] == ["start", "meter_values", "meter_values", "stop"]
        assert ledger.records == read_ledger(path)
    with path.open("a") as torn:
        torn.write('{"kind":"sta')
    assert len(read_ledger(path)) == 4


def test_ledger_appends_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for number in (1, 2):
        with Ledger(path) as ledger:
            write(ledger, number)
    assert len(of_kind(read_ledger(path), "start")) == 2


def test_book_adds_up_transactions_energy_and_samples() -> None:
    ledger = Ledger()
    write(ledger, 7)
    write(ledger, 8, stop=False)
    ledger.other("CP1", "Heartbeat")
    ledger.command("CP1", "Reset", "Accepted")
    book = add_up(ledger.records)
    ended, running = book.transactions.values()
    assert ended.key == TransactionKey("CP1", 7)
    assert (ended.energy_wh, ended.reason, ended.stopped_at) == (500, "Local", AT + timedelta(seconds=30))
    assert (running.energy_wh, running.stopped_at) == (None, None)
    assert book.energy_wh == 500
    assert len(ended.sampled_at) == 3
    assert (book.others["Heartbeat"], book.commands["Reset"]) == (1, 1)


def test_numbers_are_told_apart_by_charge_point_and_a_repeated_one_is_noticed() -> None:
    ledger = Ledger()
    write(ledger, 7, charge_point="CP1")
    write(ledger, 7, charge_point="CP2")
    write(ledger, 7, charge_point="CP2")
    book = add_up(ledger.records)
    assert len(book.transactions) == 2
    assert book.repeated_ids == [TransactionKey("CP2", 7)]


def test_dropped_messages_and_stops_without_a_start_are_kept_apart() -> None:
    ledger = Ledger()
    nameless = Transaction(1, "TAG", 1000, AT)
    start = StartMessage(nameless, attempts=3)
    ledger.dropped("CP1", start, "InternalError")
    ledger.acknowledged("CP1", StopMessage(nameless, 1100, AT, "Local", None, []))
    book = add_up(ledger.records)
    assert [record["attempts"] for record in book.dropped] == [3]
    assert [record["transaction_id"] for record in book.orphans] == [-1]
    assert not book.transactions
