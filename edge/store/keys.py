"""The hashes of the charge points' keys, in generations: a login with one ends those before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class KeyHash:
    """One accepted form of a charge point's key."""

    salt: bytes
    hash: bytes
    generation: int = 0
    """Counts the keys of a charge point; a login with one ends those before it."""
    typed: bool = False
    """Chosen by a person, so hashed slowly."""


def set_only(connection: sqlite3.Connection, charge_point: str, hashes: Iterable[KeyHash]) -> None:
    """Let only these forms of a key in from now on."""
    connection.execute("DELETE FROM charge_point_key WHERE charge_point = ?", (charge_point,))
    add(connection, charge_point, hashes)


def add(connection: sqlite3.Connection, charge_point: str, hashes: Iterable[KeyHash]) -> None:
    """Let these forms of a key in, too."""
    connection.executemany(
        "INSERT INTO charge_point_key (charge_point, salt, hash, generation, typed) VALUES (?, ?, ?, ?, ?)",
        [(charge_point, key.salt, key.hash, key.generation, int(key.typed)) for key in hashes],
    )


def add_generation(connection: sqlite3.Connection, charge_point: str, hashes: Iterable[KeyHash]) -> int:
    """Let a new key in beside those that are.

    Returns:
        Its generation, higher than theirs.
    """
    generation = max(generations(connection, charge_point), default=0) + 1
    add(connection, charge_point, [replace(key, generation=generation) for key in hashes])
    return generation


def of_charge_point(connection: sqlite3.Connection, charge_point: str) -> list[KeyHash]:
    """List the accepted forms of its keys; empty: it has none, and cannot authenticate."""
    rows = connection.execute(
        "SELECT salt, hash, generation, typed FROM charge_point_key WHERE charge_point = ?", (charge_point,)
    )
    return [KeyHash(bytes(row[0]), bytes(row[1]), row[2], bool(row[3])) for row in rows]


def generations(connection: sqlite3.Connection, charge_point: str) -> list[int]:
    """List the generations that are let in, oldest first. More than one: a new key waits for its first login."""
    rows = connection.execute(
        "SELECT DISTINCT generation FROM charge_point_key WHERE charge_point = ? ORDER BY generation", (charge_point,)
    )
    return [int(row[0]) for row in rows]


def forget_before(connection: sqlite3.Connection, charge_point: str, generation: int) -> bool:
    """End the keys before `generation`, which has just logged in.

    Returns:
        Whether there were any.
    """
    return (
        connection.execute(
            "DELETE FROM charge_point_key WHERE charge_point = ? AND generation < ?", (charge_point, generation)
        ).rowcount
        > 0
    )


def forget(connection: sqlite3.Connection, charge_point: str, generation: int) -> None:
    """End one generation: the charge point refused it."""
    connection.execute(
        "DELETE FROM charge_point_key WHERE charge_point = ? AND generation = ?", (charge_point, generation)
    )
