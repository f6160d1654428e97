"""The server's certificates are renewed while the edge runs, and what ends soon is an alarm."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509

from edge.central_system.entrances import Certificates, Entrances
from edge.central_system.freshness import Freshness
from edge.clock import Clock
from edge.domain.security_profile import SecurityProfile
from edge.domain.timestamps import iso
from edge.store import alarms, client_certificates
from edge.store.authority import Authority
from edge.store.client_certificates import ClientCertificate
from edge.store.writer import WriteTx
from tests.harness.central import Central, central

PLACE = ("127.0.0.1", 0, SecurityProfile.TLS_BASIC)


class Moved(Clock):
    """The real clock, moved by years."""

    def __init__(self) -> None:
        super().__init__()
        self.by = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


def standing(house: Central) -> list[tuple[str, str]]:
    found = house.readers.run_now(partial(alarms.page, standing=True))
    return [(one.kind, one.charge_point) for one in found]


async def test_own_certificates_are_renewed_while_the_edge_runs(tmp_path: Path) -> None:
    clock = Moved()
    async with central(tmp_path, clock=clock) as house:
        authority = Authority(tmp_path / "authority", "site")
        entrances = Entrances([PLACE], Certificates(server_names=["edge"]), lambda: authority, house.writer, clock)
        (entrance,) = await entrances.build()
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=entrance.tls)
        port = server.sockets[0].getsockname()[1]

        async def shown() -> x509.Certificate:
            pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
            return x509.load_pem_x509_certificate(pem.encode())

        async with server:
            fresh = Freshness(entrances, house.writer, clock)
            first = await shown()
            await fresh.look()
            assert (await shown()).serial_number == first.serial_number
            clock.by = timedelta(days=365 * 9 + 100)
            await fresh.look()
            renewed = await shown()
            assert renewed.not_valid_after_utc > first.not_valid_after_utc
            assert standing(house) == []


async def test_a_given_certificate_that_ends_soon_is_an_alarm_until_its_file_is_replaced(tmp_path: Path) -> None:
    clock = Moved()
    async with central(tmp_path, clock=clock) as house:
        issuing = Authority(tmp_path / "authority", "site")
        root = await house.writer.run(lambda tx: issuing.ensure_root(tx.connection, clock.now()))
        _, (chain, key) = issuing.server_certificates(root, ["edge"], clock.now())
        entrances = Entrances([PLACE], Certificates(given=[(chain, key)]), lambda: issuing, house.writer, clock)
        await entrances.build()
        fresh = Freshness(entrances, house.writer, clock)
        clock.by = timedelta(days=365 * 10 - 10)
        await fresh.look()
        assert standing(house) == [("CertificateExpires", "")]
        await fresh.look()
        assert len(house.alarms("CertificateExpires")) == 1
        issuing.server_certificates(root, ["edge"], clock.now())  # somebody replaced the files
        await fresh.look()
        assert standing(house) == []


async def test_a_charge_point_whose_last_certificate_ends_soon_is_an_alarm_until_it_has_another(tmp_path: Path) -> None:
    clock = Moved()
    async with central(tmp_path, clock=clock) as house:
        await house.door("CP1")

        def has(tx: WriteTx, fingerprint: str, days: int) -> None:
            end = iso(clock.now() + timedelta(days=days))
            row = ClientCertificate(fingerprint, "CP1", "1", "CP1", end, iso(clock.now()))
            client_certificates.insert(tx.connection, row)

        authority = Authority(tmp_path / "authority", "site")
        entrances = Entrances([], Certificates(), lambda: authority, house.writer, clock)
        fresh = Freshness(entrances, house.writer, clock)
        await house.writer.run(lambda tx: has(tx, "a", 20))
        await fresh.look()
        assert standing(house) == [("CertificateExpires", "CP1")]
        await house.writer.run(lambda tx: has(tx, "b", 400))
        await fresh.look()
        assert standing(house) == []
