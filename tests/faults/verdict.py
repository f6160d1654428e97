"""What the judge finds: its book held against transactions and meter values, and against the databases themselves."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.faults.judge import Book, canonical

Place = tuple[str, datetime]
"""A charge point, and the instant of a sample."""


@dataclass
class Verdict:
    """What differs between the judge's book and what is stored. All empty: every promise was kept."""

    lost: list[Any] = field(default_factory=list)
    doubled: list[Any] = field(default_factory=list)
    """Also transaction numbers that were given twice."""
    invented: list[Any] = field(default_factory=list)
    """Stored, and nobody sent it."""
    changed: list[Any] = field(default_factory=list)
    corrupt: list[Any] = field(default_factory=list)
    """Answered with an error, put into quarantine, dead letters, and what SQLite says of a damaged database."""

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    @property
    def figures(self) -> dict[str, int]:
        """How many of each."""
        return {one.name: len(getattr(self, one.name)) for one in fields(self)}

    def add(self, other: Verdict, where: str) -> None:
        """Take over what was found somewhere else."""
        for one in fields(self):
            getattr(self, one.name).extend((where, found) for found in getattr(other, one.name))

    def lost_samples(self) -> list[tuple[str, str]]:
        """Take out the samples that are missing: somebody has a reason for them."""
        samples = [key for kind, key in self.lost if kind == "sample"]
        self.lost = [(kind, key) for kind, key in self.lost if kind != "sample"]
        return samples


def compare(book: Book, transactions: list[dict[str, Any]], meter_values: Iterable[dict[str, Any]]) -> Verdict:
    """Hold the book against transactions and meter values as an API lists them, or as a table has them."""
    verdict = Verdict()
    verdict.doubled += [("number", key) for key in book.reused]
    verdict.corrupt += [("refused", frame) for frame in book.refused]
    _compare_transactions(book, transactions, verdict)
    _compare_samples(book, meter_values, verdict)
    return verdict


def _compare_transactions(book: Book, transactions: list[dict[str, Any]], verdict: Verdict) -> None:
    stored = Counter((one["charge_point"], one["transaction_id"]) for one in transactions)
    verdict.lost += [("start", key) for key in book.starts if key not in stored]
    verdict.invented += [("start", key) for key in stored if key not in book.starts]
    verdict.doubled += [("start", key) for key, count in stored.items() if count > 1]
    business = Counter((one["charge_point"], one["started_at"]) for one in transactions)
    verdict.doubled += [("start", key) for key, count in business.items() if count > 1]
    for one in transactions:
        _compare_transaction(book, one, verdict)


def _compare_transaction(book: Book, stored: dict[str, Any], verdict: Verdict) -> None:
    key = (stored["charge_point"], stored["transaction_id"])
    start, stop = book.starts.get(key), book.stops.get(key)
    if start is not None and (stored["meter_start_wh"], canonical(stored["started_at"])) != (
        start["meterStart"],
        canonical(start["timestamp"]),
    ):
        verdict.changed.append(("start", key))
    if stop is None:
        if start is not None and stored["stopped_at"] is not None:
            verdict.invented.append(("stop", key))
        return
    if stored["stopped_at"] is None:
        verdict.lost.append(("stop", key))
    elif (stored["meter_stop_wh"], stored["estimated"], canonical(stored["stopped_at"])) != (
        stop["meterStop"],
        False,
        canonical(stop["timestamp"]),
    ) or (start is not None and stored["energy_wh"] != stop["meterStop"] - start["meterStart"]):
        verdict.changed.append(("stop", key))


def _compare_samples(book: Book, meter_values: Iterable[dict[str, Any]], verdict: Verdict) -> None:
    """A charge point's samples each have an instant of their own: what is there twice was not sent twice."""
    sent = {(charge_point, canonical(at)): (at, value) for (charge_point, at), value in book.samples.items()}
    stored: defaultdict[Place, list[str]] = defaultdict(list)
    for one in meter_values:
        stored[one["charge_point"], canonical(one["sampled_at"])].append(_value(one))
    verdict.lost += [("sample", (place[0], at)) for place, (at, _) in sent.items() if place not in stored]
    for place, values in stored.items():
        if place not in sent:
            verdict.invented.append(("sample", place))
        elif any(value != sent[place][1] for value in values):
            verdict.changed.append(("sample", place))
        if len(values) > 1:
            verdict.doubled.append(("sample", place))


def _value(stored: dict[str, Any]) -> str:
    samples = stored["samples"]
    return str((json.loads(samples) if isinstance(samples, str) else samples)[0]["value"])


def damage(database: Path) -> list[str]:
    """What SQLite finds wrong with a file; nothing, where it is whole."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
            told = [str(line) for (line,) in store.execute("PRAGMA integrity_check")]
            told += [f"without a parent: {row}" for row in store.execute("PRAGMA foreign_key_check")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for line in told if line != "ok"]


def stored_values(database: Path) -> list[dict[str, Any]]:
    """The meter values of an edge, as its table has them."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        return [dict(row) for row in store.execute("SELECT charge_point, sampled_at, samples FROM meter_value")]
