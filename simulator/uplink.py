"""The charge point's line to its central system: connect, register, heartbeat, and come back when it drops."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from ocpp.v16 import call
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from simulator.back_off import BackOff
from simulator.clock import Clock
from simulator.configuration import Configuration
from simulator.connection import CallFailedError, CommandDesk, Connection, LineDownError

LOGGER = logging.getLogger(__name__)
_SUBPROTOCOL = Subprotocol("ocpp1.6")
_OPEN_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0
_NO_INTERVAL_S = 10
"""How long to wait before the next BootNotification when the central system named no interval."""


class Registration(StrEnum):
    """OCPP 1.6 ed. 2 §7.38 "RegistrationStatus", and what comes before it."""

    NONE = "None"
    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the central system is, and the key to it.

    Attributes:
        url: The endpoint without the identity, for example `ws://127.0.0.1:9000/ocpp`.
        password: For Basic authentication; `None`: none.
    """

    url: str
    password: str | None = None

    def of(self, identity: str) -> str:
        """The charge point's own URL (OCPP-J 1.6 §3.1)."""
        return f"{self.url.rstrip('/')}/{quote(identity, safe='')}"

    def headers(self, identity: str) -> dict[str, str]:
        """The headers of the upgrade request."""
        if self.password is None:
            return {}
        credentials = base64.b64encode(f"{identity}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}


class Uplink:
    """Keeps the line up, for ever.

    Args:
        identity: The charge point's.
        address: Its central system.
        boot: The BootNotification to send.
        configuration: Its keys; HeartbeatInterval is set by an accepted BootNotification.
        clock: Its clock.
        back_off: The waits between attempts to connect.
        desk: Answers the central system's calls.
        lean: See `Connection`.
    """

    def __init__(
        self,
        identity: str,
        address: Address,
        boot: call.BootNotification,
        configuration: Configuration,
        clock: Clock,
        back_off: BackOff,
        desk: CommandDesk,
        *,
        lean: bool = False,
    ) -> None:
        self._identity = identity
        self._address = address
        self._boot = boot
        self._configuration = configuration
        self._clock = clock
        self._back_off = back_off
        self._desk = desk
        self._lean = lean
        self._websocket: ClientConnection | None = None
        self._connection: Connection | None = None
        self._restart_s = 0.0
        self._hurry = asyncio.Event()
        self._complained = False
        self.registration = Registration.NONE
        self.online = asyncio.Event()
        """Set while the line is up and the central system has accepted this charge point."""
        self.has_been_online = False
        self.on_online: Callable[[bool], None] = lambda _booted: None
        """Called when the line is ready; `True` after a BootNotification, `False` after a mere reconnect."""
        self.on_offline: Callable[[], None] = lambda: None
        self.on_acknowledged: Callable[[str], None] = lambda _action: None
        """Called with BootNotification or Heartbeat when one was answered."""

    async def run(self) -> None:
        """Connect again and again until cancelled."""
        while True:
            try:
                async with self._connect() as websocket:
                    await self._serve(websocket)
            except InvalidStatus as error:
                self._turned_away(error)
            except (OSError, WebSocketException, TimeoutError) as error:
                LOGGER.info("%s: no line: %s", self._identity, error)
            wait_s, self._restart_s = self._restart_s or self._back_off.next_s(), 0.0
            await self._clock.sleep(wait_s)

    def _turned_away(self, error: InvalidStatus) -> None:
        """The first time a person should hear of it: with this password or identity it will never come in."""
        level, self._complained = logging.INFO if self._complained else logging.WARNING, True
        said = error.response.body.decode(errors="replace").strip()
        LOGGER.log(level, "%s: turned away with HTTP %d: %s", self._identity, error.response.status_code, said)

    async def request(self, payload: object) -> object:
        """Send a call over the line that is up.

        Raises:
            LineDownError: There is none, or it went down before the answer came.
            CallFailedError: CALLERROR, nonsense, or no answer in time.
        """
        if self._connection is None or not self.online.is_set():
            raise LineDownError(f"{self._identity} is offline")
        return await self._connection.request(payload)

    async def restart(self, after_s: float) -> None:
        """Go down as a reset does: close the line, wait, come back with a BootNotification."""
        self.registration = Registration.NONE
        self._restart_s = after_s
        await self.close()

    async def close(self) -> None:
        """Close the line that is up, if any. `run` opens the next one."""
        if self._websocket:
            await self._websocket.close(1000, "going down")

    def hurry(self) -> None:
        """HeartbeatInterval has changed, or a message was triggered: do not sit out the old interval."""
        self._hurry.set()

    def _connect(self) -> connect:
        ping_s = self._configuration.integer("WebSocketPingInterval") or None
        return connect(
            self._address.of(self._identity),
            subprotocols=[_SUBPROTOCOL],
            additional_headers=self._address.headers(self._identity),
            compression=None,
            proxy=None,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            ping_interval=ping_s,
            ping_timeout=ping_s,
        )

    async def _serve(self, websocket: ClientConnection) -> None:
        if websocket.subprotocol != _SUBPROTOCOL:
            LOGGER.warning("%s: the central system does not speak ocpp1.6", self._identity)
            return
        timeout_s = self._configuration.integer("MessageTimeout")
        connection = Connection(self._identity, websocket, self._desk, timeout_s=timeout_s, lean=self._lean)
        self._websocket, self._connection = websocket, connection
        speaking = asyncio.create_task(self._speak(connection))
        try:
            await connection.listen()
        finally:
            self._websocket = self._connection = None
            if self.online.is_set():
                self.online.clear()
                self.on_offline()
            speaking.cancel()
            await asyncio.wait({speaking})
        if not speaking.cancelled() and (error := speaking.exception()) and not isinstance(error, LineDownError):
            raise error

    async def _speak(self, connection: Connection) -> None:
        booted = self.registration is not Registration.ACCEPTED
        while self.registration is not Registration.ACCEPTED:
            await self._wait(await self._register(connection))
        self._back_off.reset()
        self.online.set()
        self.has_been_online = True
        self.on_online(booted)
        while True:
            await self._wait(self._configuration.integer("HeartbeatInterval") or None)
            await self._try(connection, call.Heartbeat())

    async def _register(self, connection: Connection) -> float:
        """Send one BootNotification (OCPP 1.6 ed. 2 §4.2); tell how long to wait, 0 when it was accepted."""
        answer = await self._try(connection, self._boot)
        if answer is None:
            return _NO_INTERVAL_S
        self.registration = Registration(str(answer.status))  # type: ignore[attr-defined]  # ocpp is untyped
        interval_s = int(answer.interval)  # type: ignore[attr-defined]
        if self.registration is not Registration.ACCEPTED:
            return interval_s or _NO_INTERVAL_S
        if interval_s > 0:
            self._configuration.set_integer("HeartbeatInterval", interval_s)
        return 0

    async def _try(self, connection: Connection, payload: object) -> object | None:
        try:
            answer = await connection.request(payload)
        except CallFailedError as failure:
            LOGGER.warning("%s: %s failed: %s", self._identity, type(payload).__name__, failure)
            return None
        self.on_acknowledged(type(payload).__name__)
        return answer

    async def _wait(self, seconds: float | None) -> None:
        """Wait, but not longer than until `hurry`. `None`: until then."""
        self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return
