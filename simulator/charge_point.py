"""A virtual charge point: its line, its connectors, its queue and its memory, wired together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ocpp.v16 import call

from simulator.authorisation import ACCEPTED, AuthorisationCache
from simulator.back_off import BackOff
from simulator.bay import Bay, Surroundings
from simulator.certificates import Certificates
from simulator.charging_profiles import ChargingProfiles
from simulator.clock import Clock
from simulator.commands import Commands
from simulator.configuration import Configuration
from simulator.connection import CallFailedError, LineDownError
from simulator.connector import Connector, Status
from simulator.delivery import Delivery
from simulator.ledger import Ledger
from simulator.local_list import LocalList
from simulator.maintenance import Maintenance
from simulator.meter import Meter
from simulator.plan import Plan
from simulator.reservations import Reservation, Reservations
from simulator.status_reports import StatusReport, StatusReports
from simulator.transaction import MeterMessage
from simulator.uplink import Address, Registration, Uplink

VENDOR = "Gardu"
MODEL = "Simulated 22 kW"
FIRMWARE = "1.0.0"
_REBOOT_S = 2.0
_DRAIN_BEFORE_RESET_S = 5.0


@dataclass(frozen=True, slots=True)
class ChargePointSettings:
    """What one charge point is made from.

    Attributes:
        identity: The last segment of its URL.
        address: Its central system.
        plan: The cars that come.
        connectors: How many it has.
        cars_arrive: Whether cars come by themselves.
        lean: See `Connection`.
        configuration: Configuration keys that differ from the defaults.
    """

    identity: str
    address: Address
    plan: Plan
    connectors: int = 1
    cars_arrive: bool = True
    lean: bool = False
    configuration: Mapping[str, str] = field(default_factory=dict)


class ChargePoint:
    """One virtual charge point. `run` is its whole life.

    Args:
        settings: What it is made from.
        clock: Its clock.
        ledger: Where it writes what it was told is stored.
        tell: Takes (identity, sentence) for whoever watches.
    """

    def __init__(
        self,
        settings: ChargePointSettings,
        clock: Clock,
        ledger: Ledger,
        tell: Callable[[str, str], None] = lambda _identity, _sentence: None,
    ) -> None:
        self.identity = settings.identity
        self.clock = clock
        self.configuration = Configuration(settings.connectors, settings.configuration)
        self.cache = AuthorisationCache(self.configuration)
        self.local_list = LocalList(self.configuration)
        self.reservations = Reservations()
        self.charging_profiles = ChargingProfiles()
        self.certificates = Certificates()
        self.maintenance = Maintenance(clock, self.send, self._restart_with)
        self.operative = True
        self._ledger = ledger
        self._tell = tell
        self._tasks: asyncio.TaskGroup | None = None
        self._boot = call.BootNotification(
            charge_point_vendor=VENDOR,
            charge_point_model=MODEL,
            charge_point_serial_number=f"SIM-{settings.identity}"[:25],
            firmware_version=FIRMWARE,
        )
        self.uplink = Uplink(
            settings.identity,
            settings.address,
            self._boot,
            self.configuration,
            clock,
            BackOff(Random(f"back-off/{settings.plan.seed}/{settings.identity}")),
            Commands(self),
            lean=settings.lean,
        )
        self.uplink.on_online = self._came_online
        self.uplink.on_offline = self._went_offline
        self.uplink.on_acknowledged = self._note
        self.reports = StatusReports(self.uplink)
        self.reports.on_acknowledged = lambda: self._note("StatusNotification")
        self.delivery = Delivery(self.identity, self.uplink, self.configuration, self.cache, clock, ledger)
        around = Surroundings(
            clock=clock,
            configuration=self.configuration,
            put=self.delivery.put,
            authorise=self.authorise,
            is_online=self.uplink.online.is_set,
            tell=self.tell,
            reservations=self.reservations,
            charging_profiles=self.charging_profiles,
        )
        self.bays = [
            Bay(
                Connector(
                    number, Meter(register_wh=settings.plan.register_wh(number)), on_status=self._connector_moved
                ),
                settings.plan,
                around,
                cars_arrive=settings.cars_arrive,
            )
            for number in range(1, settings.connectors + 1)
        ]

    @property
    def power_w(self) -> float:
        """What all connectors deliver now."""
        return sum(bay.connector.meter.draw.power_w for bay in self.bays)

    @property
    def settled(self) -> bool:
        """Whether no car is here and nothing waits to be delivered."""
        return all(bay.transaction is None for bay in self.bays) and not self.delivery.queue

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for life in (self.uplink.run, self.delivery.run, self.reports.run, *(bay.run for bay in self.bays)):
                tasks.create_task(life())

    def close(self) -> None:
        """Let no more cars come and end what runs; the queue goes on until it is empty."""
        for bay in self.bays:
            bay.close()

    def reopen(self) -> None:
        """Let cars come again."""
        for bay in self.bays:
            bay.reopen()

    async def authorise(self, id_tag: str) -> bool:
        """Whether a driver may charge (OCPP 1.6 ed. 2 §4.1; §3.5 while there is nobody to ask)."""
        now = self.clock.now()
        listed = self.local_list.accepts(id_tag, now)
        known = self.cache.accepts(id_tag, now) if listed is None else listed
        if self.configuration.boolean("LocalPreAuthorize") and known:
            return True
        try:
            answer: Any = await self.uplink.request(call.Authorize(id_tag=id_tag))
        except (LineDownError, CallFailedError):
            if listed is not None:  # the list has priority over the cache (§3.5.3)
                return listed and self.configuration.boolean("LocalAuthorizeOffline")
            return self.cache.accepts_offline(id_tag, self.clock.now())
        status = str(answer.id_tag_info["status"])
        self._ledger.authorised(self.identity, id_tag, status)
        self.cache.remember(id_tag, status, answer.id_tag_info.get("expiry_date"))
        return status == ACCEPTED

    def set_availability(self, *, operative: bool) -> None:
        """The charge point itself becomes operative or not; its connectors are told apart."""
        if operative is not self.operative:
            self.operative = operative
            self.reports.note(self._own_status())

    def reset(self, *, hard: bool) -> None:
        """Restart: end transactions, go down, come back with a BootNotification (§5.14)."""
        self.tell("hard reset" if hard else "soft reset")
        self.spawn(self._reset(hard=hard))

    def report_status(self, connector_id: int | None) -> None:
        """Send the status of one connector, or of all (§5.17)."""
        for report in self._statuses():
            if connector_id in {None, report.connector_id}:
                self.reports.note(report)

    def report_meter_values(self, connector_id: int | None) -> None:
        """Send what the meters of one connector, or of all, show now (§5.17). Not queued, not repeated (§3.7)."""
        for bay in self.bays:
            if connector_id in {None, bay.connector.connector_id}:
                self.spawn(self._send_meter_value(bay))

    def begin_reservation(self, reservation: Reservation) -> None:
        """A reservation was accepted: show it, and let it end in time."""
        for bay in self.bays:
            if bay.connector.connector_id == reservation.connector_id:
                bay.connector.move(Status.RESERVED)
        self.spawn(self._expire(reservation))

    def end_reservation(self, reservation: Reservation) -> None:
        """A reservation was cancelled, or has expired."""
        for bay in self.bays:
            reserved = bay.connector.status is Status.RESERVED
            if reserved and bay.connector.connector_id == reservation.connector_id:
                bay.connector.rest()

    async def send(self, payload: object) -> None:
        """Send a message that is not queued; without a line it is lost."""
        try:
            await self.uplink.request(payload)
        except (LineDownError, CallFailedError) as failure:
            self.tell(f"{type(payload).__name__} failed: {failure}")
            return
        self._note(type(payload).__name__)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside all else."""
        if self._tasks is None:
            raise RuntimeError(f"{self.identity} does not run")
        self._tasks.create_task(work)

    def command_answered(self, action: str, status: str) -> None:
        """A call of the central system was answered."""
        self._ledger.command(self.identity, action, status)
        self.tell(f"answered {action}: {status}")

    def tell(self, sentence: str) -> None:
        """Say something to whoever watches."""
        self._tell(self.identity, sentence)

    async def _reset(self, *, hard: bool) -> None:
        for bay in self.bays:
            bay.stop("HardReset" if hard else "SoftReset")
        if not hard:
            # The answer to the last StopTransaction should not hit a closed socket.
            waits_until_s = self.clock.monotonic_s() + _DRAIN_BEFORE_RESET_S
            while not self.settled and self.uplink.online.is_set() and self.clock.monotonic_s() < waits_until_s:
                await self.clock.sleep(0.05)
        await self.uplink.restart(_REBOOT_S)

    async def _restart_with(self, firmware: str) -> None:
        """Come back with other firmware; running transactions end first."""
        self._boot.firmware_version = firmware
        await self._reset(hard=False)
        while self.uplink.registration is not Registration.ACCEPTED:
            await self.clock.sleep(0.05)
        await self.uplink.online.wait()

    async def _expire(self, reservation: Reservation) -> None:
        await self.clock.sleep((reservation.expires_at - self.clock.now()).total_seconds())
        if self.reservations.holds(reservation):
            self.reservations.end(reservation.number)
            self.end_reservation(reservation)

    async def _send_meter_value(self, bay: Bay) -> None:
        value = bay.read("Trigger", self.configuration.items("MeterValuesSampledData"))
        transaction = bay.transaction
        payload = call.MeterValues(
            connector_id=bay.connector.connector_id,
            transaction_id=transaction.transaction_id if transaction else None,
            meter_value=[value.to_payload()],
        )
        try:
            await self.uplink.request(payload)
        except (LineDownError, CallFailedError) as failure:
            self.tell(f"triggered MeterValues failed: {failure}")
            return
        if transaction:
            self._ledger.acknowledged(self.identity, MeterMessage(transaction, [value]))
        else:
            self._note("MeterValues")

    def _came_online(self, booted: bool) -> None:  # noqa: FBT001  # the uplink's callback
        self.tell("booted" if booted else "reconnected")
        if booted:
            self.reports.begin_again(self._statuses())

    def _went_offline(self) -> None:
        self.tell("line down")
        self.reports.collapse()

    def _connector_moved(self, connector: Connector) -> None:
        self.reports.note(StatusReport(connector.connector_id, connector.status, self.clock.now()))

    def _own_status(self) -> StatusReport:
        return StatusReport(0, Status.AVAILABLE if self.operative else Status.UNAVAILABLE, self.clock.now())

    def _statuses(self) -> list[StatusReport]:
        now = self.clock.now()
        return [
            self._own_status(),
            *(StatusReport(bay.connector.connector_id, bay.connector.status, now) for bay in self.bays),
        ]

    def _note(self, action: str) -> None:
        self._ledger.other(self.identity, action)
