"""Asks for meter values where a charge point sends none by itself during a transaction (OCPP 1.6 ed. 2 §5.17)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from datetime import timedelta

import structlog

from edge.errors import CallFailedError, CallTimeoutError, NotConnectedError, StoreUnavailableError, TooLateError
from edge.ocpp16.quirks import quirks_of
from edge.operations.caller import Caller
from edge.store import charge_points, meter_values, transactions
from edge.upkeep.visit import Tools

MINUTE_S = 60.0
LOOK_EVERY_S = 2.0

_log = structlog.get_logger()


class Polling:
    """Triggers them while a transaction runs, and at no other time: idle, some refuse it.

    Args:
        tools: what it works with.
        caller: knows who is connected.
    """

    def __init__(self, tools: Tools, caller: Caller) -> None:
        self._tools = tools
        self._caller = caller
        self._asked_at: dict[str, float] = {}
        """By charge point: monotonic seconds of the last trigger."""

    async def run(self) -> None:
        """Look again and again who is silent, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreUnavailableError:
                continue
            except Exception:  # noqa: BLE001 - the task border: the next look may do better
                _log.exception("meter_values_not_polled")

    async def look(self) -> None:
        """Trigger once where it is due."""
        connected = frozenset(self._caller.connected())
        if not connected:
            return
        due = await self._tools.readers.run(lambda db: self._due(db, connected))
        await asyncio.gather(*(self._trigger(charge_point, connectors) for charge_point, connectors in due.items()))

    def _due(self, db: sqlite3.Connection, connected: Collection[str]) -> dict[str, list[int]]:
        running: dict[str, list[int]] = {}
        for one in transactions.all_open(db):
            if one.charge_point in connected and one.connector_id:
                running.setdefault(one.charge_point, []).append(one.connector_id)
        return {charge_point: ids for charge_point, ids in running.items() if self._is_due(db, charge_point)}

    def _is_due(self, db: sqlite3.Connection, charge_point: str) -> bool:
        row = charge_points.find(db, charge_point)
        if row is None:
            return False
        quirks = quirks_of(row.vendor, row.model, row.firmware_version)
        if quirks.poll_meter_values_s is None:
            return False
        every_s = max(quirks.poll_meter_values_s, MINUTE_S / (quirks.triggers_per_minute or MINUTE_S))
        asked_at = self._asked_at.get(charge_point)
        if asked_at is not None and self._tools.clock.monotonic() - asked_at < every_s:
            return False
        since = self._tools.clock.now() - timedelta(seconds=every_s)
        return meter_values.newest_at(db, charge_point, since=since) is None

    async def _trigger(self, charge_point: str, connector_ids: list[int]) -> None:
        self._asked_at[charge_point] = self._tools.clock.monotonic()
        try:
            for connector_id in connector_ids:
                asked = {"requestedMessage": "MeterValues", "connectorId": connector_id}
                await self._tools.perform(charge_point, "TriggerMessage", asked, lambda: True)
        except (NotConnectedError, CallFailedError, CallTimeoutError, TooLateError) as error:
            _log.info("meter_values_not_triggered", charge_point=charge_point, reason=str(error))
