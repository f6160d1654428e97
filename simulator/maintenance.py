"""New firmware, diagnostics and logs: jobs that report their progress. No file is really moved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

from ocpp.v16 import call

from simulator.clock import Clock

_STEP_S = 10.0
"""World seconds that each step of a job takes."""
IDLE = "Idle"


class Line(Protocol):
    """Sends a message if it can; what cannot be sent is lost."""

    def __call__(self, payload: object, /) -> Awaitable[None]:
        """Send."""


class Maintenance:
    """The jobs of one charge point; the newest of a kind wins.

    Args:
        clock: Its clock.
        send: Its line.
        restart: Comes back with other firmware.
    """

    def __init__(self, clock: Clock, send: Line, restart: Callable[[str], Awaitable[None]]) -> None:
        self._clock = clock
        self._send = send
        self._restart = restart
        self.firmware = IDLE
        self.diagnostics = IDLE
        self.signed_firmware: tuple[str, int | None] = (IDLE, None)
        self.log: tuple[str, int | None] = (IDLE, None)

    async def update_firmware(self, location: str, retrieve_at: datetime) -> None:
        """§5.19: fetch, install, restart."""
        await self._until(retrieve_at)
        for status in ("Downloading", "Downloaded", "Installing"):
            await self._tell_firmware(status)
        await self._restart(version_of(location))
        await self._tell_firmware("Installed")
        self.firmware = IDLE

    async def get_diagnostics(self) -> None:
        """§5.9."""
        for status in ("Uploading", "Uploaded"):
            self.diagnostics = status
            await self.tell_diagnostics()
            await self._clock.sleep_world(_STEP_S)
        self.diagnostics = IDLE

    async def update_signed_firmware(self, number: int, location: str, retrieve_at: datetime) -> None:
        """White paper L01."""
        await self._until(retrieve_at)
        for status in ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"):
            if not await self._tell_signed(status, number):
                return
        await self._restart(version_of(location))
        await self._tell_signed("Installed", number)
        self.signed_firmware = (IDLE, None)

    async def get_log(self, number: int) -> None:
        """White paper N01."""
        for status in ("Uploading", "Uploaded"):
            if status != "Uploading" and self.log[1] != number:
                return  # replaced by a newer one
            self.log = (status, number)
            await self.tell_log()
            await self._clock.sleep_world(_STEP_S)
        self.log = (IDLE, None)

    async def tell_firmware(self) -> None:
        """Send a FirmwareStatusNotification."""
        await self._send(call.FirmwareStatusNotification(status=self.firmware))

    async def tell_diagnostics(self) -> None:
        """Send a DiagnosticsStatusNotification."""
        await self._send(call.DiagnosticsStatusNotification(status=self.diagnostics))

    async def tell_signed_firmware(self) -> None:
        """Send a SignedFirmwareStatusNotification."""
        status, number = self.signed_firmware
        await self._send(call.SignedFirmwareStatusNotification(status=status, request_id=number))

    async def tell_log(self) -> None:
        """Send a LogStatusNotification."""
        status, number = self.log
        await self._send(call.LogStatusNotification(status=status, request_id=number))

    async def _tell_firmware(self, status: str) -> None:
        self.firmware = status
        await self.tell_firmware()
        await self._clock.sleep_world(_STEP_S)

    async def _tell_signed(self, status: str, number: int) -> bool:
        """Tell a step; `False`: a newer job has taken over."""
        if status != "Downloading" and self.signed_firmware[1] != number:
            return False
        self.signed_firmware = (status, number)
        await self.tell_signed_firmware()
        await self._clock.sleep_world(_STEP_S)
        return True

    async def _until(self, instant: datetime) -> None:
        await self._clock.sleep(max(0.0, (instant - self._clock.now()).total_seconds()))


def version_of(location: str) -> str:
    """The firmware version that a file's name tells, at most 50 characters."""
    return (PurePosixPath(urlsplit(location).path).stem or "unnamed")[:50]
