"""Delivers the transaction queue over whatever line is up, one message at a time, in order (OCPP 1.6 ed. 2 §3.7)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

from simulator.authorisation import ACCEPTED, AuthorisationCache
from simulator.clock import Clock
from simulator.configuration import Configuration
from simulator.connection import CallFailedError, LineDownError
from simulator.ledger import Ledger
from simulator.transaction import StartMessage, TransactionMessage
from simulator.transaction_queue import TransactionQueue
from simulator.uplink import Uplink

LOGGER = logging.getLogger(__name__)
_LINE_SETTLES_S = 0.01


class Delivery:
    """The queue and the task that empties it.

    Args:
        identity: The charge point's.
        uplink: Its line.
        configuration: Names the attempts and their interval.
        cache: Learns what answers to StartTransaction say about id tags.
        clock: Waits between attempts.
        ledger: Where answers and drops are written.
    """

    def __init__(
        self,
        identity: str,
        uplink: Uplink,
        configuration: Configuration,
        cache: AuthorisationCache,
        clock: Clock,
        ledger: Ledger,
    ) -> None:
        self._identity = identity
        self._uplink = uplink
        self._configuration = configuration
        self._cache = cache
        self._clock = clock
        self._ledger = ledger
        self._filled = asyncio.Event()
        self.queue = TransactionQueue()

    def put(self, message: TransactionMessage) -> None:
        """Queue a message; it is sent when all before it are answered or dropped."""
        self.queue.append(message)
        self._filled.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            message = self.queue.head
            if message is None:
                self._filled.clear()
                await self._filled.wait()
                continue
            await self._uplink.online.wait()
            await self._attempt(message)

    async def _attempt(self, message: TransactionMessage) -> None:
        try:
            answer = await self._uplink.request(message.to_call())
        except LineDownError:
            await asyncio.sleep(_LINE_SETTLES_S)
        except CallFailedError as failure:
            await self._failed(message, str(failure))
        else:
            self._answered(message, answer)

    def _answered(self, message: TransactionMessage, answer: Any) -> None:  # noqa: ANN401  # ocpp is untyped
        self.queue.acknowledge()
        status: str | None = None
        if isinstance(message, StartMessage):
            info: dict[str, str] = answer.id_tag_info
            status = str(info["status"])
            message.transaction.transaction_id = int(answer.transaction_id)
            self._cache.remember(message.transaction.id_tag, status, info.get("expiry_date"))
        self._ledger.acknowledged(self._identity, message, status)
        if status not in {None, ACCEPTED}:
            message.transaction.on_refused()

    async def _failed(self, message: TransactionMessage, why: str) -> None:
        attempts = self._configuration.integer("TransactionMessageAttempts")
        interval = timedelta(seconds=self._configuration.integer("TransactionMessageRetryInterval"))
        wait = self.queue.fail(attempts, interval)
        if wait is None:
            LOGGER.warning("%s: %s dropped: %s", self._identity, message.action, why)
            self._ledger.dropped(self._identity, message, why)
        else:
            LOGGER.warning("%s: %s failed, again in %s: %s", self._identity, message.action, wait, why)
            await self._clock.sleep(wait.total_seconds())
