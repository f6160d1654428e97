from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.store.database import connect
from edge.store.migrations import migrate
from tests.integration.edge.played_site import PlayedSite


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database in one file, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "edge.db"
    migrate(path)
    connection = connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def site(blank: Path, tmp_path: Path) -> Iterator[PlayedSite]:
    site = PlayedSite.create(blank, tmp_path / "edge.db")
    yield site
    site.close()
