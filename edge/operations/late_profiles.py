"""Charging profiles of remote starts that their charge point takes only once the transaction runs (§5.16)."""

from __future__ import annotations

import asyncio
from functools import partial

import orjson
import structlog

from edge.errors import GarduEdgeError, NotConnectedError, StoreUnavailableError
from edge.operations.to_charge_point.operator import Operator
from edge.store import remote_starts as store
from edge.store import transactions
from edge.store.readers import Readers
from edge.store.remote_starts import RemoteStart
from edge.store.writer import Writer

LOOK_EVERY_S = 1.0

_log = structlog.get_logger()


class LateProfiles:
    """Sends each of them once. They lie in the store until then, so that a restart forgets none.

    Args:
        writer: strikes out what is done.
        readers: finds what waits.
        operator: sends.
    """

    def __init__(self, writer: Writer, readers: Readers, operator: Operator) -> None:
        self._writer = writer
        self._readers = readers
        self._operator = operator

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreUnavailableError:
                continue
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("profiles_not_sent")

    async def look(self) -> None:
        """Send what can be sent now; what waits for a charge point that is away goes on waiting."""
        await asyncio.gather(*(self._see_to(waiting) for waiting in self._readers.run_now(store.profiles_to_send)))

    async def _see_to(self, waiting: RemoteStart) -> None:
        if await self._settled(waiting):
            await self._writer.run(lambda tx: store.drop_profile(tx.connection, waiting.number))

    async def _settled(self, waiting: RemoteStart) -> bool:
        number = waiting.transaction_id or 0
        transaction = self._readers.run_now(partial(transactions.find, transaction_id=number))
        if transaction is None or not transaction.open or waiting.charging_profile is None:
            return True
        profile = orjson.loads(waiting.charging_profile) | {"transactionId": number}
        payload = {"connectorId": waiting.connector_id, "csChargingProfiles": profile}
        try:
            answer = await self._operator.perform_in_time(waiting.charge_point, "SetChargingProfile", payload)
        except NotConnectedError:
            return False
        except GarduEdgeError as error:
            _log.warning("profile_not_taken", charge_point=waiting.charge_point, reason=str(error))
            return True
        _log.info("profile_sent", charge_point=waiting.charge_point, transaction_id=number, answer=answer.get("status"))
        return True
