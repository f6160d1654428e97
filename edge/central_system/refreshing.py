"""After a reconnect: asks a charge point for the states that it does not tell by itself (OCPP 1.6 ed. 2 §5.17)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from edge.errors import CallFailedError, CallTimeoutError, NotConnectedError, TooLateError
from edge.ocpp16.quirks import quirks_of
from edge.store import charge_points, connectors
from edge.store.readers import Readers

MINUTE_S = 60.0

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Sends an action with its payload to the charge point, and gives the answer."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refresher:
    """Asks only for what stays doubtful; a charge point that cannot be asked is left in peace."""

    readers: Readers
    pause_s: float
    """How long a charge point may take to tell by itself, and to tell what it was asked for."""

    async def refresh(self, charge_point: str, call: Call) -> None:
        """Wait for it to tell; ask for all; then ask for each that is missing."""
        try:
            await self._refresh(charge_point, call)
        except (NotConnectedError, CallTimeoutError, CallFailedError, TooLateError) as error:
            _log.info("states_not_refreshed", charge_point=charge_point, reason=str(error))

    async def _refresh(self, charge_point: str, call: Call) -> None:
        await asyncio.sleep(self.pause_s)
        if not self._stale(charge_point):
            return
        pause_s = max(self.pause_s, self._pause_between_s(charge_point))
        await call("TriggerMessage", {"requestedMessage": "StatusNotification"})
        await asyncio.sleep(self.pause_s)
        for connector_id in self._stale(charge_point):
            if connector_id not in self._stale(charge_point):  # it came meanwhile
                continue
            asked = {"requestedMessage": "StatusNotification", "connectorId": connector_id}
            if connector_id > 0 and (await call("TriggerMessage", asked)).get("status") == "NotImplemented":
                return
            await asyncio.sleep(pause_s)

    def _stale(self, charge_point: str) -> list[int]:
        return self.readers.run_now(lambda db: connectors.stale(db, charge_point))

    def _pause_between_s(self, charge_point: str) -> float:
        row = self.readers.run_now(lambda db: charge_points.find(db, charge_point))
        if row is None:
            return 0.0
        per_minute = quirks_of(row.vendor, row.model, row.firmware_version).triggers_per_minute
        return MINUTE_S / per_minute if per_minute else 0.0
