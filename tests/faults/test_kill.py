"""Processes killed at random moments under load: every acknowledged record is in the cloud, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.campus import CHARGE_POINTS, Campus, campus, kill_again_and_again, load
from tests.faults.figures import Figures, at_most, percentile
from tests.faults.judge import Book
from tests.faults.verdict import compare, damage

pytestmark = pytest.mark.timeout(14_400)

FIRST_ANSWER_WITHIN_S = 5.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Campus]:
    with campus(tmp_path) as (made, _):
        made.furnish()
        yield made


@pytest.mark.measures("edge-killed")
async def test_a_killed_edge_loses_and_doubles_nothing(site: Campus, rounds: int, figures: Figures) -> None:
    first_answers_s: list[float] = []
    book = await site.charge_while(kill_again_and_again(site.edge, rounds, 1, first_answers_s))
    assert book.connections >= CHARGE_POINTS * (rounds + 1)
    verdict = site.judge(book)
    figures.record(
        kills=rounds,
        records=book.records,
        **verdict.figures,
        first_CALLRESULT_p95_s=percentile(first_answers_s, 95),
        slowest_s=at_most(max(first_answers_s), FIRST_ANSWER_WITHIN_S),
    )
    assert not verdict, verdict


@pytest.mark.measures("cloud-killed", "cloud on SQLite")
async def test_a_killed_cloud_loses_and_doubles_nothing(site: Campus, rounds: int, figures: Figures) -> None:
    rounds = max(5, rounds // 10)
    book = await site.charge_while(kill_again_and_again(site.cloud, rounds, seed=2))
    assert book.connections == CHARGE_POINTS  # no charge point noticed
    verdict = site.judge(book)
    figures.record(kills=rounds, records=book.records, **verdict.figures)
    assert not verdict, verdict


async def test_the_judge_bites(site: Campus) -> None:
    """A control: a record that is taken out of the store, put in twice, made up or altered, is found at both sides."""

    async def a_while(book: Book) -> None:
        await load(book, 200)

    book = await site.charge_while(a_while)
    assert not site.judge(book)
    transactions = site.cloud.items("/api/v1/transactions")
    meter_values = site.cloud.items("/api/v1/meter-values")
    assert not compare(book, transactions, meter_values)
    assert len(compare(book, transactions[1:], meter_values).lost) == 1
    assert compare(book, [*transactions, transactions[0]], meter_values).doubled
    assert len(compare(book, transactions, meter_values[1:]).lost) == 1
    assert compare(book, transactions, [*meter_values, meter_values[0]]).doubled
    altered = transactions[0] | {"energy_wh": 1_000_000}
    assert compare(book, [altered, *transactions[1:]], meter_values).changed
    nobody_sent = meter_values[0] | {"sampled_at": "2020-01-01T00:00:00Z"}
    assert len(compare(book, transactions, [*meter_values, nobody_sent]).invented) == 1
    garbage = meter_values[0] | {"samples": [{"value": "garbage"}]}
    assert len(compare(book, transactions, [garbage, *meter_values[1:]]).changed) == 1
    alter(site.edge_database)
    verdict = site.judge(book)
    assert verdict.figures == {"lost": 0, "doubled": 0, "invented": 0, "changed": 1, "corrupt": 1}, verdict
    site.edge.stop()
    assert damage(site.edge_database) == []
    scribble_over(site.edge_database)
    assert damage(site.edge_database)


def scribble_over(database: Path) -> None:
    """Damage a page in the middle of a file."""
    with database.open("r+b") as file:
        file.seek(database.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)


def alter(database: Path) -> None:
    """Change a value on the edge's disk, and put a frame into its quarantine."""
    with closing(sqlite3.connect(database)) as store:
        store.execute(
            """UPDATE meter_value SET samples = '[{"value": "garbage"}]' WHERE (charge_point, sampled_at) =
               (SELECT charge_point, sampled_at FROM meter_value ORDER BY sampled_at DESC LIMIT 1)"""
        )
        store.execute(
            """INSERT INTO quarantine (charge_point, received_at, reason, raw)
               VALUES ('CP-0', '2026-11-24T12:00:00.000Z', 'odd', '[]')"""
        )
        store.commit()
