"""Who this edge is to the cloud: its store, its epoch, and which cloud database it last spoke with."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """The one row of `identity`."""

    store_id: UUID
    epoch: int
    incarnation: UUID | None
    last_command_number: int
    """The highest number of a command item that is stored; 0: none of this incarnation."""
    last_command: UUID | None = None
    """The command of that item; `None`: there is none, or it is from before that was noted."""
    claim: UUID | None = None
    """What an epoch was asked for with, and not taken yet; `None`: none was asked for."""


def read(connection: sqlite3.Connection) -> Identity:
    """Read it."""
    row = connection.execute(
        "SELECT store_id, epoch, incarnation, last_command_number, last_command, claim FROM identity"
    ).fetchone()
    return Identity(
        store_id=UUID(row["store_id"]),
        epoch=row["epoch"],
        incarnation=UUID(row["incarnation"]) if row["incarnation"] else None,
        last_command_number=row["last_command_number"],
        last_command=UUID(row["last_command"]) if row["last_command"] else None,
        claim=UUID(row["claim"]) if row["claim"] else None,
    )


def meet_incarnation(connection: sqlite3.Connection, incarnation: UUID) -> None:
    """Remember the cloud database. Command numbers of another one mean nothing: they start from 0 again."""
    connection.execute(
        """UPDATE identity SET incarnation = ?1, last_command_number = 0, last_command = NULL
           WHERE incarnation IS NULL OR incarnation <> ?1""",
        (str(incarnation),),
    )


def remember_command_number(connection: sqlite3.Connection, number: int, command: UUID) -> None:
    """Remember the highest stored item of the command sequence."""
    connection.execute(
        "UPDATE identity SET last_command_number = ?1, last_command = ?2 WHERE last_command_number < ?1",
        (number, str(command)),
    )


def claim(connection: sqlite3.Connection, new: UUID) -> UUID:
    """Ask for an epoch with `new`, unless one was asked for already: after a crash it is the same request.

    Returns:
        What to ask with.
    """
    connection.execute("UPDATE identity SET claim = coalesce(claim, ?)", (str(new),))
    return UUID(connection.execute("SELECT claim FROM identity").fetchone()["claim"])


def take_epoch(connection: sqlite3.Connection, epoch: int) -> None:
    """Number the life of this database as the cloud does; what was claimed is granted. Never goes back."""
    connection.execute("UPDATE identity SET epoch = max(epoch, ?), claim = NULL", (epoch,))
