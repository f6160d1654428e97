"""Remote starts and their effect: an accepted one is kept in mind until its transaction begins or its time is over.

```
Asked ── accepted ──▶ Expected ── transaction began ──▶ Started
  │                      └── too late ──▶ NoTransaction ── its start arrives late ──▶ Started
  └── refused, no answer ──▶ forgotten
```
"""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from contract.events import RemoteStartConcluded
from edge.clock import Clock
from edge.domain.remote_start import Outcome, is_fulfilled, patience
from edge.errors import StoreUnavailableError
from edge.store import configurations
from edge.store import remote_starts as store
from edge.store.readers import Readers
from edge.store.remote_starts import RemoteStart
from edge.store.transaction_changes import Start
from edge.store.writer import Writer, WriteTx

SWEEP_S = 5.0
LONGEST_CALL = timedelta(hours=1)
"""By then every call has ended; what is Asked for longer was left behind by a crash."""

_log = structlog.get_logger()


class RemoteStarts:
    """Keeps remote starts in mind.

    Args:
        writer: for every change.
        readers: for the sweep's look at what is overdue.
        clock: its boot clock decides what is overdue.
        connection_timeout: ConnectionTimeOut of charge points that have not reported their own.
    """

    def __init__(self, writer: Writer, readers: Readers, clock: Clock, connection_timeout: timedelta) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._connection_timeout = connection_timeout

    async def asked(
        self,
        charge_point: str,
        connector_id: int,
        id_tag: str,
        command: UUID | None,
        *,
        charging_profile: str | None = None,
    ) -> int:
        """Note that a charge point is about to be asked, before the call leaves: its start may overtake its answer.

        Args:
            charge_point: its identity.
            connector_id: where.
            id_tag: as it is sent.
            command: the cloud's; `None`: it was asked for at the site.
            charging_profile: JSON; to be sent once the transaction runs.

        Raises:
            StoreUnavailableError: then nothing is to be asked.
        """
        now = self._clock.now()
        remote_start = RemoteStart(
            number=0,
            charge_point=charge_point,
            connector_id=connector_id,
            id_tag=id_tag,
            command=command,
            outcome=Outcome.ASKED,
            asked_at=now,
            due_at=now + LONGEST_CALL,
            boot_id=self._clock.boot_id,
            due_boottime=self._clock.boottime() + LONGEST_CALL.total_seconds(),
            transaction_id=None,
            charging_profile=charging_profile,
        )
        return await self._writer.run(lambda tx: store.insert(tx.connection, remote_start))

    async def answered(self, number: int, charge_point: str, *, accepted: bool) -> None:
        """Note the answer; no answer at all counts as no promise."""
        now, boottime = self._clock.now(), self._clock.boottime()

        def note(tx: WriteTx) -> None:
            if not accepted:
                store.forget(tx.connection, number)
                return
            reported = configurations.value_of(tx.connection, charge_point, "ConnectionTimeOut")
            waits = patience(reported, self._connection_timeout)
            store.agree(tx.connection, number, now + waits, boottime + waits.total_seconds())

        try:
            await self._writer.run(note)
        except StoreUnavailableError as error:  # the answer itself stands
            _log.warning("remote_start_not_noted", number=number, error=str(error))

    async def watch(self) -> None:
        """Tell of those that wait in vain, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
            except (StoreUnavailableError, sqlite3.Error) as error:
                _log.warning("remote_starts_not_swept", error=str(error))
            except Exception:  # noqa: BLE001 - the task border: its end would be the end of the process
                _log.exception("remote_starts_not_swept")

    async def sweep(self) -> None:
        """Conclude those whose time is over."""
        boot_id, boottime = self._clock.boot_id, self._clock.boottime()
        if self._readers.run_now(lambda connection: store.overdue(connection, boot_id, boottime)):
            now = self._clock.now()
            await self._writer.run(lambda tx: lapse(tx, boot_id, boottime, now))


def lapse(tx: WriteTx, boot_id: str, boottime: float, now: datetime) -> None:
    """Conclude what is overdue: no transaction began."""
    for remote_start in store.overdue(tx.connection, boot_id, boottime):
        if remote_start.outcome is Outcome.ASKED:
            store.forget(tx.connection, remote_start.number)
            continue
        store.conclude(tx.connection, remote_start.number, Outcome.NO_TRANSACTION, None)
        _emit(tx, remote_start, Outcome.NO_TRANSACTION, None, now)


def fulfil(tx: WriteTx, start: Start, transaction_id: int, now: datetime, *, believed: bool) -> None:
    """A transaction began: conclude the remote start that asked for it, if one did.

    Args:
        tx: of the StartTransaction itself.
        start: as it was stored.
        transaction_id: its number.
        now: when it arrived.
        believed: whether its own time can be believed.
    """
    for remote_start in store.without_transaction(tx.connection, start.charge_point, start.connector_id, start.id_tag):
        if is_fulfilled(
            remote_start.outcome, remote_start.asked_at, remote_start.due_at, start.started_at, believed=believed
        ):
            store.conclude(tx.connection, remote_start.number, Outcome.STARTED, transaction_id)
            _emit(tx, remote_start, Outcome.STARTED, start.uuid, now)
            return


def _emit(tx: WriteTx, of: RemoteStart, outcome: Outcome, transaction: UUID | None, now: datetime) -> None:
    tx.emit(
        RemoteStartConcluded(
            charge_point=of.charge_point,
            connector_id=of.connector_id,
            id_tag=of.id_tag,
            command=of.command,
            asked_at=of.asked_at,
            outcome=outcome,
            transaction=transaction,
        ),
        subject=f"charge-point/{of.charge_point}",
        occurred_at=now,
    )
