"""The edge process put together: every room gets its plain values and its neighbours here, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from starlette.types import ASGIApp

from contract.events import EdgeStarted
from edge.api.app import create_api
from edge.api.collaborators import LinkStatus
from edge.api.doors import ApiKey, Doors
from edge.api.server import served
from edge.central_system.connection import Desk
from edge.central_system.entrances import Certificates, Entrances
from edge.central_system.gate import Entrance
from edge.central_system.server import CentralSystem, Listener
from edge.central_system.station_security import Door
from edge.clock import Clock
from edge.config import ApiSettings, FilesSettings, Settings
from edge.domain.commissioning import CommissioningWindow
from edge.domain.configuration import RECOMMENDED
from edge.domain.keys import SALT_BYTES, hash_key
from edge.domain.orphans import Patience
from edge.domain.policy import Policy
from edge.domain.registration import UnknownChargePoints
from edge.errors import ConfigurationError
from edge.observability import collector
from edge.operations.certificate_delivery import CertificateDelivery
from edge.operations.chores import Chores, note_clock
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point.operator import Operator
from edge.operations.watch import Watch
from edge.relay.relay import Relay
from edge.store import connectors, migrations, transaction_changes
from edge.store.database import claimed, connect, make_folder
from edge.store.file_exchange import Files
from edge.store.housekeeping import Housekeeper, Keeping
from edge.store.journal_writer import Record, kept_journal
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from edge.sync.backoff import Pace
from edge.sync.carriers import carrier_to
from edge.sync.pushing import Edge
from edge.sync.syncer import LinkCondition, Syncer
from edge.upkeep.files import FileDesk, create_files
from edge.upkeep.rollout import Rollouts
from edge.upkeep.visit import Choices, Tools
from edge.upkeep.worker import Upkeep, works

if TYPE_CHECKING:
    from edge.store.authority import Authority


_log = structlog.get_logger()


async def run(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Run the edge until SIGTERM or SIGINT.

    Raises:
        GarduEdgeError: it cannot start; nothing was changed.
    """
    make_folder(settings.data_dir)
    stop = _stop_on_signal()
    async with _started(settings) as edge:
        collector.spare()
        announce(edge.where(settings))
        await stop.wait()
        _log.info("stopping")


@dataclass(frozen=True, slots=True)
class _Edge:
    """The parts that others ask for."""

    central_system: CentralSystem
    api_port: int

    def where(self, settings: Settings) -> str:
        scheme = "wss" if settings.central_system.first_profile.over_tls else "ws"
        api_scheme = "https" if settings.api.tls_cert else "http"
        cloud = settings.cloud.url or "none: this edge works on its own"
        wildcard = settings.central_system.host in ("0.0.0.0", "::")  # noqa: S104 - comparing, not binding
        host = "<this machine's address>" if wildcard else settings.central_system.host
        return (
            f"Gardu edge {version('gardu')} of {settings.site} is ready\n"
            f"  charge points   {scheme}://{host}:{self.central_system.port}/<identity>\n"
            f"  local API       {api_scheme}://{settings.api.host}:{self.api_port}/docs\n"
            f"  database        {settings.database}\n"
            f"  cloud           {cloud}"
        )


@contextlib.asynccontextmanager
async def _started(settings: Settings, clock: Clock | None = None) -> AsyncIterator[_Edge]:
    """Start in the order of need, and stop in the reverse: first no new work, last the store."""
    with claimed(settings.data_dir):
        for step in migrations.migrate(settings.database):
            _log.info("database_migrated", step=step)
        async with _running(settings, clock or Clock()) as edge:
            yield edge


