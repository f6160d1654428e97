"""The ledger added up: which transactions a charge point was told are stored, with their energy and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from simulator.clock import from_wire
from simulator.ledger import Record, TransactionKey


@dataclass(slots=True)
class BookedTransaction:
    """One transaction whose StartTransaction was answered.

    Attributes:
        key: Charge point and transaction id.
        connector_id: Where it ran.
        id_tag: Who started it.
        id_tag_status: What the charge point was told about the id tag.
        started_at: The charge point's time.
        meter_start_wh: The register at the start.
        begun_offline: Whether it began without a line to the central system.
        stopped_at: `None` until the StopTransaction was answered.
        meter_stop_wh: The same.
        reason: The same.
        sampled_at: The instants of all answered meter values, `transactionData` included.
    """

    key: TransactionKey
    connector_id: int
    id_tag: str
    id_tag_status: str | None
    started_at: datetime
    meter_start_wh: int
    begun_offline: bool
    stopped_at: datetime | None = None
    meter_stop_wh: int | None = None
    reason: str | None = None
    sampled_at: list[datetime] = field(default_factory=list)

    @property
    def energy_wh(self) -> int | None:
        """Energy of the transaction; `None` until its end was answered."""
        return None if self.meter_stop_wh is None else self.meter_stop_wh - self.meter_start_wh


@dataclass(slots=True)
class Book:
    """All that the charge points were told is stored.

    Attributes:
        transactions: By key, in the order of their answers.
        orphans: Answered stops and meter values of transactions whose start was never answered.
        dropped: Messages that used up their attempts.
        authorisations: Answers to Authorize, by status.
        commands: Answered commands, by action.
        others: Other answered messages, by action.
        repeated_ids: Starts that were answered with a transaction id that the charge point already had.
    """

    transactions: dict[TransactionKey, BookedTransaction] = field(default_factory=dict)
    orphans: list[Record] = field(default_factory=list)
    dropped: list[Record] = field(default_factory=list)
    authorisations: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    repeated_ids: list[TransactionKey] = field(default_factory=list)

    @property
    def energy_wh(self) -> int:
        """The energy of all ended transactions."""
        return sum(transaction.energy_wh or 0 for transaction in self.transactions.values())


def add_up(records: Iterable[Record]) -> Book:
    """Read the records, in their order, into one book."""
    book = Book()
    for record in records:
        match record["kind"]:
            case "start":
                _add_start(book, record)
            case "stop" | "meter_values":
                _add_to_transaction(book, record)
            case "dropped":
                book.dropped.append(record)
            case "authorisation":
                book.authorisations[str(record["status"])] += 1
            case "command":
                book.commands[str(record["action"])] += 1
            case _:
                book.others[str(record["action"])] += 1
    return book


def _key(record: Record) -> TransactionKey | None:
    number = record["transaction_id"]
    return TransactionKey(str(record["charge_point"]), number) if isinstance(number, int) else None


def _add_start(book: Book, record: Record) -> None:
    key = _key(record)
    if key is None:
        book.orphans.append(record)
        return
    if key in book.transactions:
        book.repeated_ids.append(key)
        return
    status = record["id_tag_status"]
    book.transactions[key] = BookedTransaction(
        key=key,
        connector_id=_integer(record["connector_id"]),
        id_tag=str(record["id_tag"]),
        id_tag_status=None if status is None else str(status),
        started_at=from_wire(str(record["timestamp"])),
        meter_start_wh=_integer(record["meter_start_wh"]),
        begun_offline=bool(record["begun_offline"]),
    )


def _add_to_transaction(book: Book, record: Record) -> None:
    key = _key(record)
    transaction = book.transactions.get(key) if key else None
    if transaction is None:
        book.orphans.append(record)
        return
    if record["kind"] == "stop":
        transaction.stopped_at = from_wire(str(record["timestamp"]))
        transaction.meter_stop_wh = _integer(record["meter_stop_wh"])
        transaction.reason = str(record["reason"])
    timestamps = record["data_timestamps" if record["kind"] == "stop" else "timestamps"]
    if isinstance(timestamps, list):
        transaction.sampled_at += [from_wire(str(timestamp)) for timestamp in timestamps]


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"the ledger holds {value!r} where a whole number belongs")
    return value
