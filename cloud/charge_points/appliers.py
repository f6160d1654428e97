"""What a site's events mean for its charge points. Whatever speaks of a charge point first makes its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloud.charge_points import repository
from cloud.db.database import Unit
from cloud.models.charging import ChargePointRow, ConnectorRow
from cloud.models.received import Received
from cloud.models.sampled import SampleRun
from contract.edge_events import ChargePointRemoved
from contract.events import (
    ChargePointBooted,
    ChargePointConnected,
    ChargePointDisconnected,
    ConnectorStatusChanged,
    EdgeStarted,
)


def seen(unit: Unit, events: Sequence[Received[Any]]) -> None:
    """Somebody spoke, or was spoken of: any event whose data may name a charge point."""
    _rows(unit, [event for event in events if event.data.charge_point is not None])
    unit.flush()


def sampled(unit: Unit, run: SampleRun) -> None:
    """Meter values name their charge point too."""
    newest: dict[str, datetime] = {}
    for event in run.events:
        identity, at = event.charge_point, event.recorded_at
        if identity not in newest or newest[identity] < at:
            newest[identity] = at
    _note(unit, run.site, newest)
    unit.flush()


def booted(unit: Unit, events: Sequence[Received[ChargePointBooted]]) -> None:
    """It said what it is."""
    rows = _rows(unit, events)
    for event in events:
        data, row = event.data, rows[event.data.charge_point]
        row.registration_status, row.vendor, row.model = data.registration_status, data.vendor, data.model
        row.serial_number, row.firmware_version = data.serial_number, data.firmware_version
    unit.flush()


def connected(unit: Unit, events: Sequence[Received[ChargePointConnected]]) -> None:
    """Its WebSocket is open."""
    rows = _rows(unit, events)
    for event in events:
        rows[event.data.charge_point].connected = True
    unit.flush()


def disconnected(unit: Unit, events: Sequence[Received[ChargePointDisconnected]]) -> None:
    """Its WebSocket has ended."""
    rows = _rows(unit, events)
    for event in events:
        rows[event.data.charge_point].connected = False
    unit.flush()


def removed(unit: Unit, events: Sequence[Received[ChargePointRemoved]]) -> None:
    """Its site does not know it any more. Its row stays, for its records name it."""
    rows = _rows(unit, events)
    for event in events:
        row = rows[event.data.charge_point]
        row.connected, row.registration_status = False, "Removed"
    unit.flush()


def edge_started(unit: Unit, events: Sequence[Received[EdgeStarted]]) -> None:
    """A new edge process holds no connection yet, whatever the one before it could still tell."""
    repository.disconnect_all(unit, events[0].site)


def status_changed(unit: Unit, events: Sequence[Received[ConnectorStatusChanged]]) -> None:
    """A connector is in another state. The stream's order decides what is newest, not the charge point's clock."""
    _rows(unit, events)
    unit.flush()
    for event in events:
        data = event.data
        row = repository.connector(unit, event.site, data.charge_point, data.connector_id)
        if row is None:
            row = ConnectorRow(site_id=event.site, charge_point=data.charge_point, connector_id=data.connector_id)
            unit.add(row)
        row.status, row.error_code, row.info, row.status_at = data.status, data.error_code, data.info, data.status_at
        unit.flush()


def _rows(unit: Unit, events: Sequence[Received[Any]]) -> dict[str, ChargePointRow]:
    newest: dict[str, datetime] = {}
    for event in events:
        identity, at = event.data.charge_point, event.envelope.recorded_at
        newest[identity] = max(newest.get(identity, at), at)
    return _note(unit, events[0].site, newest) if events else {}


def _note(unit: Unit, site: str, newest: Mapping[str, datetime]) -> dict[str, ChargePointRow]:
    """The rows of charge points that were heard, made where there are none; and when that was."""
    rows = repository.by_identity(unit, site, newest)
    for identity, at in newest.items():
        if identity not in rows:
            rows[identity] = row = ChargePointRow(
                site_id=site, charge_point=identity, connected=False, registration_status="Pending"
            )
            unit.add(row)
        row = rows[identity]
        if row.last_seen_at is None or row.last_seen_at < at:
            row.last_seen_at = at
    return rows
