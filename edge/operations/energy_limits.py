"""Transactions that may draw only so much: an unknown id tag's, begun while the directory was stale."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from edge.clock import Clock
from edge.domain.limits import is_reached
from edge.errors import GarduEdgeError, StoreUnavailableError
from edge.store import energy_limits as store
from edge.store.readers import Readers
from edge.store.transactions import Transaction
from edge.store.writer import Writer

EVERY_S = 15.0
ASK_AGAIN = timedelta(minutes=1)
"""A charge point that was asked to stop gets this long."""

Perform = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

_log = structlog.get_logger()


class EnergyLimits:
    """Ends transactions at their limit with a RemoteStopTransaction (OCPP 1.6 ed. 2 §5.12).

    Args:
        writer: for what was asked.
        readers: for what was metered.
        clock: for the times.
        perform: asks a charge point.
        every_s: seconds between two looks.
    """

    def __init__(
        self, writer: Writer, readers: Readers, clock: Clock, perform: Perform, every_s: float = EVERY_S
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._perform = perform
        self._every_s = every_s

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except StoreUnavailableError:
                continue
            except Exception:  # noqa: BLE001 - the task border: what cannot be judged stops nothing else
                _log.exception("energy_limits_failed")

    async def look(self) -> None:
        """Look once: most of the time there is no such transaction."""
        for limited in await self._readers.run(store.running):
            due = limited.asked_at is None or self._clock.now() - limited.asked_at >= ASK_AGAIN
            if due and is_reached(limited.transaction.meter_start_wh, limited.register_wh, limited.limit_wh):
                await self._stop(limited.transaction, self._clock.now())

    async def _stop(self, transaction: Transaction, now: datetime) -> None:
        number = transaction.transaction_id
        await self._writer.run(lambda tx: store.asked(tx.connection, number, now))
        try:
            await self._perform(transaction.charge_point, "RemoteStopTransaction", {"transactionId": number})
        except GarduEdgeError as error:
            _log.warning("energy_limit_not_kept", charge_point=transaction.charge_point, error=str(error))
        else:
            _log.info("energy_limit_reached", charge_point=transaction.charge_point, transaction_id=number)
