"""A parking bay: one connector and the cars that come to it, from plugging in to driving off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.car import Car
from simulator.charging_profiles import ChargingProfiles
from simulator.clock import Clock
from simulator.configuration import Configuration
from simulator.connector import Connector, Status
from simulator.meter import Draw
from simulator.plan import Leaving, Plan, Visit
from simulator.reservations import Reservations
from simulator.transaction import MeterMessage, MeterValue, StartMessage, StopMessage, Transaction, TransactionMessage

_TICK_S = 0.5
"""How often energy is counted between samples, in wall seconds."""
_CLOSED_POLL_S = 1.0
_LEAST_A = 6.0
"""Below it no car charges (IEC 61851-1)."""


@dataclass(slots=True)
class Surroundings:
    """What a bay needs of its charge point.

    Attributes:
        clock: The charge point's.
        configuration: Its keys.
        put: Queues a transaction-related message.
        authorise: Asks whether an id tag may charge.
        is_online: Whether the line is up.
        tell: Takes a sentence for whoever watches.
        reservations: The charge point's.
        charging_profiles: The charge point's.
    """

    clock: Clock
    configuration: Configuration
    put: Callable[[TransactionMessage], None]
    authorise: Callable[[str], Awaitable[bool]]
    is_online: Callable[[], bool]
    tell: Callable[[str], None]
    reservations: Reservations = field(default_factory=Reservations)
    charging_profiles: ChargingProfiles = field(default_factory=ChargingProfiles)


class Bay:
    """Plays the plan's visits at one connector, and whatever the central system asks in between.

    Args:
        connector: The bay's connector.
        plan: Which cars come.
        around: The charge point around it.
        cars_arrive: Whether cars come by themselves; without, only a remote start brings one.
    """

    def __init__(self, connector: Connector, plan: Plan, around: Surroundings, *, cars_arrive: bool = True) -> None:
        self.connector = connector
        self.transaction: Transaction | None = None
        self._cars_arrive = cars_arrive
        self._plan = plan
        self._around = around
        self._remote: asyncio.Future[str] | None = None
        self._stop: asyncio.Future[str] | None = None
        self._refused = False
        self._closing = False
        self._reservation_id: int | None = None
        self._profile: dict[str, Any] | None = None

    @property
    def idle(self) -> bool:
        """Whether no car is here."""
        return self.connector.status in {Status.AVAILABLE, Status.UNAVAILABLE}

    def close(self) -> None:
        """Let no more cars come, and end what runs as a driver would."""
        self._closing = True
        self.stop("Local")

    def reopen(self) -> None:
        """Let cars come again."""
        self._closing = False

    def start_remotely(self, id_tag: str, profile: dict[str, Any] | None = None) -> bool:
        """Use an id tag from a RemoteStartTransaction; a car is plugged in if none is. `False`: not possible now.

        Args:
            id_tag: Who charges.
            profile: A TxProfile for the transaction to come.
        """
        around, connector = self._around, self.connector
        free = connector.operative and around.reservations.admits(connector.connector_id, id_tag)
        if not free or self._remote is None or self._remote.done():
            return False
        self._reservation_id = around.reservations.use(connector.connector_id, id_tag)
        self._profile = profile
        self._remote.set_result(id_tag)
        return True

    def stop(self, reason: str) -> bool:
        """End the running transaction. `False`: there is none."""
        if self.transaction is None or self._stop is None:
            return False
        if not self._stop.done():
            self._stop.set_result(reason)
        return True

    async def run(self) -> None:
        """Receive one car after another until cancelled."""
        for number in itertools.count():
            visit = self._plan.visit(self.connector.connector_id, number)
            await self._receive(visit, await self._arrival(visit.gap_s))

    async def _arrival(self, gap_s: float) -> str | None:
        """Wait for the next car; the id tag of a remote start if that brought it."""
        wait_s = self._around.clock.wall_s(gap_s)
        while True:
            if (id_tag := await self._remote_start_within(wait_s)) is not None:
                return id_tag
            if self._cars_arrive and not self._closing and self.connector.status is Status.AVAILABLE:
                return None
            wait_s = _CLOSED_POLL_S

    async def _remote_start_within(self, wall_s: float) -> str | None:
        self._remote = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._remote, wall_s)
        except TimeoutError:
            return None
        finally:
            self._remote = None

    async def _receive(self, visit: Visit, remote_id_tag: str | None) -> None:
        around = self._around
        car = visit.car.shrunk(around.clock.speed)
        self.connector.move(Status.PREPARING)
        if remote_id_tag is None:
            remote_id_tag = await self._remote_start_within(around.clock.wall_s(visit.hesitation_s))
        id_tag = remote_id_tag or visit.id_tag
        ask = remote_id_tag is None or around.configuration.boolean("AuthorizeRemoteTxRequests")
        allowed = not ask or await around.authorise(id_tag)
        if not allowed:
            around.tell(f"connector {self.connector.connector_id}: {id_tag} may not charge")
        if not allowed or self._closing:
            await around.clock.sleep_world(visit.unplug_s)
            self.connector.rest()
            return
        reason = await self._charge(car, visit, id_tag)
        if reason != Leaving.EV_DISCONNECTED:
            self.connector.move(Status.FINISHING)
            await around.clock.sleep_world(visit.unplug_s)
        self.connector.rest()

    async def _charge(self, car: Car, visit: Visit, id_tag: str) -> str:
        around, meter = self._around, self.connector.meter
        transaction = Transaction(
            connector_id=self.connector.connector_id,
            id_tag=id_tag,
            meter_start_wh=meter.reading_wh,
            started_at=around.clock.now(),
            begun_offline=not around.is_online(),
            reservation_id=self._reservation_id,
        )
        if self._profile is not None:
            around.charging_profiles.install(transaction.connector_id, self._profile, transaction.started_at)
        self._reservation_id = self._profile = None
        transaction.on_refused = lambda: self._refuse(transaction)
        self._refused = False
        self._stop = asyncio.get_running_loop().create_future()
        self.transaction = transaction
        begin = self._meter_value("Transaction.Begin", "StopTxnSampledData")
        self.connector.move(Status.CHARGING)
        around.put(StartMessage(transaction))
        around.tell(f"connector {transaction.connector_id}: a {car.model} charges for {id_tag}")
        try:
            reason = await self._deliver(car, visit, transaction)
        finally:
            self.transaction = None
            meter.draw = Draw()
            around.charging_profiles.transaction_ended(transaction.connector_id)
        end = self._meter_value("Transaction.End", "StopTxnSampledData")
        around.put(
            StopMessage(
                transaction,
                meter_stop_wh=meter.reading_wh,
                stopped_at=end.sampled_at,
                reason=reason,
                id_tag=id_tag if reason == Leaving.LOCAL else None,
                values=[value for value in (begin, end) if value.samples],
            )
        )
        energy_wh = meter.reading_wh - transaction.meter_start_wh
        around.tell(f"connector {transaction.connector_id}: stopped ({reason}) after {energy_wh} Wh")
        return reason

    async def _deliver(self, car: Car, visit: Visit, transaction: Transaction) -> str:
        """Let energy flow, take samples, until somebody ends it; return the reason."""
        clock, stop = self._around.clock, self._stop
        began_s = counted_s = sampled_s = clock.monotonic_s()
        leaves_s = began_s + clock.wall_s(visit.stay_s)
        while stop is not None:
            self._set_draw(car, transaction)
            interval_s = clock.wall_s(self._around.configuration.integer("MeterValueSampleInterval"))
            sample_due_s = sampled_s + interval_s if interval_s else float("inf")
            now_s = clock.monotonic_s()
            await asyncio.wait({stop}, timeout=max(0.0, min(_TICK_S, sample_due_s - now_s, leaves_s - now_s)))
            now_s = clock.monotonic_s()
            self._count(car, now_s - counted_s)
            counted_s = now_s
            if stop.done():
                return stop.result()
            if now_s >= leaves_s:
                return visit.leaving
            if now_s >= sample_due_s:
                sampled_s = max(sample_due_s, now_s - interval_s)
                self._sample(transaction)
        return visit.leaving

    def _set_draw(self, car: Car, transaction: Transaction) -> None:
        """Let the status follow what the car and the central system want, and the meter show what flows."""
        meter, around = self.connector.meter, self._around
        meter.offered_a = around.charging_profiles.limit_a(
            transaction.connector_id, around.clock.now(), transaction.started_at
        )
        if self._refused or (meter.offered_a is not None and meter.offered_a < _LEAST_A):
            self.connector.move(Status.SUSPENDED_EVSE)
        elif car.full:
            self.connector.move(Status.SUSPENDED_EV)
        else:
            self.connector.move(Status.CHARGING)
        power_w = car.power_w(meter.limit_w(car.phases)) if self.connector.status is Status.CHARGING else 0.0
        meter.draw = Draw(power_w, car.phases, car.soc)

    def _count(self, car: Car, seconds: float) -> None:
        if self.connector.status is Status.CHARGING:
            meter = self.connector.meter
            meter.count(car.charge(seconds, meter.limit_w(car.phases)))
            meter.draw = Draw(meter.draw.power_w, car.phases, car.soc)

    def _refuse(self, transaction: Transaction) -> None:
        """The central system does not accept the id tag of a transaction, maybe an old one (§4.8, errata 3.17)."""
        if self.transaction is not transaction:
            return
        if self._around.configuration.boolean("StopTransactionOnInvalidId"):
            self.stop("DeAuthorized")
        else:
            self._refused = True

    def _sample(self, transaction: Transaction) -> None:
        value = self._meter_value("Sample.Periodic", "MeterValuesSampledData")
        if value.samples:
            self._around.put(MeterMessage(transaction, [value]))

    def _meter_value(self, context: str, key: str) -> MeterValue:
        measurands = self._around.configuration.items(key)
        return self.read(context, measurands)

    def read(self, context: str, measurands: list[str]) -> MeterValue:
        """Read the meter now."""
        return MeterValue(self._around.clock.now(), self.connector.meter.sample(measurands, context))