@contextlib.asynccontextmanager
async def _running(settings: Settings, clock: Clock) -> AsyncIterator[_Edge]:
    connection = connect(settings.database)
    readers = Readers(settings.database)
    hooks = _Hooks()
    writer = Writer(connection, clock, on_events=hooks.on_events, on_failure=hooks.on_failure)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(connection.close)
        stack.callback(readers.close)
        await stack.enter_async_context(_tasks(writer.work()))
        stack.push_async_callback(writer.close)
        await writer.run(lambda tx: _record_start(tx, clock))
        record, frames = stack.enter_context(kept_journal(settings.journal_file, clock, **dict(settings.journal)))
        unknown = settings.central_system.unknown_charge_points
        window = CommissioningWindow(always_open=unknown is UnknownChargePoints.PENDING)
        entrances = _entrances(settings, writer, clock)
        central_system = _central_system(settings, writer, readers, clock, window, record, await entrances.build())
        hooks.central_system = central_system
        remote_starts = RemoteStarts(
            writer, readers, clock, timedelta(seconds=settings.central_system.connection_timeout_s)
        )
        chores = _chores(settings, writer, clock)
        operator = Operator(central_system.registry, readers, writer, remote_starts, clock, chores.take_rejected_stop)
        delivery = CertificateDelivery(
            writer, readers, clock, operator.perform_in_time, central_system.registry.connected, entrances.authority
        )
        relay = Relay(writer=writer, readers=readers, clock=clock, perform=operator.perform)
        syncer = await _syncer(settings, writer, readers, clock, relay, stack)
        hooks.syncer = syncer
        await _open(central_system)
        stack.push_async_callback(central_system.close)
        hooks.housekeeper = _housekeeper(settings, writer, readers, clock)
        choices = _choices(settings)
        files = Files(settings.data_dir / "files", settings.files.url)
        tools = Tools(writer, readers, clock, operator.perform, choices)
        upkeep = Upkeep(tools, central_system.registry, works(choices))
        jobs = [
            chores.look_for_lost_stops(),
            chores.note_the_clock(),
            writer.probe(),
            central_system.patrol(),
            central_system.flush_refusals(),
            delivery.run(),
            relay.run(),
            remote_starts.watch(),
            hooks.housekeeper.run(),
            upkeep.run(),
            Watch(writer, clock, central_system.registry.connected, lambda: _link_up(syncer)).run(),
            Rollouts(tools, central_system.registry, files).run(),
        ]
        if syncer is not None:
            jobs.append(syncer.run())
        await stack.enter_async_context(_tasks(*jobs))
        api = create_api(
            site=settings.site,
            readers=readers,
            writer=writer,
            clock=clock,
            caller=central_system.registry,
            perform=operator.perform_in_time,
            link_status=lambda: _link_status(syncer),
            ready=lambda: writer.healthy,
            doors=_doors(settings.api),
            window=window,
            site_configuration=choices.site_configuration,
            files=files,
            frames=frames,
            authority=entrances.authority,
            on_root_change=entrances.follow,
        )
        if files.url is not None:
            desk = FileDesk(files, readers, writer, clock)
            await stack.enter_async_context(_served(create_files(desk), settings.files))
        api_port = await stack.enter_async_context(_served(api, settings.api))
        yield _Edge(central_system, api_port)


class _Hooks:
    """Breaks the circle: the writer tells the syncer and the central system, which both need the writer."""

    syncer: Syncer | None = None
    central_system: CentralSystem | None = None
    housekeeper: Housekeeper | None = None

    def on_events(self) -> None:
        if self.syncer is not None:
            self.syncer.wake()

    def on_failure(self) -> None:
        if self.housekeeper is not None:
            self.housekeeper.release_ballast()
        if self.central_system is not None:
            self._closing = asyncio.ensure_future(self.central_system.close_connections("the store is not available"))


def _chores(settings: Settings, writer: Writer, clock: Clock) -> Chores:
    chosen = settings.transactions
    patience = Patience(
        suspect=timedelta(seconds=chosen.lost_stop_patience_s), silent=timedelta(hours=chosen.silence_h)
    )
    return Chores(writer, clock, patience, chosen.sweep_interval_s)


def _housekeeper(settings: Settings, writer: Writer, readers: Readers, clock: Clock) -> Housekeeper:
    disk = settings.disk
    keeping = Keeping(
        acknowledged=timedelta(days=disk.keep_acknowledged_days),
        meter_values=timedelta(days=disk.keep_meter_values_days),
        check_every_s=disk.check_every_s,
        ballast_bytes=disk.ballast_mib * 1024 * 1024,
    )
    return Housekeeper(writer=writer, readers=readers, clock=clock, path=settings.database, keeping=keeping)


def _central_system(
    settings: Settings,
    writer: Writer,
    readers: Readers,
    clock: Clock,
    window: CommissioningWindow,
    record: Record,
    entrances: list[Entrance],
) -> CentralSystem:
    chosen = settings.central_system
    policy = Policy(
        heartbeat_interval_s=chosen.heartbeat_interval_s,
        upkeep_after_boot_s=settings.upkeep.after_boot_s,
        cache_days=chosen.id_tag_cache_days or None,
        known_vendor_messages={
            vendor: frozenset(messages) for vendor, messages in chosen.known_vendor_messages.items()
        },
    )
    first, *others = entrances
    listener = Listener(
        host=chosen.host,
        port=chosen.port,
        tls=first.tls,
        security_profile=first.profile,
        further=tuple(others),
        allow_missing_subprotocol=chosen.allow_missing_subprotocol,
        ping_interval_s=chosen.ping_interval_s,
        heartbeat_interval_s=chosen.heartbeat_interval_s,
    )
    desk = Desk(
        writer,
        clock,
        policy,
        call_timeout_s=chosen.call_timeout_s,
        settle_s=chosen.settle_s,
        record=record,
        boot_grace_s=chosen.boot_grace_s,
    )
    door = Door(chosen.unknown_charge_points, lambda: window.left_s(clock.monotonic()) > 0)
    return CentralSystem(listener, door, desk, readers)


