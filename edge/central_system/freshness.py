"""Certificates end while the edge runs: its own are renewed, given ones are read again, and an alarm tells in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from edge.central_system.entrances import Entrances
from edge.clock import Clock
from edge.domain.alarms import AlarmKind
from edge.errors import GarduEdgeError
from edge.store import alarms, client_certificates
from edge.store.writer import Writer, WriteTx

EVERY_S = 6 * 3600.0
SOON = timedelta(days=30)
"""Before its end a certificate becomes an alarm: time enough for a visit."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Looks at the certificates a few times a day."""

    entrances: Entrances
    writer: Writer
    clock: Clock

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except (GarduEdgeError, OSError) as error:
                _log.warning("certificates_not_renewed", error=str(error))
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("certificates_not_renewed")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Renew what ends within the year, and raise or clear the alarms about what ends soon."""
        shown = await self.entrances.renew()
        ends = await asyncio.to_thread(_ends, shown) if shown else {}
        await self.writer.run(lambda tx: _judge(tx, ends, self.clock.now()))


def _ends(chains: Sequence[Path]) -> dict[str, datetime]:
    """Read when the server's certificates end."""
    from cryptography import x509  # noqa: PLC0415 - few sites need it, and it loads slowly

    return {chain.name: x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc for chain in chains}


def _judge(tx: WriteTx, ends: dict[str, datetime], now: datetime) -> None:
    soon = [f"{name} of this edge ends on {end:%Y-%m-%d}" for name, end in ends.items() if end - now < SOON]
    if soon:
        alarms.raise_alarm(tx, AlarmKind.CERTIFICATE_EXPIRES, alarms.SITE, "; ".join(soon), now)
    else:
        alarms.clear_alarm(tx, AlarmKind.CERTIFICATE_EXPIRES, alarms.SITE, now)
    ending = client_certificates.ending(tx.connection, now + SOON)
    for charge_point, end in ending.items():
        detail = f"its certificate ends on {end[:10]}"
        alarms.raise_alarm(tx, AlarmKind.CERTIFICATE_EXPIRES, charge_point, detail, now)
    for charge_point in alarms.standing(tx.connection, AlarmKind.CERTIFICATE_EXPIRES) - set(ending) - {alarms.SITE}:
        alarms.clear_alarm(tx, AlarmKind.CERTIFICATE_EXPIRES, charge_point, now)
