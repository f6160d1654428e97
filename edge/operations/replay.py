"""Rebuilds transactions from the frames that were kept, through the same handlers, and compares them with the store."""

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from edge.domain.policy import Policy
from edge.domain.timestamps import iso
from edge.errors import RemoteProtocolError
from edge.ocpp16.intake import take
from edge.ocpp16.quirks import STANDARD, Quirks, quirks_of
from edge.ocppj.frames import Call
from edge.ocppj.session import Session
from edge.operations.from_charge_point import dispatch, salvage
from edge.operations.from_charge_point.request import Request, Response
from edge.operations.orphans import BY_HAND, GONE, LOST_STOP
from edge.store import charge_points, journal, scratch, transaction_frames
from edge.store.frame_blocks import Direction
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

BEGIN_FIELDS = (
    "charge_point", "connector_id", "station_transaction_id", "meter_start_wh", "started_at", "id_tag",
    "id_tag_status", "id_tag_reason", "parent_id_tag",
)  # fmt: skip
END_FIELDS = (
    "meter_stop_wh", "stopped_at", "stop_id_tag", "reason", "energy_wh", "estimated", "closed_by", "baseline_wh",
    "flags",
)  # fmt: skip
OF_THE_DIRECTORY = frozenset({"id_tag_status", "id_tag_reason", "parent_id_tag"})
OF_NO_FRAME = frozenset({LOST_STOP, GONE, BY_HAND, "reopened"})
"""Flags of ends that time, an answer or a person made."""
_NAMED = re.compile(rb'"transactionId"\s*:\s*(\d{1,19})\b')
PASSED_OVER = frozenset({"Authorize"})
"""Change no transaction."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a transaction that the frames make another than the store says."""

    transaction_id: int
    field: str
    store: Any
    replay: Any


@dataclass(slots=True)
class Outcome:
    """What a replay came to."""

    since: datetime
    until: datetime
    frames: int = 0
    transactions: int = 0
    equal: int = 0
    differences: list[Difference] = field(default_factory=list)
    only_in_store: list[int] = field(default_factory=list)
    only_in_replay: list[int] = field(default_factory=list)
    not_replayed: list[str] = field(default_factory=list)
    """What could not be replayed or compared, and why, in sentences."""

    @property
    def same(self) -> bool:
        """Whether the frames make what the store says, as far as they are kept."""
        return not (self.differences or self.only_in_store or self.only_in_replay)


