from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge.store.database import connect
from edge.store.migrations import migrate
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge
from tests.harness.station import Station, connected
from tests.integration.edge.played_site import PlayedSite

CHARGE_POINT = "123"


@dataclass
class Site:
    """A running edge with one known charge point and the paper's id tags."""

    edge: Edge
    password: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    edge = Edge.create(
        tmp_path_factory.mktemp("edge"),
        CENTRAL_SYSTEM__HEARTBEAT_INTERVAL_S="60",
        CENTRAL_SYSTEM__KNOWN_VENDOR_MESSAGES='{"VendorA": ["customMsg"]}',
        CENTRAL_SYSTEM__CALL_TIMEOUT_S="2",
    )
    with edge.start():
        password = edge.add_charge_point(CHARGE_POINT)
        edge.add_id_tag("12345")
        edge.add_id_tag("EXPIRED", expires_at="2020-01-01T00:00:00Z")
        edge.add_id_tag("BLOCKED", status="Blocked")
        edge.add_id_tag("FAMILY", parent_id_tag="HOUSE")
        yield Site(edge, password)


@pytest.fixture
async def station(site: Site) -> AsyncIterator[Station]:
    """The site's charge point, connected and booted."""
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        await station.boot()
        yield station


@pytest.fixture
async def api(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the site's REST API."""
    base_url = f"http://127.0.0.1:{site.edge.api_port}/api/v1/"
    async with httpx.AsyncClient(verify=PLAIN, base_url=base_url, timeout=30, trust_env=False) as client:
        yield client


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
def played(blank: Path, tmp_path: Path) -> Iterator[PlayedSite]:
    """A site without sockets: the real store behind the real operations, and a clock that the test moves."""
    site = PlayedSite.create(blank, tmp_path / "edge.db")
    yield site
    site.close()
