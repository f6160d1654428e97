"""Fills an edge's outbox quickly with what charge points would have told in many days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from contract.events import MeterValue, MeterValuesSampled, Sample, TransactionStarted, TransactionStopped
from edge.clock import Clock
from edge.store.outbox import Draft, Numbering, draft

SLICE = 5_000
CHARGE_POINTS = 20


class PastClock(Clock):
    """Stamps events as if they had been recorded then."""

    at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


def fill(database: Path, *, transactions: int, samples: int, days: float = 30.0) -> None:
    """Append transactions (two events of the ledger each) and meter values, spread over days that end now.

    Numbers and hashes are given by the edge's own `Numbering`. The edge must not run.
    """
    begin, identities = datetime.now(UTC) - timedelta(days=days), [uuid4() for _ in range(transactions)]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=OFF")
        step = timedelta(days=days) / max(transactions, samples)
        _write(connection, (_transaction(identities, n, begin + n * step) for n in range(transactions)), begin)
        _write(connection, (_sample(identities, n, samples, begin + n * step) for n in range(samples)), begin)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _write(connection: sqlite3.Connection, events: Iterator[tuple[Draft, ...]], begin: datetime) -> None:
    clock = PastClock()
    clock.at = begin
    while slice_ := list(islice(events, SLICE)):
        clock.at = datetime.fromisoformat(slice_[-1][-1].occurred_at)
        connection.execute("BEGIN")
        Numbering(clock, [one for several in slice_ for one in several]).write(connection)
        connection.execute("COMMIT")


def _transaction(identities: list[UUID], number: int, at: datetime) -> tuple[Draft, ...]:
    charge_point, id_tag = f"CP-{number % CHARGE_POINTS}", f"TAG-{number % 100}"
    start = TransactionStarted(
        transaction=identities[number],
        transaction_id=1_000 + number,
        charge_point=charge_point,
        connector_id=1,
        id_tag=id_tag,
        id_tag_status="Accepted",
        meter_start_wh=number * 1_000,
        started_at=at,
    )
    stop = TransactionStopped(
        transaction=identities[number],
        transaction_id=1_000 + number,
        charge_point=charge_point,
        connector_id=1,
        id_tag=id_tag,
        meter_stop_wh=number * 1_000 + 500,
        stopped_at=at + timedelta(minutes=30),
        reason="Local",
        energy_wh=500,
    )
    subject = f"charge-point/{charge_point}"
    return draft(start, subject=subject, occurred_at=at), draft(stop, subject=subject, occurred_at=at)


def _sample(identities: list[UUID], number: int, of: int, at: datetime) -> tuple[Draft, ...]:
    charge_point = f"CP-{number % CHARGE_POINTS}"
    energy = Sample(measurand="Energy.Active.Import.Register", value=str(number * 10), unit="Wh")
    power = Sample(measurand="Power.Active.Import", value=str(number % 11_000), unit="W")
    event = MeterValuesSampled(
        charge_point=charge_point,
        connector_id=1,
        transaction=identities[number * len(identities) // of],
        values=[MeterValue(sampled_at=at, samples=[energy, power])],
    )
    return (draft(event, subject=f"charge-point/{charge_point}", occurred_at=at),)
