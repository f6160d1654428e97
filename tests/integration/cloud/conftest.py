"""The cloud on SQLite and on PostgreSQL: the same test bodies run on both."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from cloud.app import create_app
from cloud.auth.service import create_admin
from cloud.db.database import Database
from cloud.db.schema import migrate
from cloud.observability.logs import set_up_logs
from cloud.sites.service import add_site
from contract.events import ChargePointBooted, ChargePointConnected
from tests.harness.plain_http import PLAIN
from tests.integration.cloud.edge_double import NOON, EdgeDouble
from tests.integration.cloud.postgres import Cluster, cluster, require_postgres


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Campus:
    """A cloud with one site, an operator and an edge."""

    def __init__(self, database: Database, clock: Hands, client: httpx.AsyncClient, key: str, secret: str) -> None:
        self.database = database
        self.clock = clock
        self.client = client
        self.key = key
        self.headers = {"Authorization": f"Bearer {key}"}
        self.edge = EdgeDouble(client, "tower", secret)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1/{path}", params=params, headers=self.headers)

    async def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        answer = await self.get(path, **params)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def post(self, path: str, body: Any = None, **params: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1/{path}", params=params, json=body, headers=self.headers)

    async def with_charge_point(self, identity: str = "CP1") -> None:
        await self.edge.tell(
            ChargePointConnected(charge_point=identity, remote_address="10.0.0.9"),
            ChargePointBooted(charge_point=identity, registration_status="Accepted", vendor="VendorA", model="M"),
        )

    def another_edge(self, site: str) -> EdgeDouble:
        return EdgeDouble(self.client, site, add_site(self.database, site, site, self.clock()).secret)


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    set_up_logs("warning", "console")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster(require_postgres()) as running:
        with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE fresh")
        database = Database(running.url("fresh"))
        migrate(database)
        database.close()
        yield running


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the present schema, to be copied."""
    file = tmp_path_factory.mktemp("fresh") / "cloud.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of its own, with the present schema."""
    if request.param == "sqlite":
        file = tmp_path / "cloud.db"
        shutil.copy(request.getfixturevalue("fresh_file"), file)
        return f"sqlite:///{file}"
    running: Cluster = request.getfixturevalue("postgres")
    name = f"t_{uuid4().hex}"
    with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE fresh".encode())
    return running.url(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def campus(database: Database, clock: Hands) -> AsyncIterator[Campus]:
    key = create_admin(database, "tester", clock())
    secret = add_site(database, "tower", "Landmark Tower", clock()).secret
    transport = httpx.ASGITransport(create_app(database, clock=clock))
    async with httpx.AsyncClient(verify=PLAIN, transport=transport, base_url="http://localhost") as client:
        yield Campus(database, clock, client, key, secret)