def _choices(settings: Settings) -> Choices:
    chosen = settings.upkeep
    heartbeat = {"HeartbeatInterval": str(settings.central_system.heartbeat_interval_s)}
    return Choices(
        provision=chosen.provision,
        local_lists=chosen.local_lists,
        site_configuration={**RECOMMENDED, **heartbeat, **chosen.configuration},
        try_again_s=chosen.try_again_s,
    )


async def _open(central_system: CentralSystem) -> None:
    try:
        await central_system.open()
    except OSError as error:
        raise ConfigurationError(
            f"An address for charge points ({', '.join(central_system.addresses)}) cannot be used: "
            f"{error.strerror or error}",
            hint="Is another central system running? Set GARDU_EDGE_CENTRAL_SYSTEM__PORT to a free port.",
        ) from error


async def _syncer(
    settings: Settings,
    writer: Writer,
    readers: Readers,
    clock: Clock,
    relay: Relay,
    stack: contextlib.AsyncExitStack,
) -> Syncer | None:
    cloud = settings.cloud
    if cloud.url is None or cloud.secret is None:
        return None
    carrier = carrier_to(cloud.url, edge=settings.site, secret=cloud.secret.get_secret_value(), ca=cloud.ca)
    stack.push_async_callback(carrier.close)
    return Syncer(
        edge=Edge(settings.site, version("gardu")),
        writer=writer,
        readers=readers,
        clock=clock,
        carrier=carrier,
        on_commands=relay.wake,
        pace=Pace(longest_s=cloud.longest_wait_s),
    )


def _link_up(syncer: Syncer | None) -> bool:
    return syncer is not None and syncer.status().condition is LinkCondition.CONNECTED


def _link_status(syncer: Syncer | None) -> LinkStatus:
    if syncer is None:
        return LinkStatus(state="alone", since=None, last_success_at=None, last_error=None)
    status = syncer.status()
    return LinkStatus(
        state=status.condition.value,
        since=status.since,
        last_success_at=status.last_success_at,
        last_error=status.last_error,
    )


def _doors(api: ApiSettings) -> Doors:
    """Keys from the settings are kept as hashes alone."""
    keys = []
    for number, key in enumerate(api.keys, start=1):
        salt = secrets.token_bytes(SALT_BYTES)
        keys.append(ApiKey(f"key {number}", salt, hash_key(key.get_secret_value().encode(), salt)))
    return Doors(frozenset({*api.allowed_hosts, api.host}), tuple(keys) or None)


@contextlib.asynccontextmanager
async def _tasks(*jobs: Any) -> AsyncIterator[None]:  # noqa: ANN401 - coroutines
    """Run jobs beside the block; one that fails ends the process, and the block's end ends them."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _served(api: ASGIApp, chosen: ApiSettings | FilesSettings) -> contextlib.AbstractAsyncContextManager[int]:
    tls = (chosen.tls_cert, chosen.tls_key)
    return served(api, host=chosen.host, port=chosen.port, tls=tls, behind_proxy=chosen.behind_proxy)


def _entrances(settings: Settings, writer: Writer, clock: Clock) -> Entrances:
    """Where charge points come in: `host` and `port` first."""
    chosen = settings.central_system
    files = ((chosen.tls_cert, chosen.tls_key), (chosen.second_tls_cert, chosen.second_tls_key))
    certificates = Certificates(
        given=[(cert, key) for cert, key in files if cert is not None and key is not None],
        client_roots=[] if chosen.client_roots is None else [chosen.client_roots.read_text()],
        server_names=chosen.server_names,
    )
    places = [(chosen.host, chosen.port, chosen.first_profile)]
    places += [(further.host, further.port, further.security_profile) for further in chosen.listeners]
    return Entrances(places, certificates, partial(_authority, settings.authority_dir, settings.site), writer, clock)


def _authority(folder: Path, site: str) -> Authority:
    """Load what makes certificates: few sites need it, and its library is slow to load."""
    from edge.store.authority import Authority  # noqa: PLC0415 - see above

    return Authority(folder, site)


def _record_start(tx: WriteTx, clock: Clock) -> None:
    note_clock(tx, clock, started=True)
    transaction_changes.continue_from(tx.connection, clock.now())
    connectors.mark_stale(tx.connection, clock.now())
    tx.emit(EdgeStarted(software_version=version("gardu")), subject="edge", occurred_at=clock.now())


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
