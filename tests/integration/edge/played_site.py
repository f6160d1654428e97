"""A site's store with the operations from charge points in front of it, without sockets and without an event loop."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson

from contract.batch import GENESIS, Envelope, next_hash
from contract.events import EVENTS, EventData
from contract.streams import Stream
from edge.clock import Clock
from edge.domain.authorisation import DirectoryEntry
from edge.domain.doubts import FLAGS, SUSPICIONS
from edge.domain.orphans import Patience
from edge.domain.policy import Policy
from edge.domain.registration import Registration
from edge.ocpp16.intake import take
from edge.operations import orphans
from edge.operations.from_charge_point import dispatch, salvage
from edge.operations.from_charge_point.request import Request, Response
from edge.store import charge_points, id_tags, outbox, quarantine, transactions
from edge.store.database import connect
from edge.store.id_tags import IdTag
from edge.store.outbox import Numbering
from edge.store.transactions import Transaction
from edge.store.writer import WriteTx

Result = TypeVar("Result")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CP1, CP2 = "CP1", "CP2"


class SetClock(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def machine_synchronised(self) -> bool:
        return False

    def boottime(self) -> float:
        return (self.at - NOON).total_seconds()


class Disk:
    """The writer's connection, with a disk that can be made to fail at the commit, or to take its time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.broken = False
        self.commits = 0
        self.before_commit: Callable[[], object] = lambda: None
        self.after_commit: Callable[[], object] = lambda: None
        """Called in the thread that commits, as is the one before."""

    def commit(self) -> None:
        self.before_commit()
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        self.commits += 1
        self._connection.commit()
        self.after_commit()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass
