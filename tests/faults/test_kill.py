"""Processes killed at random moments under load: every acknowledged record is in the cloud, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campus import CHARGE_POINTS, Campus, campus, kill_again_and_again, load
from tests.faults.figures import Figures, percentile
from tests.faults.judge import Book, compare

pytestmark = pytest.mark.timeout(14_400)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Campus]:
    with campus(tmp_path) as (made, _):
        made.furnish()
        yield made


async def test_a_killed_edge_loses_and_doubles_nothing(site: Campus, rounds: int, figures: Figures) -> None:
    first_answers_s: list[float] = []
    book = await site.charge_while(kill_again_and_again(site.edge, rounds, 1, first_answers_s))
    assert book.connections >= CHARGE_POINTS * (rounds + 1)
    site.judge(book)
    figures.record(
        "edge-killed",
        kills=rounds,
        records=book.records,
        lost=0,
        doubled=0,
        first_CALLRESULT_p95_s=percentile(first_answers_s, 95),
        at_most_s=max(first_answers_s),
    )


async def test_a_killed_cloud_loses_and_doubles_nothing(site: Campus, rounds: int, figures: Figures) -> None:
    rounds = max(5, rounds // 10)
    book = await site.charge_while(kill_again_and_again(site.cloud, rounds, seed=2))
    assert book.connections == CHARGE_POINTS  # no charge point noticed
    site.judge(book)
    figures.record("cloud-killed", "cloud on SQLite", kills=rounds, records=book.records, lost=0, doubled=0)


async def test_the_judge_bites(site: Campus) -> None:
    """A control: a record that is taken out of the store, or put in twice, is found."""

    async def a_while(book: Book) -> None:
        await load(book, 200)

    book = await site.charge_while(a_while)
    site.edge.wait_drained(240)
    transactions = site.cloud.items("/api/v1/transactions")
    meter_values = site.cloud.items("/api/v1/meter-values")
    assert not compare(book, transactions, meter_values)
    assert len(compare(book, transactions[1:], meter_values).lost) == 1
    assert compare(book, [*transactions, transactions[0]], meter_values).doubled
    assert len(compare(book, transactions, meter_values[1:]).lost) == 1
    assert compare(book, transactions, [*meter_values, meter_values[0]]).doubled
    altered = transactions[0] | {"energy_wh": 1_000_000}
    assert compare(book, [altered, *transactions[1:]], meter_values).changed
