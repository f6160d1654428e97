"""What an edge's disk has recorded, and whether the cloud accounts for all of it: stored once, or told as skipped."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contract.events import DataTransferReceived, MeterValuesSampled, SecurityEventRecorded, Skipped
from contract.streams import Stream
from edge.domain.timestamps import iso
from edge.store.outbox import Draft
from tests.faults.whole_link import BEGIN

_NUMBER = re.compile(rb"number (\d+)")
_STORED = """SELECT raw FROM ledger_event UNION ALL SELECT raw FROM raw_event
             UNION ALL SELECT CAST(samples AS BLOB) FROM meter_value"""


@dataclass
class Book:
    """The events that the present disk has recorded."""

    places: dict[int, tuple[Stream, int]] = field(default_factory=dict)
    """Which event (each says a number of its own) has which number in its stream."""
    bad: set[int] = field(default_factory=set)
    """Those that the cloud can read but not apply, of all disks."""

    def as_it_was(self) -> Book:
        """For the time when a backup of the disk comes back."""
        return Book(dict(self.places), self.bad)

    def check(self, cloud: sqlite3.Connection) -> None:
        """Fail unless the cloud has each event once, as a row or a dead letter, or knows that it will not come."""
        found = Counter(number for (raw,) in cloud.execute(_STORED) for number in _numbers(raw))
        dead = Counter(
            number
            for (raw,) in cloud.execute("SELECT raw FROM dead_letter WHERE type <> ?", (Skipped.TYPE,))
            for number in _numbers(raw)
        )
        assert set(dead) <= self.bad, "a good event is a dead letter"
        found += dead
        doubled = {number: self.places.get(number) for number, times in found.items() if times > 1}
        assert not doubled, f"doubled: {doubled}"
        skipped = cloud.execute("SELECT stream, first, last FROM skipped_range").fetchall()
        lost = [
            (number, *place)
            for number, place in self.places.items()
            if not found[number] and not any(place[0] == stream and a <= place[1] <= z for stream, a, z in skipped)
        ]
        assert not lost, f"lost: {lost}"

    def check_bytes(self, ledger: list[bytes], there: set[bytes]) -> None:
        """Fail unless what the disk still holds of its ledger is in the cloud byte for byte."""
        for event in ledger:
            is_skipped = json.loads(event)["type"] == Skipped.TYPE
            assert is_skipped or event in there or set(_numbers(event)) <= self.bad


def _numbers(raw: bytes) -> list[int]:
    return [int(number) for number in _NUMBER.findall(raw)]


def a_draft(stream: Stream, number: int, bad: str | None = None) -> Draft:
    """An event that says its number. `bad`: what of it the cloud cannot take, its "envelope" or its "data"."""
    kind, data = _content(stream, number, bad == "data")
    occurred_at = "0000-00-00T00:00:00Z" if bad == "envelope" else iso(BEGIN)
    return Draft(kind, stream.value, "edge", occurred_at, json.dumps(data).encode())


def _content(stream: Stream, number: int, is_bad: bool) -> tuple[str, dict[str, Any]]:  # noqa: FBT001
    says, charge_point = f"number {number}", f"CP-{number % 3}"
    match stream:
        case Stream.LEDGER:
            return SecurityEventRecorded.TYPE, {"kind": 5 if is_bad else "test", "detail": says}
        case Stream.STATE:
            about = {"charge_point": charge_point, "vendor_id": 5 if is_bad else "test"}
            return DataTransferReceived.TYPE, {**about, "data": says, "status": "Accepted"}
        case _:
            sample = {"measurand": "Power.Active.Import", "value": says}
            value = {"sampled_at": iso(BEGIN + timedelta(seconds=number)), "samples": [sample]}
            connector = "none" if is_bad else 1
            return MeterValuesSampled.TYPE, {
                "charge_point": charge_point,
                "connector_id": connector,
                "transaction": None,
                "values": [value],
            }
