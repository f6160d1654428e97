"""What the edge does by itself, by time: it looks for lost stops, and notes its wall clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from contract.edge_events import EdgeClockCorrected
from edge.clock import RELEASED, Clock
from edge.domain.alarms import AlarmKind
from edge.domain.orphans import Patience
from edge.errors import StoreUnavailableError
from edge.operations.orphans import rejected_stop, sweep
from edge.store import alarms, clocks
from edge.store.clocks import EdgeClock
from edge.store.writer import Writer, WriteTx

NOTE_INTERVAL_S = 60.0
SUSPECT_INTERVAL_S = 5.0
SITE = ""
"""The charge point that an alarm about the edge itself names."""

_log = structlog.get_logger()


def note_clock(tx: WriteTx, clock: Clock, *, started: bool = False) -> None:
    """Note the wall clock where a restart finds it, and raise or clear the alarm about it.

    Args:
        tx: the database transaction.
        clock: the edge's.
        started: the process has just started: what the run before noted has passed, and a clock that says less is
            wrong. Later a step back is a correction, unless it leads to before this release.
    """
    known = clocks.read_edge(tx.connection)
    if known is not None and (started or clock.machine() < RELEASED):
        clock.distrust(known.seen_at)
    clock.distrust(RELEASED)
    if known is not None and clock.suspect:
        _believe_if_right(tx, clock, known)
    now = clock.now()
    since = None
    if clock.suspect:
        since = now if started or known is None or known.suspect_since is None else known.suspect_since
        detail = (
            f"The edge's own clock says {clock.machine():%Y-%m-%d %H:%M} UTC, which has passed long ago: "
            f"{now:%Y-%m-%d %H:%M} UTC is known. If the clock is right: gardu-edge trust-clock."
        )
        alarms.raise_alarm(tx, AlarmKind.CLOCK_SUSPECT, SITE, detail, now)
    elif known is not None and (known.suspect_since is not None or alarms.stands(tx.connection, *_ABOUT_US)):
        alarms.clear_alarm(tx, *_ABOUT_US, now)
    clocks.write_edge(tx.connection, now, since)


_ABOUT_US = (AlarmKind.CLOCK_SUSPECT, SITE)


def _believe_if_right(tx: WriteTx, clock: Clock, known: EdgeClock) -> None:
    """Find whether the noted time was wrong, and not the machine's: a time server or a person vouches for that one.

    A clock that once stood in the future (a broken battery) was noted so. Nothing else ends that before its time comes.
    """
    machine = clock.machine()
    by = "operator" if known.trusted_at is not None else "time_server" if clock.machine_synchronised() else None
    if by is None or machine < RELEASED:
        return
    clock.trust()
    event = EdgeClockCorrected(noted_at=known.seen_at, corrected_to=machine, vouched_by=by)
    tx.emit(event, subject="edge", occurred_at=machine)
    _log.warning("clock_corrected", noted_at=known.seen_at.isoformat(), vouched_by=by)


@dataclass(frozen=True, slots=True)
class Chores:
    """Runs them beside the charge points' messages."""

    writer: Writer
    clock: Clock
    patience: Patience
    sweep_interval_s: float

    def take_rejected_stop(self, charge_point: str, transaction_id: int) -> None:
        """Draw what follows from a remote stop that a charge point has rejected."""
        self.writer.submit(lambda tx: rejected_stop(charge_point, transaction_id, tx, self.clock.now()), _log_failure)

    async def look_for_lost_stops(self) -> None:
        """Sweep again and again."""
        while True:
            await asyncio.sleep(self.sweep_interval_s)
            try:
                await self.writer.run(lambda tx: sweep(tx, self.clock.now(), self.patience))
            except StoreUnavailableError:
                continue  # the next one finds the same
            except Exception:  # noqa: BLE001 - the task border: a transaction that cannot be judged stops nothing else
                _log.exception("sweep_failed")

    async def note_the_clock(self) -> None:
        """Note the clock each minute, and more often while it is an estimate."""
        while True:
            await asyncio.sleep(SUSPECT_INTERVAL_S if self.clock.suspect else NOTE_INTERVAL_S)
            try:
                await self.writer.run(lambda tx: note_clock(tx, self.clock))
            except StoreUnavailableError:
                continue
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("clock_not_noted")


def _log_failure(_: object, error: Exception | None) -> None:
    if error is not None:
        _log.warning("rejected_stop_not_taken", error=str(error))
