"""The watch: raises, and clears again, the alarms about what does not happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from edge.clock import Clock
from edge.domain.alarms import AlarmKind
from edge.domain.watching import Limits, Progress, charging_class
from edge.errors import StoreUnavailableError
from edge.ocpp16.quirks import quirks_of
from edge.store import alarms, outbox, watched
from edge.store.writer import Writer, WriteTx

EVERY_S = 60.0
SWITCH_IT_OFF = "its kind does not come back by itself: switch it off and on"

_log = structlog.get_logger()


class Watch:
    """Looks round once a minute.

    Args:
        writer: for the alarms.
        clock: for the times.
        connected: lists who has a connection now.
        link_up: tells whether the cloud answers.
        limits: how long is too long.
        every_s: seconds between two looks.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        connected: Callable[[], Collection[str]],
        link_up: Callable[[], bool],
        limits: Limits | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._connected = connected
        self._link_up = link_up
        self._limits = limits or Limits()
        self._every_s = every_s
        self._progress = Progress()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except StoreUnavailableError:
                continue
            except Exception:  # noqa: BLE001 - the task border: what cannot be judged stops nothing else
                _log.exception("watch_failed")

    async def look(self) -> None:
        """Look once."""
        connected, link_up = frozenset(self._connected()), self._link_up()
        now, now_s = self._clock.now(), self._clock.monotonic()

        def operation(tx: WriteTx) -> None:
            self._look_for_absent(tx, connected, now)
            self._look_at_outbox(tx, now, now_s, link_up=link_up)
            _look_at_charging_classes(tx, now)

        await self._writer.run(operation)

    def _look_for_absent(self, tx: WriteTx, connected: Collection[str], now: datetime) -> None:
        absent = watched.absent(tx.connection, now - self._limits.absent_for_good, connected)
        missed = set()
        for charge_point, one in absent.items():
            gone_for_good = quirks_of(one.vendor, one.model, one.firmware_version).does_not_return
            if gone_for_good or datetime.fromisoformat(one.seen_at) < now - self._limits.absent:
                detail = f"last heard {one.seen_at}" + (f"; {SWITCH_IT_OFF}" if gone_for_good else "")
                alarms.raise_alarm(tx, AlarmKind.CHARGE_POINT_ABSENT, charge_point, detail, now)
                missed.add(charge_point)
        for charge_point in alarms.standing(tx.connection, AlarmKind.CHARGE_POINT_ABSENT) - missed:
            alarms.clear_alarm(tx, AlarmKind.CHARGE_POINT_ABSENT, charge_point, now)

    def _look_at_outbox(self, tx: WriteTx, now: datetime, now_s: float, *, link_up: bool) -> None:
        streams = {stream.value: (head.head, head.acknowledged) for stream, head in outbox.heads(tx.connection).items()}
        stuck = self._progress.stuck(streams, now_s, self._limits, link_up=link_up)
        if stuck:
            detail = f"nothing was acknowledged of: {', '.join(stuck)}"
            alarms.raise_alarm(tx, AlarmKind.QUEUE_STUCK, alarms.SITE, detail, now)
        elif link_up:  # an outage in between is no progress
            alarms.clear_alarm(tx, AlarmKind.QUEUE_STUCK, alarms.SITE, now)


def _look_at_charging_classes(tx: WriteTx, now: datetime) -> None:
    """Compare what each charge point says it can do with the best that it ever could."""
    for charge_point, profiles, best in watched.feature_profiles(tx.connection):
        current = charging_class(profiles)
        if current is None:
            continue
        if best is None or current > best:
            watched.note_charging_class(tx.connection, charge_point, current)
        if best is not None and current < best:
            detail = f"it now supports: {profiles}"
            alarms.raise_alarm(tx, AlarmKind.CHARGING_CLASS_DOWNGRADED, charge_point, detail, now)
        else:
            alarms.clear_alarm(tx, AlarmKind.CHARGING_CLASS_DOWNGRADED, charge_point, now)
