"""What the edge still has to do at charge points by itself. A task stands until it was done: a crash loses none."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from edge.domain.registration import Registration
from edge.domain.timestamps import iso

EVERY = ""
"""The charge point of a task that is about all of them, and no call."""
DEBOUNCE = timedelta(seconds=2)
"""How long a changed directory may go on changing before the charge points hear of it."""


class TaskKind(StrEnum):
    """What is to be done, in the order in which it is done at one charge point."""

    PROBE = "probe"
    """It connected without a boot: ask for one key, to see whether it answers."""
    PROVISION = "provision"
    AVAILABILITY = "availability"
    LOCAL_LIST = "local_list"
    CLEAR_CACHE = "clear_cache"
    RESET = "reset"
    """A changed key takes effect with a restart: a soft one, once no transaction runs."""


ORDER = {kind: number for number, kind in enumerate(TaskKind)}


@dataclass(frozen=True, slots=True)
class Task:
    """One row."""

    charge_point: str
    kind: TaskKind
    attempts: int
    """How often it was begun and failed."""
    generation: int
    """Grows with each demand, so that one that comes while the task runs is not lost."""


def demand(connection: sqlite3.Connection, charge_point: str, kind: TaskKind, due_at: datetime) -> None:
    """Ask for a task. One that stands already is due at the new time, and begins anew."""
    connection.execute(
        """INSERT INTO upkeep_task (charge_point, kind, due_at) VALUES (?, ?, ?)
           ON CONFLICT (charge_point, kind) DO UPDATE SET due_at = excluded.due_at, attempts = 0,
               generation = generation + 1""",
        (charge_point, kind, iso(due_at)),
    )


def demand_everywhere(connection: sqlite3.Connection, kind: TaskKind, due_at: datetime) -> None:
    """Ask for a task at every accepted charge point."""
    connection.execute(
        """INSERT INTO upkeep_task (charge_point, kind, due_at)
           SELECT charge_point, ?, ? FROM charge_point WHERE registration_status = ?
           ON CONFLICT (charge_point, kind) DO UPDATE SET due_at = excluded.due_at, attempts = 0,
               generation = generation + 1""",
        (kind, iso(due_at), Registration.ACCEPTED),
    )


def ring_directory(connection: sqlite3.Connection, now: datetime, *, refused: bool) -> None:
    """Say that id tags have changed: local lists follow, and caches are cleared where one was blocked or removed.

    Args:
        connection: the writer's; the task commits together with the change.
        now: the time of the change.
        refused: whether an id tag may charge less than before.
    """
    demand(connection, EVERY, TaskKind.LOCAL_LIST, now + DEBOUNCE)
    if refused:
        demand(connection, EVERY, TaskKind.CLEAR_CACHE, now + DEBOUNCE)


def due(connection: sqlite3.Connection, now: datetime) -> list[Task]:
    """List what may be done now, by charge point and in order."""
    rows = connection.execute(
        "SELECT charge_point, kind, attempts, generation FROM upkeep_task WHERE due_at <= ?", (iso(now),)
    )
    found = [Task(row["charge_point"], TaskKind(row["kind"]), row["attempts"], row["generation"]) for row in rows]
    return sorted(found, key=lambda task: (task.charge_point, ORDER[task.kind]))


def standing(connection: sqlite3.Connection, charge_point: str) -> list[TaskKind]:
    """List what still has to be done at a charge point, due or not."""
    rows = connection.execute("SELECT kind FROM upkeep_task WHERE charge_point = ?", (charge_point,))
    return sorted((TaskKind(row["kind"]) for row in rows), key=ORDER.__getitem__)


def done(connection: sqlite3.Connection, task: Task) -> None:
    """Strike a task out, unless it was demanded again meanwhile."""
    connection.execute(
        "DELETE FROM upkeep_task WHERE charge_point = ? AND kind = ? AND generation = ?",
        (task.charge_point, task.kind, task.generation),
    )


def postpone(connection: sqlite3.Connection, task: Task, due_at: datetime, *, failed: bool) -> None:
    """Try a task again later, unless it was demanded again meanwhile.

    Args:
        connection: the writer's.
        task: as it was read.
        due_at: not before then.
        failed: whether this counts as an attempt.
    """
    connection.execute(
        """UPDATE upkeep_task SET due_at = ?, attempts = attempts + ?
           WHERE charge_point = ? AND kind = ? AND generation = ?""",
        (iso(due_at), int(failed), task.charge_point, task.kind, task.generation),
    )


def forget(connection: sqlite3.Connection, charge_point: str, kind: TaskKind) -> None:
    """Strike a task out for good: something else has answered its question."""
    connection.execute("DELETE FROM upkeep_task WHERE charge_point = ? AND kind = ?", (charge_point, kind))
