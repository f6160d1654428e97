"""A simulated day as it really was, whatever the central system came to know of it.

Cars come and go by the simulator's plan. A charge point charges on without a line; only a power cut ends a transaction.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.plan import Plan, Visit
from tests.harness.queue_player import Record

LIMIT_W = 22_000.0
COMES_UP = timedelta(seconds=45)
"""From the power's return to the stop of what it had ended."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time."""

    since: datetime
    until: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Chatter:
    """A message that is not kept: without a line it is never sent."""

    action: str
    payload: dict[str, Any]


Act = tuple[datetime, int, Record | Chatter]
"""When, on which connector, what."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day has in store for all charge points."""

    whole: Window
    power_cut: Window
    sample: timedelta

    def at(self, plan: Plan) -> Iterator[Act]:
        """The day of one charge point, in the order of time."""
        return heapq.merge(*(self._connector(plan, connector_id) for connector_id in plan.id_tags), key=_when)

    def _connector(self, plan: Plan, connector_id: int) -> Iterator[Act]:
        register_wh = plan.register_wh(connector_id)
        # Milliseconds of its own keep the instants of two connectors apart.
        free = self.whole.since + timedelta(milliseconds=connector_id)
        number = 0
        while True:
            visit = plan.visit(connector_id, number)
            number += 1
            plugged = free + timedelta(seconds=round(visit.gap_s))
            starts = plugged + timedelta(seconds=round(visit.hesitation_s))
            if plugged in self.power_cut or starts in self.power_cut:
                free = self.power_cut.until.replace(microsecond=plugged.microsecond)
                continue
            if starts >= self.whole.until:
                return
            yield plugged, connector_id, status(connector_id, "Preparing", plugged)
            yield starts, connector_id, Chatter("Authorize", {"idTag": visit.id_tag})
            ended, said, reason = self._end(starts, visit)
            for act in self._transaction(connector_id, visit, (starts, ended, said), reason, register_wh):
                yield act
                if isinstance(act[2], Record) and act[2].action == "StopTransaction":
                    register_wh = float(act[2].payload["meterStop"])
            free = said + timedelta(seconds=round(visit.unplug_s))
            yield free, connector_id, status(connector_id, "Available", free)

    def _end(self, starts: datetime, visit: Visit) -> tuple[datetime, datetime, str]:
        """When the transaction ends, when its stop can be said, and why it ended."""
        ends = min(
            starts + timedelta(seconds=round(visit.stay_s)), self.whole.until.replace(microsecond=starts.microsecond)
        )
        if starts < self.power_cut.since < ends:
            cut = self.power_cut.since.replace(microsecond=starts.microsecond)
            return cut, self.power_cut.until.replace(microsecond=starts.microsecond) + COMES_UP, "PowerLoss"
        return ends, ends, visit.leaving.value

    def _transaction(
        self,
        connector_id: int,
        visit: Visit,
        times: tuple[datetime, datetime, datetime],
        reason: str,
        register_wh: float,
    ) -> Iterator[Act]:
        starts, ends, said = times
        name = wire_time(starts)
        start = {"connectorId": connector_id, "idTag": visit.id_tag, "meterStart": int(register_wh), "timestamp": name}
        yield starts, connector_id, Record("StartTransaction", start, name)
        yield starts, connector_id, status(connector_id, "Charging", starts)
        at = starts
        while at < ends:
            following = min(at + self.sample, ends)
            register_wh += visit.car.charge((following - at).total_seconds(), LIMIT_W)
            at = following
            if at < ends:
                value = {"timestamp": wire_time(at), "sampledValue": [{"value": str(int(register_wh))}]}
                payload = {"connectorId": connector_id, "meterValue": [value]}
                yield at, connector_id, Record("MeterValues", payload, name)
        stop = {"meterStop": int(register_wh), "timestamp": wire_time(ends), "reason": reason}
        if reason == "Local":
            stop["idTag"] = visit.id_tag
        yield said, connector_id, Record("StopTransaction", stop, name)
        yield said, connector_id, status(connector_id, "Finishing", said)


def status(connector_id: int, state: str, at: datetime) -> Chatter:
    """A StatusNotification."""
    payload = {"connectorId": connector_id, "errorCode": "NoError", "status": state, "timestamp": wire_time(at)}
    return Chatter("StatusNotification", payload)


def wire_time(at: datetime) -> str:
    """As charge points write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _when(act: Act) -> datetime:
    return act[0]
