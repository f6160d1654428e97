"""The edge process put together: every room gets its plain values and its neighbours here, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import structlog
from starlette.types import ASGIApp

from contract.events import EdgeStarted
from edge.api.app import create_api
from edge.api.server import served
from edge.app.link import cloud_url
from edge.app.rooms import (
    make_central_system,
    make_choices,
    make_chores,
    make_doors,
    make_entrances,
    make_files,
    make_housekeeper,
    make_rollout_patience,
    make_syncer,
    tell_link_status,
)
from edge.central_system.freshness import Freshness
from edge.central_system.server import CentralSystem
from edge.clock import Clock
from edge.config import Settings
from edge.config.sections import ApiSettings, FilesSettings
from edge.domain.commissioning import CommissioningWindow
from edge.domain.registration import UnknownChargePoints
from edge.errors import ConfigurationError
from edge.observability import collector
from edge.operations.certificate_delivery import CertificateDelivery
from edge.operations.chores import note_clock
from edge.operations.digesting import Digesting
from edge.operations.energy_limits import EnergyLimits
from edge.operations.late_profiles import LateProfiles
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point.operator import Operator
from edge.operations.watch import Watch
from edge.relay.relay import Relay
from edge.store import connectors, migrations, transaction_changes
from edge.store.database import claimed, connect, make_folder
from edge.store.housekeeping import Housekeeper
from edge.store.journal_writer import kept_journal
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from edge.sync.live import LiveTeller
from edge.sync.syncer import LinkCondition, Syncer
from edge.upkeep.files import FileDesk, create_files
from edge.upkeep.polling import Polling
from edge.upkeep.rollout import Rollouts
from edge.upkeep.stored_files import StoredFiles
from edge.upkeep.visit import Tools
from edge.upkeep.worker import Upkeep, works

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
        cloud = cloud_url(settings) or "none: this edge works on its own"
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
        entrances = make_entrances(settings, writer, clock)
        central_system = make_central_system(settings, writer, readers, clock, window, record, await entrances.build())
        hooks.central_system = central_system
        remote_starts = RemoteStarts(
            writer, readers, clock, timedelta(seconds=settings.central_system.connection_timeout_s)
        )
        chores = make_chores(settings, writer, clock)
        operator = Operator(central_system.registry, readers, writer, remote_starts, clock, chores.take_rejected_stop)
        delivery = CertificateDelivery(
            writer, readers, clock, operator.perform_in_time, central_system.registry.connected, entrances.authority
        )
        relay = Relay(
            writer=writer,
            readers=readers,
            clock=clock,
            perform=operator.perform,
            patience_s=settings.cloud.command_patience_s,
        )
        syncer, drill = await make_syncer(settings, writer, readers, clock, relay, stack=stack)
        hooks.syncer = syncer
        await _open(central_system)
        stack.push_async_callback(central_system.close)
        hooks.housekeeper = make_housekeeper(settings, writer, readers, clock)
        choices = make_choices(settings)
        files = make_files(settings)
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
            EnergyLimits(writer, readers, clock, operator.perform_in_time).run(),
            LateProfiles(writer, readers, operator).run(),
            Polling(tools, central_system.registry).run(),
            hooks.housekeeper.run(),
            upkeep.run(),
            Freshness(entrances, writer, clock).run(),
            StoredFiles(files, readers, writer, clock).run(),
            Watch(writer, clock, central_system.registry.connected, lambda: _link_up(syncer)).run(),
            Digesting(writer, readers, clock).run(),
            Rollouts(tools, central_system.registry, files, make_rollout_patience(settings)).run(),
        ]
        if syncer is not None:
            jobs.append(syncer.run())
        if drill is not None and settings.cloud.live_every_s:
            jobs.append(
                LiveTeller(
                    readers=readers,
                    clock=clock,
                    carrier=drill,
                    is_connected=lambda: _link_up(syncer),
                    every_s=settings.cloud.live_every_s,
                ).run()
            )
        await stack.enter_async_context(_tasks(*jobs))
        api = create_api(
            site=settings.site,
            readers=readers,
            writer=writer,
            clock=clock,
            caller=central_system.registry,
            perform=operator.perform_in_time,
            link_status=lambda: tell_link_status(syncer),
            ready=lambda: writer.healthy,
            doors=make_doors(settings.api),
            window=window,
            site_configuration=choices.site_configuration,
            files=files,
            frames=frames,
            drill=drill,
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


async def _open(central_system: CentralSystem) -> None:
    try:
        await central_system.open()
    except OSError as error:
        raise ConfigurationError(
            f"An address for charge points ({', '.join(central_system.addresses)}) cannot be used: "
            f"{error.strerror or error}",
            hint="Is another central system running? Set GARDU_EDGE_CENTRAL_SYSTEM__PORT to a free port.",
        ) from error


def _link_up(syncer: Syncer | None) -> bool:
    return syncer is not None and syncer.status().condition is LinkCondition.CONNECTED


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