@dataclass(frozen=True, slots=True)
class _Entry:
    at: datetime
    rank: int
    """Within a millisecond, of one transaction: its start, what lies between, its stop."""
    charge_point: str
    raw: bytes
    answer: Response | None = None

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Times are kept in milliseconds; within one, transactions follow each other as their numbers do."""
        named = (self.answer or {}).get("transactionId")
        if not isinstance(named, int):
            found = _NAMED.search(self.raw)
            named = int(found[1]) if found else 0
        return self.at, named, self.rank


def replay(
    live: sqlite3.Connection, frames: sqlite3.Connection | None, rebuilt: sqlite3.Connection, outcome: Outcome
) -> None:
    """Rebuild the transactions that began within the window of `outcome`, and write into it what differs.

    Args:
        live: reads the store; stays in one snapshot, and is never written to.
        frames: reads the frame journal; `None`: there is none.
        rebuilt: of `store.scratch.prepare`, with the beginning of the window.
        outcome: where the window stands and the result goes.
    """
    _note_what_is_missing(live, frames, outcome)
    told: set[int] = set()
    doubted: set[str] = set()
    rebuilt.execute("BEGIN")
    entries = heapq.merge(_kept(live, outcome), _journalled(frames, outcome), key=lambda entry: entry.order)
    for entry in entries:
        number = (entry.answer or {}).get("transactionId")
        if isinstance(number, int):
            told.add(number)
            if number > scratch.last_number(rebuilt):
                scratch.continue_with(rebuilt, number)
        before = scratch.last_number(rebuilt)
        outcome.frames += _feed(entry, rebuilt, doubted)
        if number is None and (after := scratch.last_number(rebuilt)) > before:
            scratch.renumber_as_in(live, rebuilt, after)
    rebuilt.execute("COMMIT")
    _compare(live, rebuilt, outcome, told)


def _kept(live: sqlite3.Connection, outcome: Outcome) -> Iterator[_Entry]:
    for frame in transaction_frames.between(live, outcome.since, outcome.until):
        begins = frame.answer is not None and "transactionId" in frame.answer
        yield _Entry(frame.received_at, 0 if begins else 2, frame.charge_point, frame.raw, frame.answer)


def _journalled(frames: sqlite3.Connection | None, outcome: Outcome) -> Iterator[_Entry]:
    if frames is None:
        return
    for frame in journal.calls_between(frames, outcome.since, outcome.until):
        if frame.direction is Direction.GAP:
            missing = frame.frame.decode(errors="replace")
            outcome.not_replayed.append(f"{missing} frames before {iso(frame.at)} were not recorded.")
        elif frame.action is not None and frame.action not in PASSED_OVER | transaction_frames.ACTIONS:
            yield _Entry(frame.at, 1, frame.charge_point, frame.frame)


def _feed(entry: _Entry, rebuilt: sqlite3.Connection, doubted: set[str]) -> bool:
    """Run a frame through intake and handler as its connection did; says whether it was a call that changes something.

    `doubted`: the charge points that have booted with a clock that is known to lie, and have not heard the time since.
    """
    received = Session().receive(entry.raw)
    call = received if isinstance(received, Call) else _mended(entry, rebuilt)
    if call is None:
        return False
    try:
        intake = take(call.action, call.payload, call.doubt)
    except RemoteProtocolError:
        return False
    if call.action == "Heartbeat":  # of all that it changes, this alone concerns transactions
        doubted.discard(entry.charge_point)
        return False
    request = Request(
        entry.charge_point,
        call.action,
        intake.payload,
        entry.raw,
        intake.doubt,
        Policy(),
        answer=intake.answer,
        quirks=_quirks(entry.charge_point, rebuilt),
        clock_doubted=entry.charge_point in doubted,
    )
    tx = WriteTx(rebuilt)
    rebuilt.execute("SAVEPOINT frame")
    try:
        dispatch.handle(request, tx, entry.at)
    except sqlite3.OperationalError:
        raise
    except Exception:  # noqa: BLE001 - the writer's border: the edge salvaged it then, and so does the replay
        rebuilt.execute("ROLLBACK TO frame")
        salvage.keep(request, tx, entry.at, "its handler failed")
    rebuilt.execute("RELEASE frame")
    if call.action == "BootNotification" and _quirks(entry.charge_point, rebuilt).distrust_clock_until_heartbeat:
        doubted.add(entry.charge_point)
    return True


def _quirks(charge_point: str, rebuilt: sqlite3.Connection) -> Quirks:
    known = charge_points.find(rebuilt, charge_point)
    return STANDARD if known is None else quirks_of(known.vendor, known.model, known.firmware_version)


def _mended(entry: _Entry, rebuilt: sqlite3.Connection) -> Call | None:
    """Read a frame with the repairs that its charge point needs."""
    session = Session()
    session.repairs = _quirks(entry.charge_point, rebuilt).json_repair
    call = session.receive(entry.raw)
    return call if isinstance(call, Call) else None


def _note_what_is_missing(live: sqlite3.Connection, frames: sqlite3.Connection | None, outcome: Outcome) -> None:
    oldest = transaction_frames.oldest(live)
    if oldest is None or oldest > outcome.since:
        begin = "are not kept" if oldest is None else f"are kept since {iso(oldest)}"
        outcome.not_replayed.append(f"Frames of starts and stops {begin}; older transactions are not rebuilt.")
    begins = None if frames is None else journal.oldest(frames)
    if begins is None or begins > outcome.since:
        begin = "is empty" if begins is None else f"begins at {iso(begins)}"
        outcome.not_replayed.append(f"The frame journal {begin}; meter values before that are missing in estimates.")


def _compare(live: sqlite3.Connection, rebuilt: sqlite3.Connection, outcome: Outcome, told: set[int]) -> None:
    stored = scratch.begun_between(live, outcome.since, outcome.until)
    replayed = scratch.begun_between(rebuilt, outcome.since, outcome.until)
    unbegun = {
        number
        for number, transaction in stored.items()
        if transaction.started_at is not None and number not in told and "observed" not in transaction.flags
    }
    outcome.only_in_replay = sorted(
        number
        for number in replayed.keys() - stored.keys()
        if replayed[number].station_transaction_id not in unbegun  # what is left of it without its start
    )
    for number, transaction in sorted(stored.items()):
        outcome.transactions += 1
        if number in unbegun:
            outcome.not_replayed.append(f"Transaction {number}: the frame that began it is not kept.")
            continue
        twin = replayed.get(number)
        if twin is None:
            outcome.only_in_store.append(number)
            continue
        found = [
            Difference(number, name, getattr(transaction, name), getattr(twin, name))
            for name in _fields(live, transaction, outcome)
            if getattr(transaction, name) != getattr(twin, name)
        ]
        outcome.differences += found
        outcome.equal += not found


def _fields(live: sqlite3.Connection, transaction: Transaction, outcome: Outcome) -> list[str]:
    """Name the fields that frames alone have made."""
    names = [*BEGIN_FIELDS]
    closed_by = (transaction.closed_by or "").partition(":")[0]
    if closed_by in OF_NO_FRAME or not OF_NO_FRAME.isdisjoint(transaction.flags):
        outcome.not_replayed.append(
            f"Transaction {transaction.transaction_id}: its end came from no frame ({closed_by or 'flags say so'}); "
            "only its beginning is compared."
        )
    elif transaction.stop_received_at is None or transaction.stop_received_at <= outcome.until:
        names += END_FIELDS
    began = transaction.start_received_at
    if transaction.id_tag and began is not None and scratch.changed_since(live, transaction.id_tag, began):
        names = [name for name in names if name not in OF_THE_DIRECTORY]
    return names
