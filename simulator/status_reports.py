"""Tells the central system about connectors (OCPP 1.6 ed. 2 §4.9): each change while online, the newest one after."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from ocpp.v16 import call

from simulator.clock import to_wire
from simulator.connection import CallFailedError, LineDownError
from simulator.connector import Status
from simulator.uplink import Uplink

LOGGER = logging.getLogger(__name__)
_LINE_SETTLES_S = 0.01


@dataclass(frozen=True, slots=True)
class StatusReport:
    """One StatusNotification to send; connector 0 is the charge point itself."""

    connector_id: int
    status: Status
    at: datetime


class StatusReports:
    """The reports that wait, and the task that sends them."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._waiting: deque[StatusReport] = deque()
        self._reported: dict[int, Status] = {}
        self._filled = asyncio.Event()
        self.on_acknowledged: Callable[[], None] = lambda: None

    def note(self, report: StatusReport) -> None:
        """A status changed, or was asked for. While offline only the newest of each connector is kept."""
        self._waiting.append(report)
        if not self._uplink.online.is_set():
            self.collapse()
        self._filled.set()

    def collapse(self) -> None:
        """The line went down: no history is sent later, and nothing that the central system knows already."""
        newest = {report.connector_id: report for report in self._waiting}
        self._waiting = deque(
            report for report in newest.values() if self._reported.get(report.connector_id) is not report.status
        )

    def begin_again(self, reports: Iterable[StatusReport]) -> None:
        """After a BootNotification everything is told (errata 3.22)."""
        self._reported.clear()
        self._waiting = deque(reports)
        self._filled.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if not self._waiting:
                self._filled.clear()
                await self._filled.wait()
                continue
            await self._uplink.online.wait()
            if self._waiting:
                await self._send(self._waiting[0])

    async def _send(self, report: StatusReport) -> None:
        try:
            await self._uplink.request(
                call.StatusNotification(
                    connector_id=report.connector_id,
                    error_code="NoError",
                    status=report.status.value,
                    timestamp=to_wire(report.at),
                )
            )
        except LineDownError:
            await asyncio.sleep(_LINE_SETTLES_S)
            return
        except CallFailedError as failure:
            LOGGER.warning("StatusNotification failed: %s", failure)
        else:
            self._reported[report.connector_id] = report.status
            self.on_acknowledged()
        if self._waiting and self._waiting[0] is report:
            self._waiting.popleft()