class PlayedSite:
    """Two charge points, a handful of id tags, and a clock."""

    path: Path
    clock: SetClock = field(default_factory=SetClock)
    policy: Policy = field(default_factory=lambda: Policy(known_vendor_messages={"VendorA": frozenset({"known"})}))

    def __post_init__(self) -> None:
        self.connection = connect(self.path, synchronous="OFF")

    @classmethod
    def create(cls, blank: Path, path: Path) -> PlayedSite:
        shutil.copyfile(blank, path)
        site = cls(path)
        site.write(_furnish)
        return site

    def close(self) -> None:
        """End it; every doubt that it noted has to be one that is explained."""
        rows = self.connection.execute("SELECT flags, suspect_why FROM charging_transaction").fetchall()
        self.connection.close()
        assert {flag for row in rows for flag in orjson.loads(row["flags"])} <= set(FLAGS)
        assert {row["suspect_why"] for row in rows} - {None} <= set(SUSPICIONS)

    def restart(self) -> None:
        """All that was in memory is gone."""
        self.close()
        self.connection = connect(self.path, synchronous="OFF")

    def later(self, **by: float) -> str:
        """Let time pass; returns the time as a charge point would write it."""
        self.clock.at += timedelta(**by)
        return self.time

    @property
    def time(self) -> str:
        return self.clock.at.isoformat().replace("+00:00", "Z")

    def write(self, operation: Callable[[WriteTx], Result]) -> Result:
        """Run an operation as the writer does, alone in its batch."""
        tx, numbering = WriteTx(self.connection), Numbering(self.clock)
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = operation(tx)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        numbering.drafts += tx.take_drafts()
        numbering.write(self.connection)
        self.connection.execute("COMMIT")
        return result

    def ask(self, action: str, payload: dict[str, Any], *, charge_point: str = CP1) -> Response:
        """Send one of the ten operations."""
        request = self.request(action, payload, charge_point=charge_point)
        return self.write(lambda tx: dispatch.handle(request, tx, self.clock.now()))

    def salvage(self, action: str, payload: dict[str, Any], reason: str) -> Response:
        """Do what is done when the handler has failed."""
        request = self.request(action, payload)
        return self.write(lambda tx: salvage.keep(request, tx, self.clock.now(), reason))

    def request(self, action: str, payload: dict[str, Any], *, charge_point: str = CP1) -> Request:
        intake = take(action, payload)
        raw = orjson.dumps([2, "1", action, payload])
        return Request(charge_point, action, intake.payload, raw, intake.doubt, self.policy)

    def start(self, *, charge_point: str = CP1, **fields: Any) -> int:
        """Start a transaction on connector 1 for TAG at register 1000, unless told otherwise; returns its number."""
        return int(self.started(charge_point=charge_point, **fields)["transactionId"])

    def started(self, *, charge_point: str = CP1, **fields: Any) -> Response:
        payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": self.time} | fields
        return self.ask("StartTransaction", _given(payload), charge_point=charge_point)

    def stop(self, number: object, *, charge_point: str = CP1, **fields: Any) -> Response:
        """Stop a transaction at register 1500, unless told otherwise."""
        payload = {"transactionId": number, "meterStop": 1500, "timestamp": self.time} | fields
        return self.ask("StopTransaction", _given(payload), charge_point=charge_point)

    def status(self, status: str, *, charge_point: str = CP1, **fields: Any) -> Response:
        """Report the status of connector 1, now, unless told otherwise."""
        payload = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": self.time} | fields
        return self.ask("StatusNotification", _given(payload), charge_point=charge_point)

    def boot(self, *, charge_point: str = CP1) -> Response:
        boot = {"chargePointVendor": "VendorA", "chargePointModel": "M"}
        return self.ask("BootNotification", boot, charge_point=charge_point)

    def sweep(self, patience: Patience | None = None) -> None:
        """Look for lost stops, as the edge does each minute."""
        self.write(lambda tx: orphans.sweep(tx, self.clock.now(), patience or Patience()))

    def meter(self, value: object, *, charge_point: str = CP1, **fields: Any) -> Response:
        """Report one value of the register, now and on connector 1, unless told otherwise."""
        sampled = {"timestamp": self.time, "sampledValue": [{"value": value}]}
        payload = {"connectorId": 1, "meterValue": [sampled]} | fields
        return self.ask("MeterValues", _given(payload), charge_point=charge_point)

    def transaction(self, number: int) -> Transaction:
        found = transactions.find(self.connection, number)
        assert found is not None
        return found

    def transactions(self) -> list[Transaction]:
        """All of them, oldest first."""
        return transactions.page(self.connection, limit=10_000)[::-1]

    def reasons(self) -> list[str]:
        """Why frames are in quarantine, oldest first."""
        return [frame.reason for frame in quarantine.page(self.connection, limit=1000)][::-1]

    def events(self, kind: type[EventData] | None = None) -> list[Any]:
        """The events of a kind as the contract reads them, in order; `None`: of all kinds."""
        read = [event for stream in Stream for _, event in envelopes(self, stream)]
        return [event for event in read if kind is None or isinstance(event, kind)]

    def count(self, table: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names


def envelopes(site: PlayedSite, stream: Stream) -> list[tuple[Envelope, EventData]]:
    """Read a stream as the cloud would: numbers without holes, an unbroken chain, every event of a known form."""
    read = []
    chained = GENESIS
    stored = outbox.read_after(site.connection, stream, 0, limit=10**6, max_bytes=10**9)
    for expected, row in enumerate(stored, start=1):
        envelope = Envelope.model_validate_json(row.event)
        chained = next_hash(chained, row.event)
        assert (row.seq, envelope.seq) == (expected, expected)
        assert bytes(row.hash) == chained
        kind = EVENTS[envelope.type]
        assert kind.STREAM is stream
        read.append((envelope, kind.model_validate(envelope.data, strict=False)))
    head = outbox.heads(site.connection)[stream]
    assert (head.head, bytes.fromhex(head.hash)) == (len(stored), chained)
    return read


def _given(payload: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a test sets to `...`; `None` is sent as `null`."""
    return {name: value for name, value in payload.items() if value is not ...}


def _furnish(tx: WriteTx) -> None:
    for charge_point in (CP1, CP2):
        charge_points.put(tx.connection, charge_point, Registration.ACCEPTED, NOON)
    tags = [
        DirectoryEntry("TAG", "Accepted"),
        DirectoryEntry("OTHER", "Accepted"),
        DirectoryEntry("MOTHER", "Accepted", parent_id_tag="HOUSE"),
        DirectoryEntry("FATHER", "Accepted", parent_id_tag="house"),
        DirectoryEntry("NEIGHBOUR", "Accepted", parent_id_tag="GARDEN"),
        DirectoryEntry("BLOCKED", "Blocked"),
        DirectoryEntry("EXPIRED", "Accepted", expires_at=NOON - timedelta(days=1)),
    ]
    for entry in tags:
        id_tags.put(tx.connection, IdTag(entry, None), NOON)
