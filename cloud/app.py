"""Put the rooms together: the table of appliers, the application, and the server that runs it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import version
from types import FrameType
from urllib.parse import urlsplit

import structlog
import uvicorn
from fastapi import FastAPI, Response, status

from cloud.alarms import appliers as of_alarms
from cloud.alarms import endpoints as _alarms
from cloud.auth.admission import Admission
from cloud.auth.doors import LOOPBACK_NAMES, Doors
from cloud.auth.edges import admit_message
from cloud.auth.throttle import Throttle
from cloud.auth.turnstile import Turnstile
from cloud.charge_points import appliers as of_charge_points
from cloud.charge_points import endpoints as _charge_points
from cloud.clock import Clock, now
from cloud.commands import appliers as of_commands
from cloud.commands import endpoints as _commands
from cloud.commands.exchanges import commands
from cloud.commands.service.abandoning import abandon
from cloud.commands.service.expiring import expire_for_ever
from cloud.commands.service.waking import site_of
from cloud.commands.service.watching import Watch
from cloud.config import Settings
from cloud.db.database import Database
from cloud.db.listening import listen
from cloud.db.partitions import make_ahead
from cloud.db.schema import migrate, require_current
from cloud.directory import appliers as of_directory
from cloud.directory import endpoints as _directory
from cloud.directory.exchanges import directory
from cloud.directory.service.pulling import forget_removed
from cloud.enrolment import endpoints as _enrolment
from cloud.enrolment.passwords import PasswordFile, keep_password_file
from cloud.errors import ConfigurationError, GarduCloudError
from cloud.ingest import appliers as of_ingest
from cloud.ingest import dead_letter_endpoints as _dead_letters
from cloud.ingest import endpoints as _ingest
from cloud.ingest.exchanges import events, greeting
from cloud.ingest.service.upgrading import apply_unknown
from cloud.live import endpoints as _live
from cloud.live.exchanges import live
from cloud.models.epochs import ReimagedHooks
from cloud.models.received import Appliers
from cloud.mqtt.consumer import Broker, Consumer
from cloud.mqtt.exchanges import Handlers, Request, admitting
from cloud.observability.problems import handle_problems
from cloud.observability.requests import RequestLog
from cloud.reconciliation import appliers as of_reconciliation
from cloud.reconciliation import endpoints as _reconciliation
from cloud.sites import appliers as of_sites
from cloud.sites import endpoints as _sites
from cloud.transactions import appliers as of_transactions
from cloud.transactions import endpoints as _transactions
from cloud.upkeep.hourly import Job, keep_up
from cloud.upkeep.retention import FOR_EVER, Ages, forget
from contract.digests import DayDigested
from contract.directory_events import DirectoryApplied
from contract.edge_events import ChargePointRemoved
from contract.events import (
    AlarmCleared,
    AlarmRaised,
    AuthorizationDecided,
    ChargePointBooted,
    ChargePointConnected,
    ChargePointDisconnected,
    CommandProgressed,
    ConnectorStatusChanged,
    DataTransferReceived,
    DiagnosticsStatusChanged,
    EdgeStarted,
    FirmwareStatusChanged,
    IdTagChanged,
    MeterValuesSampled,
    RemoteStartConcluded,
    SecurityEventRecorded,
    TransactionReopened,
    TransactionStarted,
    TransactionStopped,
)
from contract.mqtt import Exchange, up

_log = structlog.stdlib.get_logger(__name__)

APPLIERS: Appliers = {
    TransactionStarted.TYPE: (of_transactions.started, of_charge_points.seen),
    TransactionStopped.TYPE: (of_transactions.stopped, of_charge_points.seen),
    TransactionReopened.TYPE: (of_transactions.reopened, of_charge_points.seen),
    MeterValuesSampled.TYPE: (of_transactions.sampled, of_charge_points.sampled),
    AuthorizationDecided.TYPE: (of_charge_points.seen,),
    SecurityEventRecorded.TYPE: (),
    AlarmRaised.TYPE: (of_alarms.raised,),
    AlarmCleared.TYPE: (of_alarms.cleared,),
    IdTagChanged.TYPE: (of_directory.id_tag_changed,),
    DirectoryApplied.TYPE: (of_directory.directory_applied,),
    CommandProgressed.TYPE: (of_commands.progressed,),
    RemoteStartConcluded.TYPE: (of_commands.remote_start_concluded, of_charge_points.seen),
    DayDigested.TYPE: (of_reconciliation.digested,),
    EdgeStarted.TYPE: (of_sites.edge_started, of_charge_points.edge_started),
    ChargePointConnected.TYPE: (of_charge_points.connected,),
    ChargePointDisconnected.TYPE: (of_charge_points.disconnected,),
    ChargePointBooted.TYPE: (of_charge_points.booted,),
    ChargePointRemoved.TYPE: (of_charge_points.removed,),
    ConnectorStatusChanged.TYPE: (of_charge_points.status_changed,),
    FirmwareStatusChanged.TYPE: (of_ingest.keep_raw, of_charge_points.seen),
    DiagnosticsStatusChanged.TYPE: (of_ingest.keep_raw, of_charge_points.seen),
    DataTransferReceived.TYPE: (of_ingest.keep_raw, of_charge_points.seen),
}
"""What each event means to the modules. A type that is not here is kept until a release knows it."""

LATE_APPLIERS: Appliers = {
    **APPLIERS,
    **dict.fromkeys(
        (
            DirectoryApplied.TYPE,
            EdgeStarted.TYPE,
            DayDigested.TYPE,
            ChargePointConnected.TYPE,
            ChargePointDisconnected.TYPE,
            ChargePointRemoved.TYPE,
            ConnectorStatusChanged.TYPE,
        ),
        (of_ingest.keep_raw,),
    ),
}
"""What an event means that is applied long after its turn: what told of a passing state is history by then."""

REIMAGED: ReimagedHooks = (abandon,)
"""What the modules do when an edge begins anew."""

_MODULES = (
    _sites,
    _charge_points,
    _transactions,
    _alarms,
    _commands,
    _directory,
    _enrolment,
    _live,
    _reconciliation,
    _ingest,
    _dead_letters,
)

_STOP_WITHIN_S = 5
_KEEP_ALIVE_S = 75
"""Longer than proxies and edges keep a silent connection: they close it, and no request meets a closing door."""
_DATABASE_PATIENCE_S = 60.0
_THREAD_TURN_S = 0.0005
"""How long a thread may compute while another waits for its turn. A batch asks the database dozens of times, and after
each answer it would wait out Python's own 5 ms behind every batch that is being read, while the database is idle."""
_BACKLOG = 2048


