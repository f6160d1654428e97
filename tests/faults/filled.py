"""What became of a filling (`filling`) in a cloud on PostgreSQL: each transaction and sample of it, by number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.faults.filling import CHARGE_POINTS
from tests.faults.judge import Book
from tests.faults.verdict import Verdict, compare

FIRST, BEYOND = 1_000, 1_000_000
"""The transaction numbers of a filling; those that the edge gave while it ran are far beyond."""
FILLED = 2
"""A filled sample has so many measurands; the judge's charge points send one."""


def hold_against(url: str, site: str, transactions: int, samples: int, book: Book | None = None) -> Verdict:
    """Hold what an edge was filled with, and what charge points told it besides, against the cloud's database.

    Args:
        url: of the database.
        site: whose.
        transactions: how many were filled in.
        samples: how many were filled in.
        book: of the charge points that charged meanwhile; `None`: there were none.
    """
    verdict, beside = Verdict(), list[dict[str, Any]]()
    seen, values = bytearray(transactions), bytearray(samples)
    with _rows(url, site, "charging_transaction") as rows:
        for row in rows:
            if row["transaction_id"] >= BEYOND:
                beside.append(row)
            else:
                _note(row, row["transaction_id"] - FIRST, seen, _is_as_filled, "filled transaction", verdict)
    others = list[dict[str, Any]]()
    with _rows(url, site, "meter_value") as rows:
        for row in rows:
            if len(row["samples"]) == FILLED:
                _note(row, int(row["samples"][0]["value"]) // 10, values, _is_as_sampled, "filled sample", verdict)
            else:
                others.append(row)
    verdict.lost += [("filled transaction", number) for number, count in enumerate(seen) if not count]
    verdict.lost += [("filled sample", number) for number, count in enumerate(values) if not count]
    verdict.add(compare(book or Book(), beside, others), site)
    with psycopg.connect(url) as cloud:
        letters = cloud.execute("SELECT stream, seq FROM dead_letter WHERE site_id = %s", (site,)).fetchall()
    verdict.corrupt += [("dead letter", letter) for letter in letters]
    return verdict


def _note(row: dict[str, Any], number: int, seen: bytearray, is_as_filled: Any, what: str, verdict: Verdict) -> None:
    if not 0 <= number < len(seen):
        verdict.invented.append((what, number))
        return
    if seen[number]:
        verdict.doubled.append((what, number))
    seen[number] = 1
    if row["charge_point"] != f"CP-{number % CHARGE_POINTS}" or not is_as_filled(row, number):
        verdict.changed.append((what, number))


def _is_as_filled(row: dict[str, Any], number: int) -> bool:
    meters = (row["meter_start_wh"], row["meter_stop_wh"], row["energy_wh"], row["estimated"])
    return meters == (number * 1_000, number * 1_000 + 500, 500, False) and row["stopped_at"] is not None


def _is_as_sampled(row: dict[str, Any], number: int) -> bool:
    return [one["value"] for one in row["samples"]] == [str(number * 10), str(number % 11_000)]


@contextmanager
def _rows(url: str, site: str, table: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The rows of a site, one after the other, instants as text."""
    with psycopg.connect(url, row_factory=dict_row) as cloud, cloud.cursor(name="judge") as cursor:
        cursor.itersize = 5_000
        cursor.execute(sql.SQL("SELECT * FROM {} WHERE site_id = %s").format(sql.Identifier(table)), (site,))
        yield (
            {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
            for row in cursor
        )
