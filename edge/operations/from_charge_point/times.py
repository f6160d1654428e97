"""The time of a transaction's record: as its charge point wrote it, and as it is to be understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.domain import skew, timestamps
from edge.domain.alarms import AlarmKind
from edge.domain.timestamps import Timestamp
from edge.store import alarms, clocks
from edge.store.writer import WriteTx

MAX_RAW = 100
"""Characters of a time stamp that are kept as they came."""
LESSON = timedelta(minutes=1)
"""Between two messages that teach."""
NOTICED_S = 30.0
"""An offset that makes the edge watch a clock; most charge points never show one, and cost nothing."""


@dataclass(frozen=True, slots=True)
class RecordTime:
    """When something happened."""

    at: datetime
    flags: list[str]
    """How far it can be believed; empty: fully."""
    raw: str | None
    """As it came."""


def read_time(raw: object, tx: WriteTx, charge_point: str, now: datetime, *, doubted: bool = False) -> RecordTime:
    """Read the time of a record, corrected by what is known of its charge point's clock.

    Args:
        raw: as it came.
        tx: the database transaction.
        charge_point: whose record.
        now: the time of receipt.
        doubted: the clock is known to be wrong now, whatever it says.
    """
    stamp = read_stamp(raw, now, doubted=doubted)
    if stamp.flag is not None or abs((now - stamp.at).total_seconds()) > skew.WORTH_S:
        stamp = skew.correct(stamp, clocks.read_skew_s(tx.connection, charge_point))
    flags = [] if stamp.flag is None else [stamp.flag]
    if clocks.edge_suspect(tx.connection):
        flags.append("clock_suspect")
    return RecordTime(stamp.at, flags, None if raw is None else str(raw)[:MAX_RAW])


def read_stamp(raw: object, now: datetime, *, doubted: bool) -> Timestamp:
    """Read a time stamp; that of a clock which is known to be wrong says nothing."""
    return Timestamp(now, "clock_not_set") if doubted and raw else timestamps.read(raw, now)


def learn_offset(stamp: Timestamp, tx: WriteTx, charge_point: str, now: datetime) -> None:
    """Learn from a message that was sent as it happened how far its charge point's clock is off.

    After a reconnect some tell when a status began, hours ago: a burst of those agrees with itself, and says nothing of
    the clock. So a minute teaches once; what is old in one burst is not as old in the next.
    """
    if stamp.flag not in (None, "future", "no_zone"):
        return
    offset_s = (now - stamp.at).total_seconds()
    known = clocks.read_offsets(tx.connection, charge_point)
    if known is None and abs(offset_s) <= NOTICED_S:
        return
    if known is None or abs(now - known[1]) >= LESSON:
        offsets, skew_s = skew.learn(known[0] if known is not None else [], offset_s)
        clocks.write_offsets(tx.connection, charge_point, offsets, skew_s, now)
        if skew_s is not None and abs(skew_s) > skew.WORTH_S:
            ahead = "behind" if skew_s > 0 else "ahead"
            detail = f"The clock of the charge point is {abs(skew_s):.0f} seconds {ahead}."
            alarms.raise_alarm(tx, AlarmKind.CLOCK_SUSPECT, charge_point, detail, now)
        elif skew_s is not None:
            alarms.clear_alarm(tx, AlarmKind.CLOCK_SUSPECT, charge_point, now)