def create_app(
    database: Database,
    *,
    clock: Clock = now,
    hosts: Iterable[str] = (),
    broker: Broker | None = None,
    passwords: PasswordFile | None = None,
    ages: Ages = FOR_EVER,
    admission: Admission | None = None,
) -> FastAPI:
    """The application on a database whose schema is current.

    Args:
        database: where everything is.
        clock: what time it is.
        hosts: names that we answer to, besides the loopback ones.
        broker: where edges speak over MQTT, besides HTTPS; `None`: nowhere.
        passwords: the broker's password file, to be kept; `None`: somebody else does.
        ages: how old records may become.
        admission: how many requests of edges are taken at once; `None`: all.
    """
    app = FastAPI(
        title="Gardu cloud",
        version=version("gardu"),
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.database, app.state.clock = database, clock
    app.state.appliers, app.state.reimaged = APPLIERS, REIMAGED
    app.state.late_appliers, app.state.ages = LATE_APPLIERS, ages
    app.state.consumer = None if broker is None else _consumer(broker, database, clock)
    app.state.throttle, app.state.passwords = Throttle(), passwords
    for module in _MODULES:
        app.include_router(module.router)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_api_route("/readyz", _readyz(database), include_in_schema=False)
    handle_problems(app)
    if admission is not None:
        app.add_middleware(Turnstile, admission=admission)
    app.add_middleware(Doors, hosts={*hosts, *LOOPBACK_NAMES})
    app.add_middleware(RequestLog)
    return app


async def _healthz() -> Response:  # on the event loop: whether we live is no question for a busy thread
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _readyz(database: Database) -> Callable[[], Response]:
    def readyz() -> Response:
        try:
            require_current(database)
        except GarduCloudError as error:
            _log.warning("not ready", reason=str(error))
            return Response(status_code=status.HTTP_503_SERVICE_UNAVAILABLE)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    return readyz


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        jobs = [
            tasks.create_task(expire_for_ever(app.state.database, app.state.clock)),
            tasks.create_task(keep_up(_upkeep(app.state.database, app.state.clock, app.state.ages))),
            tasks.create_task(listen(app.state.database)),
            tasks.create_task(Watch(app.state.database).look_for_ever()),
        ]
        if app.state.passwords is not None:
            jobs.append(tasks.create_task(keep_password_file(app.state.database, app.state.passwords)))
        if app.state.consumer is not None:
            jobs.append(tasks.create_task(app.state.consumer.run()))
        yield
        for job in jobs:
            job.cancel()


def _upkeep(database: Database, clock: Clock, ages: Ages) -> dict[str, Job]:
    return {
        "partitions made ahead": lambda: make_ahead(database, clock()),
        "events known by now": lambda: sum(apply_unknown(database, LATE_APPLIERS, clock())),
        "directory entries forgotten": lambda: forget_removed(database, clock()),
        "grown too old": lambda: forget(database, ages, clock()),
    }


def _consumer(broker: Broker, database: Database, clock: Clock) -> Consumer:
    handlers: Handlers = {
        Exchange.GREETING: lambda asked: greeting(database, clock, REIMAGED, asked.edge, asked.body),
        Exchange.EVENTS: lambda asked: events(database, clock, APPLIERS, asked.edge, asked.body, asked.encoding),
        Exchange.DIRECTORY: lambda asked: directory(database, clock, asked.edge, asked.body),
        Exchange.LIVE: lambda asked: live(database, clock, asked.edge, asked.body),
        Exchange.COMMANDS: lambda asked: commands(database, clock, asked.edge, asked.body),
    }

    def admit(exchange: Exchange, asked: Request) -> None:
        admit_message(database, asked.edge, up(asked.edge, exchange), asked.token, asked.body, clock())

    consumer = Consumer(broker, admitting(admit, handlers))

    def tap(key: str) -> None:
        if (site := site_of(key)) is not None:
            consumer.ring(site)

    database.bell.taps.append(tap)
    return consumer


class Server(uvicorn.Server):
    """uvicorn, which says once where it listens, and wakes all long polls before it waits for them to end."""

    def __init__(self, config: uvicorn.Config, database: Database, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._database = database
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the doors, and let those who are inside finish."""
        self._database.bell.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop is no failure: unlike uvicorn's own handler this does not raise it again at the end."""
        del sig, frame
        self.force_exit = self.should_exit  # asked twice: no more waiting
        self.should_exit = True


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until a signal ends it.

    Args:
        settings: checked ones.
        announce: gets one line when requests are answered.

    Raises:
        GarduCloudError: the database or the address cannot be used.
    """
    sys.setswitchinterval(_THREAD_TURN_S)
    database = Database(settings.database_url)
    database.wait_until_up(_DATABASE_PATIENCE_S, announce)
    if settings.migrate_on_start:
        migrate(database)
    require_current(database)
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.has_tls else "http"

    def ready() -> None:
        announce(f"gardu-cloud {version('gardu')} is ready at {scheme}://{host}:{port}")

    hosts = {*settings.allowed_hosts, settings.host.lower()}
    app = create_app(
        database,
        hosts=hosts,
        broker=_broker(settings),
        passwords=_passwords(settings),
        ages=_ages(settings),
        admission=Admission(settings.edge_requests_at_work, settings.edge_requests_wait_s),
    )
    config = _uvicorn(app, settings)
    with suppress(KeyboardInterrupt):
        Server(config, database, ready).run([listener])
    database.close()


def _ages(settings: Settings) -> Ages:
    return Ages(
        meter_values=timedelta(days=settings.keep_meter_values_days),
        raw_events=timedelta(days=settings.keep_raw_events_days),
        commands=timedelta(days=settings.keep_ended_commands_days),
    )


def _broker(settings: Settings) -> Broker | None:
    if settings.mqtt_url is None:
        return None
    url = urlsplit(settings.mqtt_url)
    tls = ssl.create_default_context(cafile=settings.mqtt_ca) if url.scheme == "mqtts" else None
    password = settings.mqtt_password
    return Broker(
        host=url.hostname or "",
        port=url.port or (8883 if tls else 1883),
        username=settings.mqtt_username,
        password=None if password is None else password.get_secret_value(),
        tls=tls,
    )


def _passwords(settings: Settings) -> PasswordFile | None:
    file, user, password = settings.mqtt_password_file, settings.mqtt_username, settings.mqtt_password
    if file is None or user is None or password is None:
        return None
    return PasswordFile(file, user, password.get_secret_value())


def _uvicorn(app: FastAPI, settings: Settings) -> uvicorn.Config:
    proxy = settings.proxy_network
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}.",
            hint="Is another gardu-cloud running? Choose a free GARDU_CLOUD_PORT and an address of this machine.",
        ) from error
