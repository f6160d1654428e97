"""K91 and K92: the edge as certificate authority ("Improved security for OCPP 1.6-J" A02, M04, M05)."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.harness.processes import Edge, free_port
from tests.harness.tls import NAME, Owner, trusting
from tests.harness.wire import Wire, basic, refused, wired

_serials = itertools.count(1)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    mutual = {"host": "127.0.0.1", "port": free_port(), "security_profile": 3}
    edge = Edge.create(
        tmp_path_factory.mktemp("edge"),
        CENTRAL_SYSTEM__LISTENERS=json.dumps([mutual]),
        CENTRAL_SYSTEM__SERVER_NAMES=json.dumps([NAME]),
    )
    with edge.start():
        yield edge


def mutual_url(edge: Edge, charge_point: str) -> str:
    (listener,) = json.loads(edge.environment["GARDU_EDGE_CENTRAL_SYSTEM__LISTENERS"])
    return f"wss://127.0.0.1:{listener['port']}/ocpp/{charge_point}"


@asynccontextmanager
async def client(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{edge.api_port}/api/v1", timeout=60, trust_env=False
    ) as api:
        yield api


async def alarms_of(edge: Edge, charge_point: str) -> list[str]:
    async with client(edge) as api:
        items = (await api.get("/alarms", params={"charge_point": charge_point, "standing": True})).json()["items"]
    return [item["detail"] for item in items if item["kind"] == "CertificateRefused"]


@asynccontextmanager
async def booted(edge: Edge, name: str) -> AsyncIterator[tuple[Wire, str, str]]:
    """A charge point with a serial number that is not its identity; gives its wire, serial number and key."""
    serial = f"SN-{next(_serials):04}"
    key = await asyncio.to_thread(edge.add_charge_point, name)
    async with wired(f"{edge.ws_url}/{name}", basic(name, key)) as wire:
        await wire.boot(chargePointSerialNumber=serial)
        yield wire, serial, key


async def deliver(wire: Wire, status: str = "Accepted") -> str:
    """Wait for CertificateSigned and answer it; returns the chain."""
    frame = await wire.frame()
    assert frame[2] == "CertificateSigned"
    await wire.websocket.send(json.dumps([3, frame[1], {"status": status}]))
    return str(frame[3]["certificateChain"])


async def test_k91_a_fitting_request_is_signed_delivered_after_a_pause_and_opens_profile_3(
    edge: Edge, tmp_path: Path
) -> None:
    async with booted(edge, "SIGNED") as (wire, serial, key):
        owner = Owner(tmp_path, serial)
        assert await wire.result("SignCertificate", {"csr": owner.csr()}) == {"status": "Accepted"}
        loop = asyncio.get_running_loop()
        answered = loop.time()
        chain = await deliver(wire)
        assert loop.time() - answered >= 4.5  # 5 s, less the two clocks' resolution
    root = await asyncio.to_thread(edge.cli, "show-ca")
    context = owner.show(trusting(root), chain)
    async with wired(mutual_url(edge, "SIGNED"), ssl=context, server_hostname=NAME) as wire:
        assert (await wire.boot(chargePointSerialNumber=serial))["status"] == "Accepted"
    # The certificate opens the door of that charge point alone, and its key opens none below any more.
    await asyncio.to_thread(edge.add_charge_point, serial)
    assert (await refused(mutual_url(edge, serial), ssl=context, server_hostname=NAME)).status_code == 403
    assert (await refused(f"{edge.ws_url}/SIGNED", basic("SIGNED", key))).status_code == 403


async def test_a_revoked_certificate_opens_nothing(edge: Edge, tmp_path: Path) -> None:
    async with booted(edge, "REVOKED") as (wire, serial, _):
        owner = Owner(tmp_path, serial)
        await wire.result("SignCertificate", {"csr": owner.csr()})
        chain = await deliver(wire)
    context = owner.show(trusting(await asyncio.to_thread(edge.cli, "show-ca")), chain)
    async with wired(mutual_url(edge, "REVOKED"), ssl=context, server_hostname=NAME) as wire, client(edge) as api:
        path = "/charge-points/REVOKED"
        (certificate,) = (await api.get(f"{path}/security")).json()["certificates"]
        assert (await api.delete(f"{path}/certificates/0000")).status_code == 404
        answer = await api.delete(f"{path}/certificates/{certificate['fingerprint']}")
        assert answer.json()["certificates"][0]["revoked_at"] is not None
        await wire.websocket.wait_closed()
    assert (await refused(mutual_url(edge, "REVOKED"), ssl=context, server_hostname=NAME)).status_code == 403


async def test_k91_a_request_with_a_wrong_name_or_a_weak_key_is_rejected_with_an_alarm(
    edge: Edge, tmp_path: Path
) -> None:
    async with booted(edge, "STRANGER") as (wire, serial, _), booted(edge, "OTHER") as (_, taken, _):
        for fault, owner in (
            ("common name", Owner(tmp_path / "a", "SOMEBODY")),
            ("common name", Owner(tmp_path / "b", "STRANGER")),  # its identity is not its serial number
            ("common name", Owner(tmp_path / "c", taken)),
            ("1024 bits", Owner(tmp_path / "d", serial, bits=1024)),
        ):
            assert await wire.result("SignCertificate", {"csr": owner.csr()}) == {"status": "Rejected"}
            alarms = await alarms_of(edge, "STRANGER")
            assert len(alarms) == 1
            assert "common name" in alarms[0]  # the first one stands
            assert fault
        assert await wire.result("SignCertificate", {"csr": "rubbish"}) == {"status": "Rejected"}


async def test_k91_a_second_request_within_the_hour_is_rejected_with_an_alarm(edge: Edge, tmp_path: Path) -> None:
    async with booted(edge, "EAGER") as (wire, serial, _):
        owner = Owner(tmp_path, serial)
        assert await wire.result("SignCertificate", {"csr": owner.csr()}) == {"status": "Accepted"}
        assert await alarms_of(edge, "EAGER") == []
        assert await wire.result("SignCertificate", {"csr": owner.csr()}) == {"status": "Rejected"}
        (alarm,) = await alarms_of(edge, "EAGER")
        assert "within the last hour" in alarm
        assert await deliver(wire)  # the first one comes all the same


async def test_k91_a_certificate_waits_for_the_next_connection_even_over_a_kill_of_the_edge(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path)
    with await asyncio.to_thread(edge.start):
        async with booted(edge, "LATE") as (wire, serial, key):
            owner = Owner(tmp_path, serial)
            assert await wire.result("SignCertificate", {"csr": owner.csr()}) == {"status": "Accepted"}
            edge.kill()
        await asyncio.to_thread(edge.start)
        async with wired(f"{edge.ws_url}/LATE", basic("LATE", key)) as wire:
            first = (await wire.frame())[3]["certificateChain"]  # not answered: it breaks off
        async with wired(f"{edge.ws_url}/LATE", basic("LATE", key)) as wire:
            assert await deliver(wire) == first


async def test_whoever_shows_no_key_gets_no_certificate(tmp_path: Path) -> None:
    edge = Edge.create(tmp_path, CENTRAL_SYSTEM__SECURITY_PROFILE="0", CENTRAL_SYSTEM__ALLOW_UNAUTHENTICATED="true")
    with await asyncio.to_thread(edge.start):
        await asyncio.to_thread(edge.add_charge_point, "ANYBODY")
        async with wired(f"{edge.ws_url}/ANYBODY") as wire:
            await wire.boot(chargePointSerialNumber="SN")
            request = Owner(tmp_path, "SN").csr()
            assert await wire.result("SignCertificate", {"csr": request}) == {"status": "Rejected"}
        (alarm,) = await alarms_of(edge, "ANYBODY")
        assert "never shown a key" in alarm


class Trust:
    """The roots in a charge point, and its answers about them."""

    def __init__(self, *hash_data: dict[str, Any]) -> None:
        self.listed: list[dict[str, Any]] = list(hash_data)
        self.deleted = 0

    async def answer(self, wire: Wire, add: dict[str, Any] | None) -> None:
        """Answer calls until cancelled; an installed root is listed as `add`, `None`: it was lost."""
        while True:
            _, number, action, _ = json.loads(await wire.websocket.recv())
            if action == "InstallCertificate":
                if add is not None:
                    self.listed.append(add)
                answer: dict[str, Any] = {"status": "Accepted"}
            elif action == "GetInstalledCertificateIds":
                answer = {"status": "Accepted", "certificateHashData": self.listed}
            else:
                self.deleted += 1
                answer = {"status": "Accepted"}
            await wire.websocket.send(json.dumps([3, number, answer]))


async def test_k92_a_root_is_switched_only_when_proven_and_the_working_one_is_never_deleted(tmp_path: Path) -> None:
    tls = {"host": "127.0.0.1", "port": free_port(), "security_profile": 2}
    edge = Edge.create(
        tmp_path,
        CENTRAL_SYSTEM__LISTENERS=json.dumps([tls]),
        CENTRAL_SYSTEM__SERVER_NAMES=json.dumps([NAME]),
    )
    url = f"wss://127.0.0.1:{tls['port']}/CP1"
    with await asyncio.to_thread(edge.start):
        key = await asyncio.to_thread(edge.add_charge_point, "CP1")
        async with client(edge) as api:
            (first,) = (await api.get("/certificate-authority")).json()
            assert first["in_use"]
            async with wired(url, basic("CP1", key), ssl=trusting(first["pem"]), server_hostname=NAME) as wire:
                await wire.boot()
                second = (await api.post("/certificate-authority/roots")).json()
                assert not second["in_use"]
                names = {1: hash_data(first["pem"]), 2: hash_data(second["pem"])}

                # Not proven: no switch.
                answer = await api.post("/certificate-authority/roots/2/use")
                assert (answer.status_code, answer.json()["type"]) == (409, "urn:gardu:problem:root-not-proven")

                # Accepted, but not in its list: not proven either.
                trust = Trust(names[1])
                assert await installed(api, wire, trust, None) == {"status": "Accepted", "proven": False}
                assert (await api.post("/certificate-authority/roots/2/use")).status_code == 409

                # The working root stays, whoever asks.
                assert (await delete(api, wire, trust, names[1])).json()["type"] == "urn:gardu:problem:last-root"
                assert trust.deleted == 0

                # Proven: the switch happens, and the next connection shows the new root's certificate.
                assert await installed(api, wire, trust, names[2]) == {"status": "Accepted", "proven": True}
                assert (await api.post("/certificate-authority/roots/2/use")).json()["in_use"] is True
                assert await wire.result("Heartbeat", {})  # the connection that stands goes on

                # Now the new one is the working one; only the old one may go.
                assert (await delete(api, wire, trust, names[2])).status_code == 409
                assert (await delete(api, wire, trust, names[1])).json() == {"status": "Accepted"}
                assert trust.deleted == 1
            async with wired(url, basic("CP1", key), ssl=trusting(second["pem"]), server_hostname=NAME) as wire:
                assert (await wire.boot())["status"] == "Accepted"
            with pytest.raises(ssl.SSLError):
                async with wired(url, basic("CP1", key), ssl=trusting(first["pem"]), server_hostname=NAME):
                    pass
        # A restart keeps to it.
        edge.kill()
        await asyncio.to_thread(edge.start)
        async with wired(url, basic("CP1", key), ssl=trusting(second["pem"]), server_hostname=NAME) as wire:
            assert await wire.result("Heartbeat", {})


def hash_data(pem: str) -> dict[str, Any]:
    """Name a root as a charge point does that computes for itself, in capitals."""
    root = x509.load_pem_x509_certificate(pem.encode())
    key = root.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": hashlib.sha256(root.issuer.public_bytes()).hexdigest().upper(),
        "issuerKeyHash": hashlib.sha256(key).hexdigest().upper(),
        "serialNumber": f"{root.serial_number:X}",
    }


async def installed(api: httpx.AsyncClient, wire: Wire, trust: Trust, add: dict[str, Any] | None) -> Any:
    answering = asyncio.create_task(trust.answer(wire, add))
    answer = await api.post("/charge-points/CP1/install-root", json={"number": 2})
    await ended(answering)
    return answer.json()


async def delete(api: httpx.AsyncClient, wire: Wire, trust: Trust, named: dict[str, Any]) -> httpx.Response:
    answering = asyncio.create_task(trust.answer(wire, None))
    answer = await api.post("/central-system/clients/CP1/delete-certificate", json={"certificateHashData": named})
    await ended(answering)
    return answer


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises((asyncio.CancelledError, websockets.ConnectionClosed)):
        await task
