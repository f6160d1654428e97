"""Samples that an edge let go under pressure: each one's number must be within a range that says so."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.judge import Book, canonical
from tests.faults.verdict import Place


@dataclass
class Numbers:
    """The numbers of the stream of meter values, as the cloud's database has them."""

    cursor: int = 0
    of: dict[Place, int] = field(default_factory=dict)
    """The number of the event that brought each sample."""
    skipped: set[int] = field(default_factory=set)
    """All numbers of all skipped ranges; those whose values were kept are in `of`, too."""
    skipped_twice: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, cloud_database: Path) -> Numbers:
        """Read them. The site has had one epoch only."""
        numbers = cls()
        with closing(sqlite3.connect(f"file:{cloud_database}?mode=ro", uri=True)) as cloud:
            (numbers.cursor,) = cloud.execute("SELECT cursor FROM stream_cursor WHERE stream = 'meter'").fetchone()
            for charge_point, at, seq in cloud.execute("SELECT charge_point, sampled_at, seq FROM meter_value"):
                numbers.of[charge_point, _utc(at)] = seq
            for first, last in cloud.execute("SELECT first, last FROM skipped_range WHERE stream = 'meter'"):
                numbers.skipped_twice |= numbers.skipped & set(range(first, last + 1))
                numbers.skipped |= set(range(first, last + 1))
        return numbers

    def silent(self) -> set[int]:
        """Numbers that brought nothing, and that nobody said were skipped."""
        return set(range(1, self.cursor + 1)) - set(self.of.values()) - self.skipped

    def unexplained(self, book: Book) -> list[Place]:
        """Missing samples that can have had no skipped number.

        A charge point sends one after the other, so that a sample's number lies between those of its neighbours.
        """
        free, found = sorted(self.skipped - set(self.of.values())), list[Place]()
        for missing, after, before in self._gaps(book):
            possible = [number for number in free if after < number < before]
            found += missing[len(possible) :]
            taken = set(possible[: len(missing)])
            free = [number for number in free if number not in taken]
        return found

    def _gaps(self, book: Book) -> list[tuple[list[Place], int, int]]:
        """Runs of missing samples, and the numbers of the samples around them; those that end first come first."""
        of_each: defaultdict[str, list[Place]] = defaultdict(list)
        for charge_point, at in book.samples:
            of_each[charge_point].append((charge_point, canonical(at)))
        gaps = list[tuple[list[Place], int, int]]()
        for places in of_each.values():
            missing, after = list[Place](), 0
            for place in places:
                if place not in self.of:
                    missing.append(place)
                    continue
                if missing:
                    gaps.append((missing, after, self.of[place]))
                missing, after = [], self.of[place]
            if missing:
                gaps.append((missing, after, self.cursor + 1))
        return sorted(gaps, key=lambda gap: gap[2])


def _utc(at: str) -> datetime:
    instant = datetime.fromisoformat(at)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
