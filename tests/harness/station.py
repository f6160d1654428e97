"""A charge point that is not ours: the `ocpp` package's client, with answers that a test can set."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from ocpp.exceptions import OCPPError
from ocpp.routing import create_route_map, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import ClientConnection

CALL, CALL_RESULT = 2, 3


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
    "GetCompositeSchedule": {"status": "Accepted"},
    "GetConfiguration": {
        "configuration_key": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
        "unknown_key": ["Key2"],
    },
    "GetDiagnostics": {"file_name": "diagnostics.zip"},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLocalListVersion": {"list_version": 0},
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
"""What a station answers where a test sets nothing else, in the package's snake case."""


class Station(ChargePoint):
    """Answers each operation with what `answers` holds for it, and remembers what was asked.

    The package checks what we ask for, and what it answers, against the official schemas.
    """

    def __init__(self, identity: str, connection: ClientConnection) -> None:
        super().__init__(identity, connection, response_timeout=20)
        self.websocket = connection
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.raw_answers: dict[str, Any] = {}
        """Payloads that leave as they are, however they break the schema, by action."""
        self.refusal: OCPPError | None = None
        """What every operation is answered with instead; `None`: it is obeyed."""
        self.swallowed: asyncio.Queue[str] | None = None
        """Where frames go that a silent station does not answer."""
        self.route_map = create_route_map(self)

    def fall_silent(self) -> asyncio.Queue[str]:
        """Answer nothing any more, and hear no answer; the queue shows what came in."""
        self.swallowed = asyncio.Queue()
        return self.swallowed

    async def route_message(self, raw_msg: str) -> None:
        """Take a frame, unless this station is silent."""
        if self.swallowed is not None:
            await self.swallowed.put(raw_msg)
            return
        frame = json.loads(raw_msg)
        if frame[0] == CALL and frame[2] in self.raw_answers:
            self.asked.append((frame[2], frame[3]))
            await self.websocket.send(json.dumps([CALL_RESULT, frame[1], self.raw_answers[frame[2]]]))
            return
        await super().route_message(raw_msg)

    def _answer(self, action: str, request: dict[str, Any], **standard: Any) -> Any:
        self.asked.append((action, request))
        if self.refusal is not None:
            raise self.refusal
        return getattr(call_result, action)(**self.answers.get(action, standard))

    async def ask(self, action: str, **fields: Any) -> Any:
        """Send one of the ten operations; a CALLERROR raises."""
        return await self.call(getattr(call, action)(**fields), suppress=False)

    async def boot(self) -> Any:
        """Boot as the paper's table 2 does."""
        return await self.ask(
            "BootNotification", charge_point_vendor="VendorA", charge_point_model="SingleSocketCharger"
        )


def _obeys(action: str) -> Any:
    def obey(self: Station, **request: Any) -> Any:
        return self._answer(action, request, **ANSWERS[action])

    obey.__name__ = f"on_{action}"  # the package finds handlers by their names
    return on(Action(action))(obey)


for _action in ANSWERS:
    setattr(Station, f"on_{_action}", _obeys(_action))


@asynccontextmanager
async def connected(
    url: str,
    identity: str,
    password: str,
    *,
    make: Callable[[str, ClientConnection], Station] = Station,
    **options: Any,
) -> Any:
    """Connect a station; its reading loop ends with the block."""
    token = base64.b64encode(f"{identity}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"} if password else {}
    options = {"subprotocols": ["ocpp1.6"], "proxy": None, "ping_interval": None} | options
    async with websockets.connect(f"{url}/{identity}", additional_headers=headers, **options) as websocket:
        station = make(identity, websocket)
        reading = asyncio.create_task(_read(station))
        try:
            yield station
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(station: Station) -> None:
    try:
        await station.start()
    except websockets.ConnectionClosed:
        return
