"""Signs what charge points asked for and brings it to them with CertificateSigned, less and less often."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from edge.clock import Clock
from edge.domain.alarms import AlarmKind
from edge.domain.timestamps import iso
from edge.errors import CallFailedError, GarduEdgeError, StoreUnavailableError
from edge.store import alarms, client_certificates, signing_requests
from edge.store.client_certificates import ClientCertificate
from edge.store.readers import Readers
from edge.store.signing_requests import SigningRequest
from edge.store.writer import Writer, WriteTx

if TYPE_CHECKING:
    from edge.store.authority import Authority

PAUSE = timedelta(seconds=5)
"""Between the answer to SignCertificate and the certificate: charge points are not ready for it at once."""
TRY_AGAIN_S = 30.0
LONGEST_PAUSE_S = 3600.0
"""The pause doubles with each try that came to nothing, up to this."""
LOOK_EVERY_S = 1.0
NOT_OFFERED = frozenset({"NotImplemented", "NotSupported"})
"""Codes of a charge point that knows no CertificateSigned: no further try is of use."""

_log = structlog.get_logger()

Perform = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]


class CertificateDelivery:
    """Carries certificates to charge points; what is under way lies in the store.

    Args:
        writer: for certificates and their states.
        readers: to look for requests.
        clock: paces the tries.
        perform: asks a charge point.
        connected: lists who is there.
        authority: gives the edge's certificate authority.
    """

    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        perform: Perform,
        connected: Callable[[], list[str]],
        authority: Callable[[], Authority],
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._perform = perform
        self._connected = connected
        self._authority = authority
        self._not_before: dict[str, float] = {}
        self._tries: dict[str, int] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except sqlite3.Error as error:
                _log.warning("signing_requests_not_read", error=str(error))

    async def look(self) -> None:
        """Look once for certificates that wait, and deliver those whose charge points are there."""
        until = self._clock.now() - PAUSE
        waiting = self._readers.run_now(partial(signing_requests.waiting, until=until))
        if waiting:
            await self._deliver_all(waiting)

    async def _deliver_all(self, waiting: list[SigningRequest]) -> None:
        there, now = frozenset(self._connected()), self._clock.monotonic()
        for gone in self._not_before.keys() - there:  # a new connection is tried at once
            del self._not_before[gone]
        for done in self._tries.keys() - {one.charge_point for one in waiting}:
            del self._tries[done]
        due = [one for one in waiting if one.charge_point in there and self._not_before.get(one.charge_point, 0) <= now]
        await asyncio.gather(*(self._deliver(one) for one in due))

    async def _deliver(self, request: SigningRequest) -> None:
        who = request.charge_point
        tries = self._tries[who] = self._tries.get(who, 0) + 1
        self._not_before[who] = self._clock.monotonic() + min(TRY_AGAIN_S * 2 ** min(tries - 1, 10), LONGEST_PAUSE_S)
        try:
            chain = request.chain or await self._writer.run(partial(self._sign, request, self._clock.now()))
            if chain is None:
                return
            answer = await self._perform(who, "CertificateSigned", {"certificateChain": chain})
            await self._writer.run(partial(_settle, who, answer, self._clock.now()))
        except CallFailedError as error:
            _log.warning("certificate_not_delivered", charge_point=who, error=str(error))
            if error.code in NOT_OFFERED:
                await self._give_up(who)
        except GarduEdgeError as error:
            _log.warning("certificate_not_delivered", charge_point=who, error=str(error))
        except Exception:  # noqa: BLE001 - the task border: the other charge points' certificates go on
            _log.exception("certificate_not_delivered", charge_point=who)

    async def _give_up(self, who: str) -> None:
        detail = "It asked for a certificate, and knows no CertificateSigned."
        try:
            await self._writer.run(lambda tx: _refuse(tx, who, detail, self._clock.now()))
        except StoreUnavailableError:
            return  # the next try finds the same

    def _sign(self, request: SigningRequest, now: datetime, tx: WriteTx) -> str | None:
        """Sign and register in one commit: a certificate that is out there is known here."""
        from edge.domain.certificates import UnfitRequestError  # noqa: PLC0415 - its library loads slowly

        who, authority = request.charge_point, self._authority()
        root = authority.ensure_root(tx.connection, now)
        names = client_certificates.names(tx.connection, who)
        try:
            chain, leaf = authority.sign(root, request.csr, names, now)
        except UnfitRequestError as error:  # its name changed since it was accepted
            _refuse(tx, who, f"Its certificate was not signed: {error}.", now)
            return None
        row = ClientCertificate(
            fingerprint=leaf.fingerprint,
            charge_point=who,
            serial_number=leaf.serial_number,
            common_name=leaf.common_name or "",
            not_after=iso(leaf.not_after),
            issued_at=iso(now),
        )
        client_certificates.insert(tx.connection, row)
        signing_requests.record_chain(tx.connection, who, chain)
        return chain


def _settle(charge_point: str, answer: dict[str, Any], now: datetime, tx: WriteTx) -> None:
    if answer.get("status") == "Accepted":
        signing_requests.settle(tx.connection, charge_point, signing_requests.DELIVERED)
        alarms.clear_alarm(tx, AlarmKind.CERTIFICATE_REFUSED, charge_point, now)
        return
    _refuse(tx, charge_point, "It refused the certificate that it had asked for.", now)


def _refuse(tx: WriteTx, charge_point: str, detail: str, now: datetime) -> None:
    signing_requests.settle(tx.connection, charge_point, signing_requests.REFUSED)
    alarms.raise_alarm(tx, AlarmKind.CERTIFICATE_REFUSED, charge_point, detail, now)
