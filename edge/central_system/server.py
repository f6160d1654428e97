"""The OCPP-J server: the opening handshake, then one `Connection` per charge point."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from contract.events import ChargePointConnected, ChargePointDisconnected
from edge.central_system import identity, refusals
from edge.central_system.connection import GOING_AWAY, Connection, Desk
from edge.central_system.line import Line
from edge.central_system.refusals import Refusals
from edge.central_system.registry import Registry
from edge.central_system.station_security import Door, Verdict
from edge.domain.registration import Registration
from edge.errors import StoreUnavailableError
from edge.operations.from_charge_point.request import subject
from edge.store import charge_points
from edge.store.readers import Readers
from edge.store.writer import WriteTx

OCPP16 = Subprotocol("ocpp1.6")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""A StopTransaction of several days with its `transactionData` may have some MiB."""
RETRY_AFTER_S = 10
REFUSALS_FLUSH_S = 10.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """Where and how charge points are listened for."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    allow_missing_subprotocol: bool = True
    ping_interval_s: float = 30.0
    silence_s: float = 900.0
    """A connection with no frame of any kind for this long is closed: at least three times the heartbeat interval."""


class CentralSystem:
    """Listens for charge points until `close`."""

    def __init__(self, listener: Listener, door: Door, desk: Desk, readers: Readers) -> None:
        self.registry = Registry()
        self._listener = listener
        self._door = door
        self._desk = desk
        self._readers = readers
        self._refusals = Refusals()
        self._server: Server | None = None
        self._closing = False

    @property
    def port(self) -> int:
        """The port that is listened on; tells which one was free when the setting is 0."""
        if self._server is None:
            return self._listener.port
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the address cannot be bound.
        """
        self._server = await serve(
            self._serve,
            self._listener.host,
            self._listener.port,
            ssl=self._listener.tls,
            process_request=self._process_request,
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
        if self._server is not None:
            self._server.close(close_connections=False)
            await self.close_connections("the central system restarts")
            await self._server.wait_closed()
        await self._record_refusals()

    async def close_connections(self, reason: str) -> None:
        """Close every connection: offline, a charge point keeps its records and comes back."""
        await asyncio.gather(
            *(connection.close(GOING_AWAY, reason) for connection in self.registry.all()), return_exceptions=True
        )

    async def patrol(self) -> None:
        """Ping all connections and close those that have been silent for too long, until cancelled."""
        while True:
            await asyncio.sleep(self._listener.ping_interval_s)
            oldest = self._desk.clock.monotonic() - self._listener.silence_s
            connections = self.registry.all()
            silent = [connection for connection in connections if connection.last_heard < oldest]
            await asyncio.gather(
                *(connection.close(GOING_AWAY, "nothing was heard for too long") for connection in silent),
                *(connection.ping() for connection in connections if connection not in silent),
            )

    async def flush_refusals(self) -> None:
        """Put what was refused into the ledger from time to time, until cancelled."""
        while True:
            await asyncio.sleep(REFUSALS_FLUSH_S)
            await self._record_refusals()

    async def _record_refusals(self) -> None:
        if not self._refusals:
            return
        counts, now = self._refusals.take(), self._desk.clock.now()
        try:
            await self._desk.writer.run(partial(refusals.record, counts, now=now))
        except StoreUnavailableError:
            self._refusals.put_back(counts)

    def _process_request(self, websocket: ServerConnection, request: Request) -> Response | None:
        """Decide before the upgrade: afterwards a charge point would believe itself connected."""
        if not self._desk.writer.healthy:
            response = websocket.respond(503, "The store is not available; try again later.\n")
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        who = identity.from_path(request.path)
        if who is None:
            return websocket.respond(404, "The URL must end with the charge point's identity.\n")
        authorization = _only(request.headers.get_all("Authorization"))
        verdict = self._readers.run_now(lambda db: self._door.judge(db, who, authorization))
        line = cast("Line", websocket)  # `open` asks the library for lines
        line.charge_point, line.authenticated = who, verdict is Verdict.WELCOME
        if verdict in (Verdict.WELCOME, Verdict.NEWCOMER):
            return None
        self._refusals.add(verdict.name.lower(), who)
        _log.warning("connection_refused", charge_point=who, why=verdict.name.lower())
        if verdict is Verdict.UNKNOWN:
            return websocket.respond(404, "This charge point is not known at this site.\n")
        response = websocket.respond(401, "Basic authentication with the charge point's own key is needed.\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="gardu", charset="UTF-8"'
        return response

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
            why = await self._attend(connection)
        finally:
            if older is not None:
                await closing
            if self.registry.remove(connection):
                _log.info("charge_point_disconnected", charge_point=who, reason=why)
                await self._leave(who, why)

    async def _attend(self, connection: Connection) -> str:
        who, address, now = connection.charge_point, connection.remote_address, self._desk.clock.now()
        if self._closing:
            return "the central system stops"
        try:
            connection.register(await self._desk.writer.run(lambda tx: _arrive(who, address, tx, now)))
        except StoreUnavailableError:
            return "the store is not available"
        _log.info("charge_point_connected", charge_point=who, remote_address=address)
        return await connection.serve()

    async def _leave(self, who: str, why: str) -> None:
        now = self._desk.clock.now()
        event = ChargePointDisconnected(charge_point=who, reason=why)
        try:
            await self._desk.writer.run(lambda tx: tx.emit(event, subject=subject(who), occurred_at=now))
        except StoreUnavailableError:
            _log.warning("disconnection_not_recorded", charge_point=who)


def _arrive(who: str, remote_address: str, tx: WriteTx, now: datetime) -> Registration:
    """Record a connection; a newcomer becomes known as Pending."""
    known = charge_points.find(tx.connection, who)
    if known is None:
        charge_points.put(tx.connection, who, Registration.PENDING, now)
    charge_points.record_seen(tx.connection, who, now)
    tx.emit(
        ChargePointConnected(charge_point=who, remote_address=remote_address), subject=subject(who), occurred_at=now
    )
    return Registration.PENDING if known is None else known.registration


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _quiet_logger() -> logging.Logger:
    """Let the library report what is our fault, not each stranger's broken handshake."""
    logger = logging.getLogger("websockets.server")
    logger.setLevel(logging.CRITICAL)
    return logger
