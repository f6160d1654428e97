"""The one door for operations to a charge point: the local API and the relay both go through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from contract.operations import BY_ACTION
from contract.operations.core import RemoteStopTransaction
from edge.clock import Clock
from edge.errors import UnknownChargePointError
from edge.operations.caller import Caller
from edge.operations.remote_starts import RemoteStarts
from edge.operations.to_charge_point.errand import Errand
from edge.operations.to_charge_point.routes import performer
from edge.store import charge_points
from edge.store.readers import Readers
from edge.store.writer import Writer

LONGEST_PATIENCE_S = 60.0
"""How long a call for somebody who waits may stand in line behind others."""


class Operator:
    """Performs operations.

    Args:
        caller: holds the connections.
        readers: where charge points and connectors are looked up.
        writer: for what must be kept before a call is sent.
        remote_starts: keeps accepted remote starts in mind.
        clock: its boot clock bounds how long a call may wait for its turn.
        on_rejected_stop: told the charge point and the number when a remote stop was rejected: it may not know it.
    """

    def __init__(
        self,
        caller: Caller,
        readers: Readers,
        writer: Writer,
        remote_starts: RemoteStarts,
        clock: Clock,
        on_rejected_stop: Callable[[str, int], None] = lambda _charge_point, _transaction_id: None,
    ) -> None:
        self._caller = caller
        self._readers = readers
        self._writer = writer
        self._remote_starts = remote_starts
        self._clock = clock
        self._on_rejected_stop = on_rejected_stop

    async def perform_in_time(self, charge_point: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """As `perform`, for somebody who waits for the answer: what cannot be sent soon is not sent at all."""
        patience_s = min(BY_ACTION[action].time_to_live.total_seconds(), LONGEST_PATIENCE_S)
        deadline = self._clock.boottime() + patience_s
        return await self.perform(charge_point, action, payload, lambda: self._clock.boottime() < deadline)

    async def perform(
        self,
        charge_point: str,
        action: str,
        payload: dict[str, Any],
        may_send: Callable[[], bool],
        command: UUID | None = None,
    ) -> dict[str, Any]:
        """Ask a charge point for `action` and return its answer's payload.

        Raises:
            pydantic.ValidationError: the payload breaks the schema.
            UnknownChargePointError: not known at this site.
            NoConnectorError: a remote start names no connector and none is ready.
            StoreUnavailableError: a remote start cannot be kept in mind; nothing was sent.
            NotConnectedError, CallFailedError, CallTimeoutError, TooLateError: see `Caller.call`.
        """
        request = BY_ACTION[action].request.model_validate(payload)
        if self._readers.run_now(lambda db: charge_points.find(db, charge_point)) is None:
            raise UnknownChargePointError(
                f"The charge point {charge_point} is not known at this site.",
                hint="Check its identity; GET /api/v1/charge-points lists those that are known.",
            )
        errand = Errand(
            charge_point=charge_point,
            request=request,
            caller=self._caller,
            readers=self._readers,
            writer=self._writer,
            remote_starts=self._remote_starts,
            may_send=may_send,
            clock=self._clock,
            command=command,
        )
        answer = await performer(action)(errand)
        if isinstance(request, RemoteStopTransaction) and answer.get("status") == "Rejected":
            self._on_rejected_stop(charge_point, request.transaction_id)
        return answer
