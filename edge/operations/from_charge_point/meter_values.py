"""MeterValues (OCPP 1.6 ed. 2 §4.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from contract.events import MeterValuesSampled
from edge.domain import meter_values as readings
from edge.domain.meter_values import Reading, Readings
from edge.operations.from_charge_point import metered_transaction
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import meter_values, quarantine
from edge.store.meter_values import NOBODY
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

MOST_READINGS = 200
"""In one event: the data of a long transaction travel in several, none of them too large for the link."""


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep what can be read as meter values; the rest goes to quarantine. Answered `{}` always.

    Values that name no transaction are stored as they come; which transaction ran at their connector is found when
    somebody asks (`store.meter_values`).
    """
    payload = request.payload
    connector_id, named = payload.get("connectorId"), payload.get("transactionId")
    transaction, strangers = None, False
    if isinstance(named, int) and named > 0 and connector_id != 0:  # the main meter belongs to none (errata §3.16)
        transaction = metered_transaction.find(request, named, tx, now)
        strangers = transaction is None
    if not isinstance(connector_id, int):
        connector_id = transaction.connector_id if transaction is not None else None
    read = request.readings or readings.read(payload.get("meterValue"), now)
    record(request, tx, now, read, connector_id or 0, transaction, strangers=strangers)
    if transaction is not None:
        metered_transaction.learn(transaction, read.readings, tx, now, request.quirks)
    return {}


def record(
    request: Request,
    tx: WriteTx,
    now: datetime,
    read: Readings,
    connector_id: int,
    transaction: Transaction | None,
    *,
    strangers: bool = False,
    known: bool = False,
) -> None:
    """Store a `meterValue` or `transactionData` list and emit what was new of it.

    Args:
        request: whose message it came in.
        tx: the database transaction.
        now: the time of receipt.
        read: what could be read of the list.
        connector_id: 0 is the charge point's main meter.
        transaction: where the values belong; `None`: to none.
        strangers: they name a transaction that is not known, and are no other transaction's.
        known: leave out single samples that the transaction has already at the same instant.
    """
    for reason in read.rejected:
        quarantine.insert(tx.connection, request.charge_point, request.raw, reason, now)
    number = transaction.transaction_id if transaction is not None else NOBODY if strangers else None
    values: list[dict[str, Any]] = []
    for reading in read.readings:
        place = (reading.sampled_at, request.charge_point, connector_id)
        samples = reading.text
        if known and transaction is not None:
            samples = _unknown(reading, place, transaction, tx)
        elif samples is None:
            samples = orjson.dumps(reading.samples)
        if samples is not None and meter_values.insert(tx.cursor, place, number, samples):
            values.append({"sampled_at": reading.sampled_at, "samples": orjson.Fragment(samples)})
    for first in range(0, len(values), MOST_READINGS):
        some = values[first : first + MOST_READINGS]
        tx.emit_data(
            MeterValuesSampled,
            {
                "charge_point": request.charge_point,
                "connector_id": connector_id,
                "transaction": None if transaction is None else str(transaction.uuid),
                "values": some,
            },
            subject=subject(request.charge_point),
            occurred_at=some[-1]["sampled_at"],
        )


_SAME = ("measurand", "phase", "location", "context")
"""What tells the samples of one instant apart."""


def _unknown(reading: Reading, place: tuple[str, str, int], transaction: Transaction, tx: WriteTx) -> bytes | None:
    """Leave out the samples that came as MeterValues before: `transactionData` tells them a second time.

    Returns:
        The others as JSON; `None`: there are none.
    """
    before = meter_values.samples_at(tx.connection, place, transaction.transaction_id)
    seen = {tuple(sample.get(name) for name in _SAME) for sample in before}
    fresh = [sample for sample in reading.samples if tuple(sample.get(name) for name in _SAME) not in seen]
    return orjson.dumps(fresh) if fresh else None
