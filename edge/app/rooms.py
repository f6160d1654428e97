"""Makes each room of the edge from the settings that concern it."""

from __future__ import annotations

import contextlib
import secrets
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from edge.api.collaborators import LinkStatus
from edge.api.doors import ApiKey, Doors
from edge.app.link import make_carrier
from edge.central_system.connection import Desk
from edge.central_system.entrances import Certificates, Entrances
from edge.central_system.gate import Entrance
from edge.central_system.server import CentralSystem, Listener
from edge.central_system.station_security import Door
from edge.clock import Clock
from edge.config import Settings
from edge.config.sections import ApiSettings
from edge.domain.commissioning import CommissioningWindow
from edge.domain.configuration import RECOMMENDED
from edge.domain.firmware_rollout import Patience as RolloutPatience
from edge.domain.keys import SALT_BYTES, hash_key
from edge.domain.orphans import Patience
from edge.domain.policy import Policy
from edge.operations.chores import Chores
from edge.relay.relay import Relay
from edge.store.file_exchange import Files
from edge.store.housekeeping import Housekeeper, Keeping
from edge.store.journal_writer import Record
from edge.store.readers import Readers
from edge.store.writer import Writer
from edge.sync.backoff import Pace
from edge.sync.drill import DrilledCarrier
from edge.sync.pushing import Edge, Turns
from edge.sync.syncer import Syncer
from edge.upkeep.visit import Choices

if TYPE_CHECKING:
    from edge.store.authority import Authority


def make_chores(settings: Settings, writer: Writer, clock: Clock) -> Chores:
    """Make what looks after lost stops and the clock."""
    chosen = settings.transactions
    patience = Patience(
        suspect=timedelta(seconds=chosen.lost_stop_patience_s), silent=timedelta(hours=chosen.silence_h)
    )
    return Chores(writer, clock, patience, chosen.sweep_interval_s)


def make_files(settings: Settings) -> Files:
    """Say where the files of the charge points lie, and how much room they may take."""
    chosen, mib = settings.files, 1024**2
    return Files(
        settings.data_dir / "files",
        chosen.url,
        firmware_quota=chosen.firmware_max_mib * mib,
        diagnostics_quota=chosen.diagnostics_max_mib * mib,
        keep_diagnostics=timedelta(days=chosen.keep_diagnostics_days),
    )


def make_rollout_patience(settings: Settings) -> RolloutPatience:
    """Read how long a roll-out waits for one charge point."""
    return RolloutPatience(turn=timedelta(hours=settings.upkeep.rollout_patience_h))


def make_housekeeper(settings: Settings, writer: Writer, readers: Readers, clock: Clock) -> Housekeeper:
    """Make the one that keeps the disk from filling up."""
    disk = settings.disk
    keeping = Keeping(
        acknowledged=timedelta(days=disk.keep_acknowledged_days),
        meter_values=timedelta(days=disk.keep_meter_values_days),
        history=timedelta(days=disk.keep_history_days),
        check_every_s=disk.check_every_s,
        ballast_bytes=disk.ballast_mib * 1024 * 1024,
    )
    return Housekeeper(writer=writer, readers=readers, clock=clock, path=settings.database, keeping=keeping)


def make_central_system(
    settings: Settings,
    writer: Writer,
    readers: Readers,
    clock: Clock,
    window: CommissioningWindow,
    record: Record,
    entrances: list[Entrance],
) -> CentralSystem:
    """Make the central system; it does not listen yet."""
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


def make_choices(settings: Settings) -> Choices:
    """Read what the site wants of its charge points."""
    chosen = settings.upkeep
    heartbeat = {"HeartbeatInterval": str(settings.central_system.heartbeat_interval_s)}
    return Choices(
        provision=chosen.provision,
        local_lists=chosen.local_lists,
        site_configuration={**RECOMMENDED, **heartbeat, **chosen.configuration},
        try_again_s=chosen.try_again_s,
    )


async def make_syncer(
    settings: Settings,
    writer: Writer,
    readers: Readers,
    clock: Clock,
    relay: Relay,
    *,
    stack: contextlib.AsyncExitStack,
) -> tuple[Syncer, DrilledCarrier] | tuple[None, None]:
    """Make the link to the cloud, and what can cut it on purpose; `None`: this edge works on its own."""
    carrier = make_carrier(settings, readers, clock)
    if carrier is None:
        relay.go_on()
        return None, None
    drill = DrilledCarrier(carrier, readers, clock)
    stack.push_async_callback(drill.close)
    syncer = Syncer(
        edge=Edge(settings.site, version("gardu")),
        writer=writer,
        readers=readers,
        clock=clock,
        carrier=drill,
        on_commands=relay.wake,
        turns=Turns(another_life=relay.forsake, agreed=relay.go_on),
        pace=Pace(longest_s=settings.cloud.longest_wait_s),
    )
    return syncer, drill


def tell_link_status(syncer: Syncer | None) -> LinkStatus:
    """Tell how the link is, for the local API."""
    if syncer is None:
        return LinkStatus(state="alone", since=None, last_success_at=None, last_error=None)
    status = syncer.status()
    return LinkStatus(
        state=status.condition.value,
        since=status.since,
        last_success_at=status.last_success_at,
        last_error=status.last_error,
    )


def make_doors(api: ApiSettings) -> Doors:
    """Keys from the settings are kept as hashes alone."""
    keys = []
    for number, key in enumerate(api.keys, start=1):
        salt = secrets.token_bytes(SALT_BYTES)
        keys.append(ApiKey(f"key {number}", salt, hash_key(key.get_secret_value().encode(), salt)))
    return Doors(frozenset({*api.allowed_hosts, api.host}), tuple(keys) or None)


def make_entrances(settings: Settings, writer: Writer, clock: Clock) -> Entrances:
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
