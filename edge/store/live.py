"""The newest of each connector, read for the live channel."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import orjson

from contract.events import MeterValuesSampled
from contract.live import LiveSample, LiveState
from contract.streams import Stream

NEWEST_EVENTS = 500
"""How far back a look goes: of a flood only the end is of interest."""

Place = tuple[str, int]
"""Charge point and connector."""


@dataclass(frozen=True, slots=True)
class Picture:
    """How the site looks."""

    head: int
    """The newest meter event that was looked at."""
    states: dict[Place, LiveState]
    samples: dict[Place, LiveSample]
    """Of the connectors that sent some."""


def look(connection: sqlite3.Connection, after: int) -> Picture:
    """Read all states, and the newest samples in the meter events above number `after`."""
    states = {
        (row["charge_point"], row["connector_id"]): LiveState(**dict(row))
        for row in connection.execute("SELECT charge_point, connector_id, status, error_code, status_at FROM connector")
    }
    head, samples = after, dict[Place, LiveSample]()
    for row in connection.execute(
        "SELECT seq, event FROM outbox WHERE stream = ? AND seq > ? ORDER BY seq DESC LIMIT ?",
        (Stream.METER, after, NEWEST_EVENTS),
    ):
        head = max(head, row["seq"])
        event = orjson.loads(row["event"])
        data = event["data"]
        if event["type"] != MeterValuesSampled.TYPE or not data["values"]:
            continue
        place = (data["charge_point"], data["connector_id"])
        if place not in samples:  # the newest comes first
            samples[place] = _sample(data)
    return Picture(head, states, samples)


def newest_number(connection: sqlite3.Connection) -> int:
    """The number of the newest meter event."""
    row = connection.execute("SELECT head FROM stream WHERE stream = ?", (Stream.METER,)).fetchone()
    return int(row["head"])


def _sample(data: dict[str, object]) -> LiveSample:
    sent = MeterValuesSampled.model_validate(data)
    newest = max(sent.values, key=lambda value: value.sampled_at)
    return LiveSample(
        charge_point=sent.charge_point,
        connector_id=sent.connector_id,
        transaction=sent.transaction,
        sampled_at=newest.sampled_at,
        samples=newest.samples,
    )
