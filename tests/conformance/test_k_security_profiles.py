"""K17: TLS versions, suites and certificates, and no way back to a lower profile (A00.FR.312-324, A05.FR.09)."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import websockets

from tests.harness.processes import Edge, free_port
from tests.harness.tls import NAME, trusting
from tests.harness.wire import basic, refused, wired


@dataclass
class Site:
    """An edge with an entrance of each profile, and its root."""

    edge: Edge
    ports: dict[int, int]
    root: str

    def url(self, profile: int, charge_point: str) -> str:
        scheme = "wss" if profile >= 2 else "ws"
        return f"{scheme}://127.0.0.1:{self.ports[profile]}/ocpp/{charge_point}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ports = {profile: free_port() for profile in (0, 2, 3)}
    listeners = [{"host": "127.0.0.1", "port": port, "security_profile": profile} for profile, port in ports.items()]
    edge = Edge.create(
        tmp_path_factory.mktemp("edge"),
        CENTRAL_SYSTEM__LISTENERS=json.dumps(listeners),
        CENTRAL_SYSTEM__SERVER_NAMES=json.dumps([NAME]),
        CENTRAL_SYSTEM__ALLOW_UNAUTHENTICATED="true",
    )
    with edge.start():
        yield Site(edge, ports | {1: edge.central_system_port}, edge.cli("show-ca"))


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ],
)
async def test_k17_each_suite_of_tls_1_2_with_an_rsa_and_an_ecdsa_certificate(site: Site, suite: str) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, f"TLS-{suite}")
    async with wired(
        site.url(2, f"TLS-{suite}"),
        basic(f"TLS-{suite}", key),
        ssl=trusting(site.root, suites=suite),
        server_hostname=NAME,
    ) as wire:
        assert (await wire.boot())["status"] == "Accepted"
        tls = wire.websocket.transport.get_extra_info("ssl_object")
        assert (tls.version(), tls.cipher()[0], tls.compression()) == ("TLSv1.2", suite, None)


async def test_k17_tls_1_3_is_spoken_with_those_who_can(site: Site) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, "MODERN")
    async with wired(
        site.url(2, "MODERN"), basic("MODERN", key), ssl=trusting(site.root), server_hostname=NAME
    ) as wire:
        assert wire.websocket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
async def test_k17_tls_1_1_is_refused(site: Site) -> None:
    context = trusting(site.root)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)) as caught:
        await asyncio.open_connection("127.0.0.1", site.ports[2], ssl=context, server_hostname=NAME)
    assert "NO_PROTOCOLS_AVAILABLE" not in str(caught.value)  # it was the server who refused
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", site.ports[2], ssl=context, server_hostname=NAME)
    writer.close()
    await writer.wait_closed()


async def test_k17_a_wrong_key_is_refused_over_tls_too(site: Site) -> None:
    await asyncio.to_thread(site.edge.add_charge_point, "LOCKED")
    response = await refused(
        site.url(2, "LOCKED"), basic("LOCKED", "wrong"), ssl=trusting(site.root), server_hostname=NAME
    )
    assert response.status_code == 401


async def test_k17_once_over_tls_a_lower_profile_is_refused_until_an_operator_lowers_it(site: Site) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, "CLIMBER")
    for profile in (0, 1):
        async with wired(site.url(profile, "CLIMBER"), basic("CLIMBER", key)) as wire:
            assert (await wire.boot())["status"] == "Accepted"
    assert (await refused(site.url(0, "CLIMBER"))).status_code == 403  # it has shown its key once
    async with wired(
        site.url(2, "CLIMBER"), basic("CLIMBER", key), ssl=trusting(site.root), server_hostname=NAME
    ) as wire:
        assert (await wire.boot())["status"] == "Accepted"
    for profile in (0, 1):
        assert (await refused(site.url(profile, "CLIMBER"), basic("CLIMBER", key))).status_code == 403
    with site.edge.client() as api:
        path = "/api/v1/charge-points/CLIMBER/security"
        assert api.get(path).json()["security_profile"] == 2
        assert api.patch(path, json={"security_profile": 1}).json()["security_profile"] == 1
    async with wired(site.url(1, "CLIMBER"), basic("CLIMBER", key)) as wire:
        assert (await wire.boot())["status"] == "Accepted"


async def test_k17_profile_3_lets_nobody_in_without_a_certificate(site: Site) -> None:
    key = await asyncio.to_thread(site.edge.add_charge_point, "NAKED")
    with pytest.raises((ssl.SSLError, ConnectionError, websockets.InvalidMessage)):
        async with wired(
            site.url(3, "NAKED"), basic("NAKED", key), ssl=trusting(site.root), server_hostname=NAME
        ) as wire:
            await wire.boot()


def test_k17_an_entrance_without_authentication_warns_at_the_start_and_needs_to_be_allowed(
    site: Site, tmp_path: Path
) -> None:
    assert "unauthenticated_entrance" in site.edge.log.read_text()
    refusing = Edge.create(tmp_path, CENTRAL_SYSTEM__SECURITY_PROFILE="0")
    with pytest.raises(AssertionError, match="allow_unauthenticated"):
        refusing.start()


def test_k17_the_keys_of_the_authority_are_readable_by_their_owner_alone(site: Site) -> None:
    folder = site.edge.folder / "data" / "certificate-authority"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
