"""What a whole charge point can do in a test, whichever implementation it is. Payloads are OCPP's own, in camelCase."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

WITHIN_S = 60.0

ANSWERS: dict[str, dict[str, Any]] = {
    "CancelReservation": {"status": "Accepted"},
    "CertificateSigned": {"status": "Accepted"},
    "ChangeAvailability": {"status": "Accepted"},
    "ChangeConfiguration": {"status": "Accepted"},
    "ClearCache": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
    "DataTransfer": {"status": "Accepted"},
    "DeleteCertificate": {"status": "Accepted"},
    "ExtendedTriggerMessage": {"status": "Accepted"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetConfiguration": {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
    "GetDiagnostics": {"fileName": "diagnostics.zip"},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLocalListVersion": {"listVersion": 0},
    "GetLog": {"status": "Accepted", "filename": "log.zip"},
    "InstallCertificate": {"status": "Accepted"},
    "RemoteStartTransaction": {"status": "Accepted"},
    "RemoteStopTransaction": {"status": "Accepted"},
    "ReserveNow": {"status": "Accepted"},
    "Reset": {"status": "Accepted"},
    "SendLocalList": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
    "SignedUpdateFirmware": {"status": "Accepted"},
    "TriggerMessage": {"status": "Accepted"},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
}
"""What a peer answers to the central system's calls until a test says otherwise."""


class PeerRefusedError(Exception):
    """What a peer asked for was refused.

    Attributes:
        ocpp_code: of the CALLERROR; `None`: it was none.
        http_status: of the opening handshake; `None`: it was none.
    """

    def __init__(self, message: str, *, ocpp_code: str | None = None, http_status: int | None = None) -> None:
        super().__init__(message)
        self.ocpp_code = ocpp_code
        self.http_status = http_status


class Peer(Protocol):
    """One charge point. It validates strictly what it sends and what it gets, and reconnects by its own back-off."""

    asked: list[tuple[str, dict[str, Any]]]
    """What the central system called, oldest first."""
    complaints: list[Any]
    """What broke the official schemas, either way."""
    openings: int
    """How often it connected."""

    async def connect(self) -> None:
        """Connect for the first time.

        Raises:
            PeerRefusedError: with the HTTP status.
        """

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the central system; nothing is repeated.

        Raises:
            PeerRefusedError: with the code of the CALLERROR.
        """
        ...

    async def record(
        self, action: str, payload: dict[str, Any], *, begins: str | None = None, within: str | None = None
    ) -> dict[str, Any]:
        """Put a transaction-related message into the offline queue and wait until it is answered.

        Args:
            action: StartTransaction, MeterValues or StopTransaction.
            payload: without `transactionId` where `within` is given.
            begins: a name for the transaction that it begins.
            within: the name of the transaction that it belongs to; its number is filled in when it is known.
        """
        ...

    async def answer(self, action: str, payload: dict[str, Any]) -> None:
        """Set how a call of the central system is answered from now on."""

    async def cut(self) -> None:
        """Lose the connection without a word; the peer comes back by itself."""

    async def close(self) -> None:
        """Leave for good."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a peer has come to know something."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.02)
