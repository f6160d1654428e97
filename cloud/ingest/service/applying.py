"""Turn the new events of a batch into rows. What cannot be applied goes to the dead letters and blocks nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cloud.db.database import Unit, is_outage
from cloud.errors import DatabaseUnavailableError
from cloud.ingest import repository
from cloud.ingest.schemas import Line
from cloud.ingest.service.runs import runs
from cloud.models.link import DeadLetterRow, SkippedRangeRow
from cloud.models.plain_samples import MeterEvent
from cloud.models.received import Appliers, Received
from cloud.models.sampled import SampleRun, meter_event
from contract.batch import BatchHeader
from contract.events import EVENTS, EventData, MeterValuesSampled, Skipped
from contract.streams import Stream

_log = logging.getLogger(__name__)
_LONGEST_REASON = 500

Data = TypeVar("Data", bound=EventData)
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Application:
    """The applying of one batch: where it comes from, and when."""

    unit: Unit
    header: BatchHeader
    appliers: Appliers
    now: datetime
    after: int = 0
    """The cursor before the batch: what is at or below it was applied before."""
    held: frozenset[int] = frozenset()
    """Numbers whose meter values are there already, though above it."""

    def apply(self, lines: Sequence[Line]) -> None:
        """Apply the events in their order, runs of one type at once."""
        for kind, run in runs(self._new(lines)):
            if kind == Skipped.TYPE:
                self._skip(run)
            elif kind == MeterValuesSampled.TYPE and kind in self.appliers:
                self._apply_samples(run)
            elif kind in EVENTS and kind in self.appliers:
                self._apply_known(run, EVENTS[kind])
            else:
                self._apply_unknown(run)

    def apply_again(self, line: Line) -> None:
        """Apply one event that could not be applied before. The range of a `Skipped` was noted already."""
        if line.skipped is None:
            self.apply([line])
        else:
            self._apply_kept(line)

    def _new(self, lines: Sequence[Line]) -> list[Line]:
        # The ledger's second lock: what arrived under an earlier epoch is not applied again.
        if self.header.stream is not Stream.LEDGER:
            return list(lines)
        known = repository.known_ledger_events(self.unit, self.header.edge, [line.envelope.id for line in lines])
        fresh = {line.envelope.id: line for line in reversed(lines) if line.envelope.id not in known}
        new = [line for line in lines if line.skipped or fresh.get(line.envelope.id) is line]
        if len(new) < len(lines):
            _log.warning("%d ledger events of %s were known already", len(lines) - len(new), self.header.edge)
        return new

    def _apply_known(self, lines: list[Line], model: type[EventData]) -> None:
        header = self.header

        def write(pairs: Sequence[tuple[Line, EventData]]) -> None:
            self._keep_ledger([line for line, _ in pairs])
            events = [
                Received(header.edge, header.epoch, header.stream, line.envelope, data, self.now)
                for line, data in pairs
            ]
            for applier in self.appliers[model.TYPE]:
                applier(self.unit, events)

        self._write_all_or_each(self._read(lines, lambda line: self._data(line, model)), write)

    def _apply_samples(self, lines: list[Line]) -> None:
        def read(line: Line) -> MeterEvent:
            return line.sampled or meter_event(line.envelope, self._data(line, MeterValuesSampled))

        self._write_all_or_each(self._read(lines, read), self._write_samples)

    def _apply_unknown(self, lines: list[Line]) -> None:
        def write(pairs: Sequence[tuple[Line, None]]) -> None:
            self._keep_ledger([line for line, _ in pairs])
            repository.add_unknown_events(self.unit, [self._raw_row(line) for line, _ in pairs])

        self._write_all_or_each([(line, None) for line in lines], write)

    def _write_samples(self, pairs: Sequence[tuple[Line, MeterEvent]]) -> None:
        run = SampleRun(self.header.edge, self.header.epoch, self.now, [event for _, event in pairs])
        for applier in self.appliers[MeterValuesSampled.TYPE]:
            applier(self.unit, run)

    def _read(self, lines: Sequence[Line], read: Callable[[Line], Read]) -> list[tuple[Line, Read]]:
        """What can be read; the others go to the dead letters."""
        pairs = list[tuple[Line, Read]]()
        for line in lines:
            try:
                pairs.append((line, read(line)))
            except (ValueError, OverflowError) as error:
                self._dead_letter(line, error)
        return pairs

    def _data(self, line: Line, model: type[Data]) -> Data:
        if self.header.stream is not model.STREAM:
            raise ValueError(f"{model.TYPE} does not belong in stream {self.header.stream}")
        return model.model_validate(line.envelope.data)

    def _write_all_or_each(
        self, pairs: Sequence[tuple[Line, Read]], write: Callable[[Sequence[tuple[Line, Read]]], None]
    ) -> None:
        """Write all at once. Where one is bad, halve until it stands alone: all others are written in a few steps."""
        reason = self._try(lambda: write(pairs)) if pairs else None
        if reason is None:
            return
        if len(pairs) == 1:
            self._dead_letter(pairs[0][0], reason)
            return
        middle = len(pairs) // 2
        self._write_all_or_each(pairs[:middle], write)
        self._write_all_or_each(pairs[middle:], write)

    def _try(self, write: Callable[[], None]) -> Exception | None:
        """Write within a savepoint; return what was wrong, after undoing it."""
        try:
            with self.unit.begin_nested():
                write()
        except DatabaseUnavailableError:
            raise
        except SQLAlchemyError as error:
            if is_outage(error):
                raise
            return error
        except Exception as error:  # noqa: BLE001 - one event's border: it goes to the dead letters with its reason
            return error
        return None

    def _keep_ledger(self, lines: Sequence[Line]) -> None:
        if self.header.stream is Stream.LEDGER:
            repository.add_ledger_events(self.unit, [self._ledger_row(line) for line in lines])

    def _skip(self, lines: Sequence[Line]) -> None:
        for line in lines:
            _log.warning("%s of %s skips %d to %d", self.header.stream, self.header.edge, line.first, line.last)
            self._apply_kept(line, self._try(lambda one=line: self._note_skipped(one)))  # type: ignore[misc]

    def _note_skipped(self, line: Line) -> None:
        """Note which numbers will not come. Those up to the cursor have, or were noted when the range was shorter."""
        assert line.skipped is not None  # noqa: S101 - it has the type
        first = max(line.first, self.after + 1)
        repository.note_skipped_range(
            self.unit,
            SkippedRangeRow(
                site_id=self.header.edge,
                epoch=self.header.epoch,
                stream=self.header.stream.value,
                first=first,
                last=line.last,
                count=line.last - first + 1,
                why=_storable(line.skipped.why),
                received_at=self.now,
            ),
        )

    def _apply_kept(self, line: Line, wrong: Exception | None = None) -> None:
        """Store what stayed of thinned meter values, but for those that are there already.

        A bad one keeps none of the others from being stored; the whole goes to the dead letters for its sake, or for
        what else is `wrong` with the range.
        """
        assert line.skipped is not None  # noqa: S101 - it has the type
        kept = [
            (line, meter_event(line.envelope.model_copy(update={"seq": seq}), data))
            for seq, data in _thinned(line.skipped)
            if seq > self.after and seq not in self.held
        ]
        bad = [wrong, line.spoiled]
        if kept and self._try(lambda: self._write_samples(kept)) is not None:
            bad += [self._try(lambda one=one: self._write_samples([one])) for one in kept]  # type: ignore[misc]
        if (reason := next(filter(None, bad), None)) is not None:
            self._dead_letter(line, reason)

    def _dead_letter(self, line: Line, error: Exception) -> None:
        reason = explain(error)
        _log.error("event %d of %s/%s cannot be applied: %s", line.last, self.header.edge, self.header.stream, reason)
        row = DeadLetterRow(**self._raw_row(line) | {"type": _storable(line.type), "reason": reason})
        repository.add_dead_letter(self.unit, row)

    def _raw_row(self, line: Line) -> dict[str, Any]:
        return {
            "site_id": self.header.edge,
            "epoch": self.header.epoch,
            "stream": self.header.stream.value,
            "seq": line.last,
            "type": line.type,
            "received_at": self.now,
            "raw": line.raw,
        }

    def _ledger_row(self, line: Line) -> dict[str, Any]:
        envelope = line.envelope
        about = {"event": envelope.id, "subject": envelope.subject, "occurred_at": envelope.occurred_at}
        row = self._raw_row(line) | about
        del row["stream"]
        return row


def _thinned(skipped: Skipped) -> Iterator[tuple[int, MeterValuesSampled]]:
    """Put the values that stayed of each event together again; an event may have kept several instants."""
    for seq, parts in groupby(skipped.kept, key=lambda part: part.seq):
        first, *others = parts
        yield (
            seq,
            MeterValuesSampled(
                charge_point=first.charge_point,
                connector_id=first.connector_id,
                transaction=first.transaction,
                values=[value for part in (first, *others) for value in part.values],
            ),
        )


def explain(error: Exception) -> str:
    """Why an event could not be applied, without repeating what it says about people."""
    if isinstance(error, ValidationError):
        found = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return _storable("; ".join(found))
    cause = getattr(error, "orig", None) or error
    return _storable(f"{type(cause).__name__}: {cause}")


def _storable(text: str) -> str:
    # PostgreSQL takes neither NUL nor half a surrogate pair; a dead letter must never fail itself.
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:_LONGEST_REASON]
