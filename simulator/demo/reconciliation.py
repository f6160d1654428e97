"""Compares what the charge points were told is stored with what the edge and the cloud show. No I/O.

A record is an answered start, an answered stop, or the samples of one instant of a transaction. A transaction that a
side does not have at all counts as one lost record, not once more for its stop and each sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from simulator.book import Book, BookedTransaction
from simulator.ledger import TransactionKey

RecordName = tuple[str, TransactionKey, str]
"""What kind of record, whose, and which."""


@dataclass(frozen=True, slots=True)
class ShownTransaction:
    """A transaction as the edge or the cloud shows it."""

    key: TransactionKey
    connector_id: int | None
    id_tag: str | None
    started_at: datetime | None
    meter_start_wh: int | None
    stopped_at: datetime | None
    meter_stop_wh: int | None
    energy_wh: int | None

    @property
    def business_key(self) -> tuple[object, ...]:
        """What makes two reports of a start the same start, whatever number they were given."""
        tag = self.id_tag.casefold() if self.id_tag else None
        return (self.key.charge_point, self.connector_id, tag, self.started_at, self.meter_start_wh)


@dataclass(slots=True)
class Shown:
    """All that one side shows of one site.

    Attributes:
        transactions: One entry per row, doubles included.
        samples: How often the samples of each (transaction, instant) are there.
    """

    transactions: list[ShownTransaction] = field(default_factory=list)
    samples: Counter[tuple[TransactionKey, datetime]] = field(default_factory=Counter)

    @property
    def energy_wh(self) -> int:
        """The energy of all ended transactions."""
        return sum(transaction.energy_wh or 0 for transaction in self.transactions)


@dataclass(slots=True)
class SiteResult:
    """The table's row of one site, and what is wrong with it.

    Attributes:
        site: Its slug.
        transactions: Their number according to charge points, edge and cloud.
        energy_wh: The same for energy.
        lost: Records that the charge points were told are stored, and that edge or cloud does not have.
        doubled: Records that edge or cloud has more often than once, with how often too many.
        extra: Transactions at edge or cloud that no charge point knows of.
    """

    site: str
    transactions: tuple[int, int, int]
    energy_wh: tuple[int, int, int]
    lost: set[RecordName]
    doubled: Counter[RecordName]
    extra: set[TransactionKey]

    @property
    def agrees(self) -> bool:
        """Whether nothing is lost, doubled or different."""
        same = len(set(self.transactions)) == 1 and len(set(self.energy_wh)) == 1
        return same and not self.lost and not self.doubled and not self.extra

    def complaints(self) -> list[str]:
        """What disagrees, in plain sentences."""
        found = [
            f"{self.site}: {what} of {key.charge_point} transaction {key.transaction_id}{at} is lost"
            for what, key, at in sorted(self.lost, key=str)
        ]
        found += [
            f"{self.site}: {what} of {key.charge_point} transaction {key.transaction_id}{at} is there {times + 1} times"
            for (what, key, at), times in sorted(self.doubled.items(), key=str)
        ]
        found += [
            f"{self.site}: {key.charge_point} transaction {key.transaction_id} is shown, but no charge point was told"
            for key in sorted(self.extra, key=str)
        ]
        for what, (charge_points, edge, cloud) in (("transactions", self.transactions), ("Wh", self.energy_wh)):
            if not charge_points == edge == cloud:
                found.append(f"{self.site}: charge points count {charge_points} {what}, edge {edge}, cloud {cloud}")
        return found


def reconcile(site: str, book: Book, edge: Shown, cloud: Shown) -> SiteResult:
    """Hold the charge points' book against both sides."""
    keys = set(book.transactions)
    shown = {transaction.key for transaction in chain(edge.transactions, cloud.transactions)}
    return SiteResult(
        site=site,
        transactions=(len(book.transactions), len(edge.transactions), len(cloud.transactions)),
        energy_wh=(book.energy_wh, edge.energy_wh, cloud.energy_wh),
        lost=_lost(book, edge) | _lost(book, cloud),
        doubled=_doubled(book, edge) | _doubled(book, cloud),
        extra=shown - keys,
    )


def _lost(book: Book, side: Shown) -> set[RecordName]:
    by_key = {transaction.key: transaction for transaction in side.transactions}
    lost: set[RecordName] = set()
    for key, booked in book.transactions.items():
        found = by_key.get(key)
        if found is None or not _same_start(booked, found):
            lost.add(("start", key, ""))
            continue
        if booked.stopped_at is not None and (booked.stopped_at, booked.meter_stop_wh) != (
            found.stopped_at,
            found.meter_stop_wh,
        ):
            lost.add(("stop", key, ""))
        told = Counter(booked.sampled_at)
        lost.update(("samples", key, _at(at)) for at, times in told.items() if side.samples[key, at] < times)
    return lost


def _same_start(booked: BookedTransaction, found: ShownTransaction) -> bool:
    return (booked.started_at, booked.meter_start_wh, booked.connector_id) == (
        found.started_at,
        found.meter_start_wh,
        found.connector_id,
    )


def _doubled(book: Book, side: Shown) -> Counter[RecordName]:
    """What is there too often. A last sample may be of the same instant as the reading at the end: both are records."""
    told = Counter((key, at) for key, booked in book.transactions.items() for at in booked.sampled_at)
    doubled: Counter[RecordName] = Counter()
    keys: set[TransactionKey] = set()
    business_keys: set[tuple[object, ...]] = set()
    for transaction in side.transactions:
        if transaction.key in keys or transaction.business_key in business_keys:
            doubled["start", transaction.key, ""] += 1
        keys.add(transaction.key)
        business_keys.add(transaction.business_key)
    for (key, at), times in side.samples.items():
        if times > (once := max(told[key, at], 1)):
            doubled["samples", key, _at(at)] += times - once
    return doubled


def _at(instant: datetime) -> str:
    return f" at {instant.isoformat()}"


@dataclass(slots=True)
class Reconciliation:
    """All sites together."""

    sites: Sequence[SiteResult]

    @property
    def lost(self) -> int:
        """Records lost, over all sites."""
        return sum(len(site.lost) for site in self.sites)

    @property
    def doubled(self) -> int:
        """Records too many, over all sites."""
        return sum(site.doubled.total() for site in self.sites)

    @property
    def agrees(self) -> bool:
        """Whether every site agrees."""
        return all(site.agrees for site in self.sites)

    def complaints(self) -> Iterable[str]:
        """What disagrees, in plain sentences."""
        return chain.from_iterable(site.complaints() for site in self.sites)
