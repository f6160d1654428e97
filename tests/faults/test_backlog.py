"""An edge that was 30 days offline comes back: transactions first, all of it drained, and it stays small meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backlog import LEGS, Backlog, drain
from tests.faults.conftest import Scale
from tests.faults.figures import Figures, at_least, at_most
from tests.harness.postgres import Postgres, killable_postgres

pytestmark = pytest.mark.timeout(7_200)

EDGE_MAY_TAKE_MB = 200
EVENTS_PER_S, TRANSACTIONS_WITHIN_S, LIVE_WITHIN_S = 5_000, 60.0, 2.0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with killable_postgres() as postgres:
        yield postgres


@pytest.mark.parametrize("leg", [pytest.param(leg, marks=pytest.mark.measures("backlog", leg)) for leg in LEGS])
async def test_a_month_offline_drains_with_transactions_first(
    postgres: Postgres, leg: str, tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    backlog = scale.pick(Backlog(500, 9_000), Backlog(10_000, 1_680_000))
    seen = await drain(postgres, tmp_path, backlog, LEGS[leg])
    shutil.rmtree(tmp_path / "edge" / "data")  # gigabytes in the full form, and the temporary folders stay
    figures.record(
        events=seen.events,
        drained_after_s=seen.all_after_s,
        **seen.found,
        events_per_s=at_least(seen.events_per_s, EVENTS_PER_S),
        transactions_after_s=at_most(seen.ledger_after_s, TRANSACTIONS_WITHIN_S),
        edge_at_most_MB=seen.peak_mb,
        live_p95_s=at_most(seen.live_p95_s, LIVE_WITHIN_S),
    )
    assert not any(seen.found.values()), seen.found
    assert seen.ledger_after_s < seen.all_after_s, "transactions went first"
    assert seen.peak_mb < EDGE_MAY_TAKE_MB
