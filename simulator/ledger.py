"""The judge's book: what each charge point *was told is stored*, one JSON object per line, written as it happens.

A record is written when an answer arrived, never when a message was sent. Each record is flushed on its own, so the
book is good up to the last line after any kill; a torn last line is left out when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from simulator.clock import to_wire
from simulator.transaction import NO_TRANSACTION_ID, MeterMessage, StartMessage, StopMessage, TransactionMessage

Record = Mapping[str, object]
"""One line. `kind` is start, stop, meter_values, authorisation, dropped, command or other; `at` is its time."""


class Ledger:
    """Writes the book. Safe to share between all charge points of one process.

    Args:
        path: The file to append to; `None` keeps the records in memory instead.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: IO[str] | None = path.open("a", encoding="utf-8") if path else None
        self._records: list[Record] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the records stay readable."""
        if self._file:
            self._file.close()
            self._file = None

    @property
    def records(self) -> list[Record]:
        """Everything in the book, oldest first."""
        return list(self._records) if self._path is None else read_ledger(self._path)

    def acknowledged(self, charge_point: str, message: TransactionMessage, id_tag_status: str | None = None) -> None:
        """A transaction-related message was answered with a result."""
        transaction = message.transaction
        about: dict[str, object] = {
            "charge_point": charge_point,
            "connector_id": transaction.connector_id,
            "transaction_id": transaction.transaction_id,
        }
        match message:
            case StartMessage():
                about |= {
                    "id_tag": transaction.id_tag,
                    "id_tag_status": id_tag_status,
                    "meter_start_wh": transaction.meter_start_wh,
                    "timestamp": to_wire(transaction.started_at),
                    "begun_offline": transaction.begun_offline,
                }
                self._write("start", about)
            case StopMessage():
                if transaction.transaction_id is None:
                    about["transaction_id"] = NO_TRANSACTION_ID
                about |= {
                    "meter_stop_wh": message.meter_stop_wh,
                    "timestamp": to_wire(message.stopped_at),
                    "reason": message.reason,
                    "data_timestamps": [to_wire(value.sampled_at) for value in message.values],
                }
                self._write("stop", about)
            case MeterMessage():
                timestamps = [to_wire(value.sampled_at) for value in message.values]
                self._write("meter_values", about | {"count": len(timestamps), "timestamps": timestamps})

    def dropped(self, charge_point: str, message: TransactionMessage, why: str) -> None:
        """A message used up its attempts and is gone."""
        self._write(
            "dropped",
            {
                "charge_point": charge_point,
                "connector_id": message.transaction.connector_id,
                "transaction_id": message.transaction.transaction_id,
                "action": message.action,
                "attempts": message.attempts,
                "why": why,
            },
        )

    def authorised(self, charge_point: str, id_tag: str, status: str) -> None:
        """An Authorize was answered."""
        self._write("authorisation", {"charge_point": charge_point, "id_tag": id_tag, "status": status})

    def command(self, charge_point: str, action: str, status: str) -> None:
        """A call of the central system was answered."""
        self._write("command", {"charge_point": charge_point, "action": action, "status": status})

    def other(self, charge_point: str, action: str) -> None:
        """Any other message was answered with a result."""
        self._write("other", {"charge_point": charge_point, "action": action})

    def _write(self, kind: str, content: dict[str, object]) -> None:
        record = {"kind": kind, "at": to_wire(datetime.now(UTC)), **content}
        if self._path is None:
            self._records.append(record)
        elif self._file:
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
            self._file.flush()


@dataclass(frozen=True, slots=True)
class TransactionKey:
    """What names a transaction on the wire, for ever."""

    charge_point: str
    transaction_id: int


def read_ledger(path: Path) -> list[Record]:
    """Read a book, also while it is written or after its writer was killed."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1] if line]


def of_kind(records: Iterable[Record], kind: str) -> list[Record]:
    """The records of one kind, in order."""
    return [record for record in records if record["kind"] == kind]
