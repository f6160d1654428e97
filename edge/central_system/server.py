"""The OCPP-J server: the opening handshake, then one `Connection` per charge point."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.typing import Subprotocol

from contract.events import ChargePointConnected, ChargePointDisconnected
from edge.central_system import refusals
from edge.central_system.connection import GOING_AWAY, Connection, Desk
from edge.central_system.gate import Entrance, Gate
from edge.central_system.line import Line
from edge.central_system.logins import Login, record_login
from edge.central_system.refreshing import Refresher
from edge.central_system.refusals import Refusals
from edge.central_system.registry import Registry
from edge.central_system.station_security import Door
from edge.domain import patience
from edge.domain.alarms import AlarmKind
from edge.domain.duplicates import Origin, Takeovers
from edge.domain.registration import Registration
from edge.domain.security_profile import SecurityProfile
from edge.errors import StoreUnavailableError
from edge.operations.from_charge_point import security_event_notification
from edge.operations.from_charge_point.request import subject
from edge.store import alarms, charge_points, connectors, security_tallies, upkeep_tasks
from edge.store.charge_points import ChargePoint
from edge.store.readers import Readers
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx

OCPP16 = Subprotocol("ocpp1.6")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""A StopTransaction of several days with its `transactionData` may have some MiB."""
REFUSALS_FLUSH_S = 10.0
POLICY_VIOLATION = 1008
LOOKS_PER_PING = 4
"""Looks for silent connections per ping interval, so that a dead one is found in time and not an interval later."""
LONGEST_BETWEEN_LOOKS_S = 5.0
"""Some need pings more often than the site sends them."""
UNAUTHENTICATED = "Whoever reaches this address is believed to be any charge point: keep its network closed."

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """Where and how charge points are listened for."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    security_profile: SecurityProfile = SecurityProfile.BASIC
    further: tuple[Entrance, ...] = ()
    """Other addresses, each with a security profile of its own."""
    allow_missing_subprotocol: bool = True
    ping_interval_s: float = 30.0
    heartbeat_interval_s: float = 300.0
    """What charge points are told; those that never answer a ping are judged by it."""

    @property
    def entrances(self) -> list[Entrance]:
        """All addresses, this one first."""
        return [Entrance(self.host, self.port, self.security_profile, self.tls), *self.further]


class CentralSystem:
    """Listens for charge points until `close`."""

    def __init__(self, listener: Listener, door: Door, desk: Desk, readers: Readers) -> None:
        self.registry = Registry()
        self._listener = listener
        self._desk = desk
        self._readers = readers
        self._refusals = Refusals()
        self._gate = Gate(door, desk, readers, self._refusals)
        self._servers: list[Server] = []
        self._takeovers = Takeovers()
        self._refresher = Refresher(readers, desk.refresh_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The first port that is listened on; tells which one was free when the setting is 0."""
        return self.ports[0] if self._servers else self._listener.port

    @property
    def addresses(self) -> list[str]:
        """Where it shall listen, for people."""
        return [entrance.address for entrance in self._listener.entrances]

    @property
    def ports(self) -> list[int]:
        """All ports that are listened on, the first entrance's first."""
        return [int(next(iter(server.sockets)).getsockname()[1]) for server in self._servers]

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: an address cannot be bound.
        """
        self._desk.deafness.restore(self._readers.run_now(lambda db: alarms.standing(db, AlarmKind.CALLS_UNANSWERED)))
        for entrance in self._listener.entrances:
            if entrance.profile is SecurityProfile.NONE:
                _log.warning("unauthenticated_entrance", address=entrance.address, hint=UNAUTHENTICATED)
            self._servers.append(await self._serve_at(entrance))

    async def _serve_at(self, entrance: Entrance) -> Server:
        return await serve(
            self._serve,
            entrance.host,
            entrance.port,
            ssl=entrance.tls,
            process_request=partial(self._gate.process, entrance.profile),
            select_subprotocol=self._select_subprotocol,
            compression=None,
            ping_interval=None,
            max_size=MAX_MESSAGE_BYTES,
            server_header=None,
            close_timeout=3,
            logger=_quiet_logger(),
            create_connection=Line,
        )

    async def close(self) -> None:
        """Stop listening and say goodbye to every charge point."""
        self._closing = True
        for server in self._servers:
            server.close(close_connections=False)
        await self.close_connections("the central system restarts")
        for server in self._servers:
            await server.wait_closed()
        self._gate.close()
        await self._record_refusals(all_of_them=True)

    async def close_connections(self, reason: str) -> None:
        """Close every connection: offline, a charge point keeps its records and comes back."""
        await asyncio.gather(
            *(connection.close(GOING_AWAY, reason) for connection in self.registry.all()), return_exceptions=True
        )

    async def patrol(self) -> None:
        """Ping all connections and close those that have been silent for too long, until cancelled."""
        look_s = min(self._listener.ping_interval_s / LOOKS_PER_PING, LONGEST_BETWEEN_LOOKS_S)
        while True:
            await asyncio.sleep(look_s)
            for connection in self.registry.all():
                self._look_at(connection, look_s)

    def _look_at(self, connection: Connection, look_s: float) -> None:
        now_s = self._desk.clock.monotonic()
        interval_s = connection.ping_interval_s(self._listener.ping_interval_s)
        bears_s = patience.bears_s(interval_s, self._listener.heartbeat_interval_s, pongs=connection.pongs)
        if now_s - connection.last_heard > bears_s - look_s:  # the next look would come too late
            self._background(connection.close(GOING_AWAY, "nothing was heard for too long"))
        elif now_s - connection.pinged > interval_s - look_s / 2:
            connection.send_ping()

    def _background(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def flush_refusals(self) -> None:
        """Put what was refused or reported, and merged, into the ledger from time to time, until cancelled."""
        while True:
            await asyncio.sleep(REFUSALS_FLUSH_S)
            try:
                await self._record_refusals()
                await self._record_tallies()
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("refusals_not_recorded")

    async def _record_tallies(self) -> None:
        now = self._desk.clock.now()
        if not self._readers.run_now(lambda db: security_tallies.is_due(db, now)):
            return
        try:
            await self._desk.writer.run(partial(security_event_notification.flush, now=now))
        except StoreUnavailableError:
            return  # they lie in the store

    async def _record_refusals(self, *, all_of_them: bool = False) -> None:
        counts = self._refusals.take(self._desk.clock.monotonic(), all_of_them=all_of_them)
        if not counts:
            return
        now = self._desk.clock.now()
        try:
            await self._desk.writer.run(partial(refusals.record, counts, now=now))
        except StoreUnavailableError:
            self._refusals.put_back(counts)

    def _select_subprotocol(self, _: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        if OCPP16 in offered:
            return OCPP16
        if not offered and self._listener.allow_missing_subprotocol:
            return None
        raise NegotiationError("this central system speaks ocpp1.6")

    async def _serve(self, websocket: ServerConnection) -> None:
        connection = Connection(cast("Line", websocket), self._desk)
        who = connection.charge_point
        older = self.registry.put(connection)  # before the first write: the older one's end then says nothing of us
        if older is not None:
            _log.info("connection_replaced", charge_point=who)
            closing = asyncio.create_task(older.close(GOING_AWAY, "a newer connection took over"))
        why = "the central system failed"
        try:
            if older is not None and self._takeovers.replaced(who, older.origin, self._desk.clock.monotonic()):
                why = await self._keep_out(connection, older.origin)
            else:
                why = await self._attend(connection)
        except Exception:
            _log.exception("connection_handler_broke", charge_point=who)
            raise
        finally:
            if older is not None:
                await closing
            if self.registry.remove(connection):
                _log.info("charge_point_disconnected", charge_point=who, reason=why)
                await self._leave(who, why)

    async def _attend(self, connection: Connection) -> str:
        who, address, now = connection.charge_point, connection.remote_address, self._desk.clock.now()
        login = connection.login
        probe_at = now + timedelta(seconds=self._desk.boot_grace_s + self._desk.policy.upkeep_after_boot_s)
        if self._closing:
            return "the central system stops"
        try:
            known = await self._desk.writer.run(lambda tx: _arrive(who, address, login, tx, now, probe_at))
        except StoreUnavailableError:
            return "the store is not available"
        if known is not None:
            connection.register(known.registration)
            connection.recognise(known.vendor, known.model, known.firmware_version)
        _log.info("charge_point_connected", charge_point=who, remote_address=address)
        calling = partial(connection.call, may_send=lambda: True)
        refreshing = asyncio.create_task(self._refresher.refresh(who, calling))
        try:
            return await connection.serve()
        finally:
            refreshing.cancel()

    async def _keep_out(self, connection: Connection, other: Origin) -> str:
        """Refuse an identity to both devices that use it, until a person released it (`Verdict.DUPLICATE`)."""
        why = "two devices use this identity"
        detail = f"{other.serial_number or 'a device'} at {other.address}, another at {connection.remote_address}"
        raising = partial(
            alarms.raise_alarm,
            kind=AlarmKind.DUPLICATE_IDENTITY,
            charge_point=connection.charge_point,
            detail=detail,
            now=self._desk.clock.now(),
        )
        _log.warning("duplicate_identity", charge_point=connection.charge_point, detail=detail)
        try:
            await self._desk.writer.run(raising)
        except StoreUnavailableError:
            why = "the store is not available"
        await connection.close(POLICY_VIOLATION, why)
        return why

    async def _leave(self, who: str, why: str) -> None:
        now = self._desk.clock.now()
        event = ChargePointDisconnected(charge_point=who, reason=why)

        def depart(tx: WriteTx) -> None:
            connectors.mark_stale(tx.connection, now, who)
            charge_points.record_seen(tx.connection, who, now)
            tx.emit(event, subject=subject(who), occurred_at=now)

        try:
            await self._desk.writer.run(depart)
        except StoreUnavailableError:
            _log.warning("disconnection_not_recorded", charge_point=who)


def _arrive(
    who: str, remote_address: str, login: Login | None, tx: WriteTx, now: datetime, probe_at: datetime
) -> ChargePoint | None:
    """Record a connection; a newcomer becomes known as Pending. Gives what was known of it before.

    An accepted one that has not booted until `probe_at` is asked for something harmless: its boot strikes that out.
    """
    known = charge_points.find(tx.connection, who)
    if known is None:
        charge_points.put(tx.connection, who, Registration.PENDING, now)
    elif known.registration is Registration.ACCEPTED:
        upkeep_tasks.demand(tx.connection, who, TaskKind.PROBE, probe_at)
    charge_points.record_seen(tx.connection, who, now)
    connectors.mark_stale(tx.connection, now, who)  # a connection that is replaced has no end of its own
    if login is not None:
        record_login(tx, who, login, now)
    tx.emit(
        ChargePointConnected(charge_point=who, remote_address=remote_address), subject=subject(who), occurred_at=now
    )
    return known


def _quiet_logger() -> logging.Logger:
    """Let the library not report each stranger's broken handshake; what is our fault we tell ourselves."""
    logger = logging.getLogger("websockets.server")
    logger.setLevel(logging.CRITICAL)
    return logger
