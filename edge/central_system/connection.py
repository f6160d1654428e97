"""One charge point's connection: reads its calls, answers after the commit, and carries our calls to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from websockets.exceptions import ConnectionClosed

from edge.central_system.calling import Calls
from edge.central_system.line import Line
from edge.central_system.logins import Login
from edge.central_system.oddities import Oddities
from edge.clock import Clock
from edge.domain import patience
from edge.domain.alarms import AlarmKind
from edge.domain.duplicates import Origin
from edge.domain.patience import Deafness, Step
from edge.domain.policy import Policy
from edge.domain.registration import Registration
from edge.errors import (
    NotConnectedError,
    RemoteProtocolError,
    StoreUnavailableError,
)
from edge.ocpp16.actions import NEVER_REFUSED
from edge.ocpp16.intake import take
from edge.ocpp16.quirks import STANDARD, quirks_of
from edge.ocppj.frames import Call, ErrorCode
from edge.ocppj.session import Ignored, Reply, Session, Settled
from edge.operations.from_charge_point import dispatch, salvage
from edge.operations.from_charge_point.request import Request, Response
from edge.store.alarms import clear_alarm, raise_alarm
from edge.store.frame_blocks import Direction
from edge.store.journal_writer import Record
from edge.store.writer import Writer

GOING_AWAY = 1001
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013
MAX_UNREAD_BYTES = 1024 * 1024
CLOSE_WITHIN_S = 5.0
LONGEST_WAIT_FOR_BOOT_S = 120.0
"""For a charge point that bears no call before its boot: one that says nothing at all is called in the end."""
CHARGING = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """What every connection works with."""

    writer: Writer
    clock: Clock
    policy: Policy
    call_timeout_s: float = 30.0
    record: Record = lambda *_: None
    """Told of each frame both ways."""
    settle_s: float = 2.0
    """Pause between a charge point's first words, or its boot's answer, and our first call: some need it."""
    boot_grace_s: float = 0.0
    """How long a new connection may stay silent before it is called all the same. Called before its boot is answered,
    some charge points break the connection; but one that only lost its connection has no boot to send."""
    refresh_s: float = 5.0
    """How long after a reconnect a charge point may take to tell the states of its connectors by itself."""
    deafness: Deafness = field(default_factory=Deafness)
    """Which charge points left our calls unanswered, over all their connections."""


class Connection:
    """One WebSocket of one authenticated charge point."""

    def __init__(self, websocket: Line, desk: Desk) -> None:
        self.charge_point = websocket.charge_point
        self.last_heard = desk.clock.monotonic()
        """Monotonic seconds of the last sign of life: a frame of any kind, or a piece of one."""
        self.pinged = self.last_heard
        """Monotonic seconds of the last ping to it."""
        self.pongs = False
        """Whether it ever answered a ping on this connection."""
        self._serial_number: str | None = None
        self._websocket = websocket
        self._desk = desk
        self._session = Session()
        self._oddities = Oddities(self.charge_point, desk.writer, desk.clock)
        self._authenticated = websocket.authenticated
        self._registration = Registration.PENDING
        self._idle = asyncio.Event()
        """Set while no call of the charge point waits for its answer."""
        self._idle.set()
        self._calls = Calls(
            self.charge_point,
            self._session,
            desk.clock,
            timeout_s=desk.call_timeout_s,
            require=self._require_registration,
            send=self._send,
            unanswered=self._give_up,
            answered=self._listens_again,
            theirs_answered=self._idle,
        )
        self._spoke = False
        self._quirks = STANDARD
        self._clock_doubted = False
        """It booted, its kind boots with a wrong clock, and it has not heard the time since."""
        self._settle_s = desk.settle_s
        """The pause that this charge point needs after its boot's answer."""
        self._calls.pause(max(desk.settle_s, desk.boot_grace_s))
        self._tasks: set[asyncio.Future[None]] = set()

    @property
    def login(self) -> Login | None:
        """How it proved itself; `None`: it did not."""
        return Login(self._websocket.profile, self._websocket.generation) if self._authenticated else None

    @property
    def remote_address(self) -> str:
        """Where it comes from, for people."""
        address = self._websocket.remote_address
        return str(address[0]) if address else "unknown"

    @property
    def origin(self) -> Origin:
        """Where it comes from, and which device spoke on it."""
        return Origin(self.remote_address, self._serial_number)

    def ping_interval_s(self, site_s: float) -> float:
        """Say how often it wants to be pinged, where the site does so every `site_s` seconds."""
        return patience.ping_interval_s(site_s, self._quirks.ping_interval_s)

    def register(self, registration: Registration) -> None:
        """Take over what the site decided at an earlier boot, so that a reconnect needs none (OCPP-J 1.6 §5.4)."""
        if self._authenticated:
            self._registration = registration

    def recognise(self, vendor: str | None, model: str | None, firmware: str | None) -> None:
        """Take over what it said of itself at its last boot; `None`: it never did."""
        if vendor:
            self._quirks = quirks_of(vendor, model, firmware or None)
            self._session.repairs = self._quirks.json_repair
            self._settle_s = max(self._desk.settle_s, self._quirks.call_after_boot_delay_s)
            if self._quirks.wait_for_boot and not self._spoke:
                self._calls.pause(LONGEST_WAIT_FOR_BOOT_S)

    async def serve(self) -> str:
        """Read and answer until the connection ends.

        Returns:
            Why it ended, in words.
        """
        self._websocket.listener, self._websocket.witness = self._hear, self._witness
        try:
            while True:
                message = await self._websocket.next()
                await self._idle.wait()  # it did not wait for its answer; one thing after the other all the same
                self._receive(message)
                self._websocket.taken()
        except ConnectionClosed:
            pass
        finally:
            self._websocket.listener = None
            self._calls.close()
            self._oddities.flush()
        code, reason = self._websocket.close_code, self._websocket.close_reason
        return f"{code} {reason}".strip()

    async def call(self, action: str, payload: dict[str, Any], may_send: Callable[[], bool]) -> dict[str, Any]:
        """Send a call when its turn has come. See `operations.caller.Caller.call`."""
        return await self._calls.call(action, payload, may_send)

    def _require_registration(self, action: str) -> None:
        """Ask a charge point only what its registration allows (OCPP 1.6 ed. 2 §4.2): no charging before Accepted."""
        if self._registration is Registration.ACCEPTED:
            return
        if self._registration is Registration.REJECTED or action in CHARGING:
            raise NotConnectedError(
                f"{self.charge_point} is {self._registration}, and may not be asked for {action}.",
                hint="Accept it first: PUT /api/v1/charge-points/{identity}; it then comes back by itself.",
            )

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket; `serve` then ends. A charge point that does not even read its end is cut off."""
        self._calls.close()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._websocket.close(code, reason)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection off."""
        self._websocket.transport.abort()

    def _give_up(self) -> None:
        """End a connection on which calls are not answered, or tell a person when that cured nothing."""
        step = self._desk.deafness.unanswered(self.charge_point, self._desk.clock.monotonic())
        _log.warning("calls_unanswered", charge_point=self.charge_point, step=step.name.lower())
        if step is Step.CLOSE_AND_ALARM:
            self._spawn(self._change_alarm(partial(raise_alarm, detail="on three connections within an hour")))
        if step is not Step.BEAR:
            self._spawn(self.close(GOING_AWAY, "calls are not answered"))

    def _listens_again(self) -> None:
        if self._desk.deafness.answered(self.charge_point):
            self._spawn(self._change_alarm(clear_alarm))

    async def _change_alarm(self, change: Callable[..., bool]) -> None:
        change = partial(
            change, kind=AlarmKind.CALLS_UNANSWERED, charge_point=self.charge_point, now=self._desk.clock.now()
        )
        try:
            await self._desk.writer.run(change)
        except StoreUnavailableError:
            _log.warning("alarm_not_recorded", charge_point=self.charge_point)

    def send_ping(self) -> None:
        """Send a ping without waiting for its pong, which counts as heard."""
        self.pinged = self._desk.clock.monotonic()
        self._spawn(self._ping())

    async def _ping(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                pong = asyncio.ensure_future(await self._websocket.ping())
        except TimeoutError:  # what was sent before still lies unread
            self.abort()
        except ConnectionClosed:
            return
        else:
            pong.add_done_callback(_retrieved)

    def _witness(self, pong: bool) -> None:  # noqa: FBT001 - the line calls it so
        self.last_heard = self._desk.clock.monotonic()
        self.pongs = self.pongs or pong

    def _hear(self, message: bytes) -> bool:
        """Take a message directly as it arrives, unless the one before it is not answered yet."""
        if not self._idle.is_set():
            self.last_heard = self._desk.clock.monotonic()
            return False
        try:
            self._receive(message)
        except Exception:  # noqa: BLE001 - the border to the library, whose reading must go on
            _log.exception("message_not_taken", charge_point=self.charge_point)
            self._oddities.note(message, "the message could not be taken")
            self._spawn(self.close(INTERNAL_ERROR, "the message could not be taken"))
        return True

    def _receive(self, message: bytes) -> None:
        clock = self._desk.clock
        self.last_heard = clock.monotonic()
        now = clock.now()
        received = self._session.receive(message)
        self._desk.record(now, self.charge_point, Direction.RECEIVED, message, received.action)
        if isinstance(received, Call):
            self._begin(received, message, now)
        else:
            self._take(received, message)

    def _take(self, received: Reply | Settled | Ignored, raw: bytes) -> None:
        """Do what a message that is no new call asks for."""
        if isinstance(received, Settled):
            self._calls.settle(received.answer)
            return
        if received.odd:
            self._oddities.note(raw, received.reason)
        _log.info("frame_passed_over", charge_point=self.charge_point, reason=received.reason)
        if isinstance(received, Reply):
            self._send(received.text, received.action)

    def _begin(self, call: Call, raw: bytes, now: datetime) -> None:
        """Hand a call to the writer; `_finish` goes on after the commit."""
        if not self._spoke:
            self._speak_first(call.action)
        if not self._may_speak(call.action):
            reason = f"This charge point is {self._registration}: boot first."
            self._refuse(call, RemoteProtocolError(ErrorCode.SECURITY_ERROR, reason))
            return
        try:
            intake = take(call.action, call.payload, call.doubt)
        except RemoteProtocolError as error:
            self._oddities.note(raw, f"{error.code}: {error}")
            self._refuse(call, error)
            return
        request = Request(
            self.charge_point,
            call.action,
            intake.payload,
            raw,
            intake.doubt,
            self._desk.policy,
            self._authenticated,
            intake.answer,
            self._quirks,
            self._clock_doubted,
            dispatch.read_ahead(call.action, intake.payload, now),
        )
        self._idle.clear()
        self._desk.writer.submit(partial(dispatch.handle, request, now=now), partial(self._finish, call, request, now))

    def _speak_first(self, action: str) -> None:
        """Note the first call of a connection: whoever begins with anything but a boot has no boot to send."""
        self._spoke = True
        if action != "BootNotification":
            self._calls.pause(self._desk.settle_s)

    def _may_speak(self, action: str) -> bool:
        """Whether a call is heard before the charge point is accepted. Its records are, once it showed its key."""
        if self._registration is Registration.ACCEPTED or action == "BootNotification":
            return True
        return self._authenticated and action in NEVER_REFUSED

    def _finish(
        self, call: Call, request: Request, now: datetime, response: Response | None, error: Exception | None
    ) -> None:
        """Answer what is committed. When the store is away there is no answer: the charge point keeps its record."""
        if error is None and response is not None:
            self._answer(call, response, self._desk.writer.committed_at)
        elif isinstance(error, StoreUnavailableError):
            self._idle.set()
            self._spawn(self.close(TRY_AGAIN_LATER, "the store is not available"))
        else:
            _log.error("handler_failed", charge_point=self.charge_point, action=request.action, exc_info=error)
            self._spawn(self._salvage(call, request, now, f"its handler failed: {type(error).__name__}"))

    def _answer(self, call: Call, response: Response, at: datetime) -> None:
        if call.action == "BootNotification":
            self._booted(call, response)
        elif call.action == "Heartbeat":
            self._clock_doubted = False
        self._write(self._session.answer(call, response), call.action, at)
        self._idle.set()

    def _refuse(self, call: Call, error: RemoteProtocolError) -> None:
        _log.warning("call_refused", charge_point=self.charge_point, action=call.action, reason=str(error))
        self._send(self._session.refuse(call.message_id, error.code, str(error)), call.action)
        self._idle.set()

    async def _salvage(self, call: Call, request: Request, now: datetime, reason: str) -> None:
        """Keep a record whose handler failed; only what carries no transaction may be refused."""
        try:
            response = await self._desk.writer.run(partial(salvage.keep, request, now=now, reason=reason))
        except StoreUnavailableError:
            self._idle.set()
            await self.close(TRY_AGAIN_LATER, "the store is not available")
            return
        except Exception:  # noqa: BLE001 - the task border: nobody waits for this task
            _log.exception("salvage_failed", charge_point=self.charge_point, action=request.action)
            self._idle.set()
            await self.close(INTERNAL_ERROR, "the message could not be kept")
            return
        if request.action in NEVER_REFUSED:
            self._answer(call, response, self._desk.clock.now())
        else:
            self._refuse(call, RemoteProtocolError(ErrorCode.INTERNAL_ERROR, "The message was kept, not understood."))

    def _send(self, frame: bytes, action: str | None) -> None:
        self._write(frame, action, self._desk.clock.now())

    def _write(self, frame: bytes, action: str | None, at: datetime) -> None:
        """Write a frame without waiting; a charge point that does not read what it asked for is let go."""
        self._desk.record(at, self.charge_point, Direction.SENT, frame, action)
        websocket = self._websocket
        websocket.write(frame)
        if websocket.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._spawn(self.close(GOING_AWAY, "answers are not read"))

    def _spawn(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _booted(self, call: Call, response: Response) -> None:
        boot = call.payload if isinstance(call.payload, dict) else {}
        serial_number = boot.get("chargePointSerialNumber") or boot.get("chargeBoxSerialNumber")
        self._serial_number = str(serial_number) if serial_number else None
        said = (boot.get(field) for field in ("chargePointVendor", "chargePointModel", "firmwareVersion"))
        self.recognise(*(str(word) if word else "" for word in said))
        self._registration = Registration(response["status"])
        self._clock_doubted = self._quirks.distrust_clock_until_heartbeat
        self._calls.pause(self._settle_s)


def _retrieved(pong: asyncio.Future[Any]) -> None:
    """Look at a pong's exception, so that nobody complains: the connection ended before it came."""
    if not pong.cancelled():
        pong.exception()
