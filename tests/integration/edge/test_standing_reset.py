from __future__ import annotations

from pathlib import Path

from edge.store import upkeep_tasks
from edge.store.migrations import migrate
from edge.store.upkeep_tasks import TaskKind
from tests.integration.edge.played_site import CP1, PlayedSite


def test_a_reset_that_is_waited_for_is_done_by_a_boot_of_its_own(tmp_path: Path) -> None:
    migrate(tmp_path / "blank.db")
    site = PlayedSite.create(tmp_path / "blank.db", tmp_path / "edge.db")
    site.boot()
    site.write(lambda tx: upkeep_tasks.demand(tx.connection, CP1, TaskKind.RESET, site.clock.now()))
    assert TaskKind.RESET in upkeep_tasks.standing(site.connection, CP1)
    site.later(minutes=5)
    site.boot()
    assert TaskKind.RESET not in upkeep_tasks.standing(site.connection, CP1)
