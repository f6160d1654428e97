"""MeterValues (OCPP 1.6 ed. 2 §4.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from contract.events import MeterValuesSampled
from edge.domain import meter_values as readings
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import meter_values, quarantine, transactions
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

MOST_READINGS = 200
"""In one event: the data of a long transaction travel in several, none of them too large for the link."""


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Keep what can be read as meter values; the rest goes to quarantine. Answered `{}` always."""
    connector_id = request.payload.get("connectorId")
    transaction = _transaction(request, tx)
    if not isinstance(connector_id, int):
        connector_id = transaction.connector_id if transaction is not None else None
    record(request, tx, now, request.payload.get("meterValue"), connector_id or 0, transaction)
    return {}


def record(
    request: Request,
    tx: WriteTx,
    now: datetime,
    meter_value: object,
    connector_id: int,
    transaction: Transaction | None,
) -> None:
    """Store a `meterValue` or `transactionData` list and emit what was new of it.

    Args:
        request: whose message it came in.
        tx: the database transaction.
        now: the time of receipt.
        meter_value: the list as it came.
        connector_id: 0 is the charge point's main meter.
        transaction: where the values belong; `None`: to none.
    """
    read = readings.read(meter_value, now)
    for reason in read.rejected:
        quarantine.insert(tx.connection, request.charge_point, request.raw, reason, now)
    values: list[dict[str, Any]] = []
    for reading in read.readings:
        samples = orjson.dumps(reading.samples)
        place = (reading.sampled_at, request.charge_point, connector_id)
        if meter_values.insert(tx.connection, place, transaction, samples):
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


def _transaction(request: Request, tx: WriteTx) -> Transaction | None:
    """Find the transaction that the message names. The main meter belongs to none (errata §3.16)."""
    named = request.payload.get("transactionId")
    if not isinstance(named, int) or named < 1 or request.payload.get("connectorId") == 0:
        return None
    transaction = transactions.find(tx.connection, named)
    return transaction if transaction is not None and transaction.charge_point == request.charge_point else None
