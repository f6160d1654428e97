"""What every operation to a charge point is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contract.model import OcppPayload
from edge.clock import Clock
from edge.ocpp16.quirks import STANDARD, Quirks, quirks_of
from edge.operations.caller import Caller
from edge.operations.remote_starts import RemoteStarts
from edge.store import charge_points
from edge.store.readers import Readers
from edge.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Errand:
    """One operation to perform."""

    charge_point: str
    request: OcppPayload
    caller: Caller
    readers: Readers
    writer: Writer
    remote_starts: RemoteStarts
    may_send: Callable[[], bool]
    clock: Clock
    command: UUID | None = None
    """The cloud's command; `None`: it was asked for at the site."""

    @property
    def quirks(self) -> Quirks:
        """What is known of the charge point's kind."""
        known = self.readers.run_now(lambda db: charge_points.find(db, self.charge_point))
        return STANDARD if known is None else quirks_of(known.vendor, known.model, known.firmware_version)

    async def send(self, *, without: Collection[str] = (), **filled_in: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of an OCPP payload
        """Send the request, with fields that the operation fills in or leaves out, and return the answer's payload."""
        payload = self.request.model_dump(mode="json", exclude_none=True) | filled_in
        payload = {name: value for name, value in payload.items() if name not in without}
        action = type(self.request).__name__
        return await self.caller.call(self.charge_point, action, payload, may_send=self.may_send)


Performer = Callable[[Errand], Awaitable[dict[str, Any]]]
