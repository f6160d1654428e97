from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.harness.processes import Edge
from tests.peers.npm_charge_point import NpmChargePoint
from tests.peers.npm_packages import install
from tests.peers.package_charge_point import PackageChargePoint
from tests.peers.peer import Peer

_numbers = itertools.count(1)


@dataclass
class Place:
    """A charge point of the site: its name there, its key, and how to make its other end."""

    edge: Edge
    identity: str
    password: str
    make: Callable[[str, str, str], Awaitable[Peer]]
    peers: list[Peer] = field(default_factory=list)

    async def peer(self, *, identity: str | None = None, password: str | None = None) -> Peer:
        """The charge point, not connected yet."""
        peer = await self.make(self.edge.ws_url, identity or self.identity, password or self.password)
        self.peers.append(peer)
        return peer


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(tmp_path_factory.mktemp("edge"))
    with edge.start():
        edge.add_id_tag("DRIVER-1")
        edge.add_id_tag("DRIVER-2")
        edge.add_id_tag("BLOCKED", status="Blocked")
        yield edge


@pytest.fixture(params=["npm", "package"])
async def place(request: pytest.FixtureRequest, edge: Edge) -> AsyncIterator[Place]:
    """One charge point per test, played by either implementation."""
    identity = f"{request.param} {next(_numbers)}"
    make = _npm(install()) if request.param == "npm" else _package
    place = Place(edge, identity, edge.add_charge_point(identity), make)
    yield place
    for peer in place.peers:
        await peer.close()


def _npm(node: list[str]) -> Callable[[str, str, str], Awaitable[Peer]]:
    async def make(url: str, identity: str, password: str) -> Peer:
        return await NpmChargePoint.start(node, url, identity, password)

    return make


async def _package(url: str, identity: str, password: str) -> Peer:
    return PackageChargePoint(url, identity, password)
