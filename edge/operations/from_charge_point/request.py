"""What every operation from a charge point is given, beside its database transaction and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.domain.meter_values import Readings
from edge.domain.policy import Policy
from edge.ocpp16.quirks import STANDARD, Quirks
from edge.store.writer import WriteTx


@dataclass(slots=True)
class Request:
    """A checked and repaired CALL of a charge point."""

    charge_point: str
    """The identity that its connection authenticated."""
    action: str
    payload: dict[str, Any]
    """camelCase, as the schema has it. A transaction-related payload may still lack fields (see `ocpp16.intake`)."""
    raw: bytes
    """The frame as it came."""
    doubt: str | None
    """Why the frame belongs into quarantine beside being handled; `None`: it was valid."""
    policy: Policy
    authenticated: bool = True
    """Whether its connection showed the charge point's key; without one it is never more than Pending."""
    answer: Response | None = None
    """What is answered without asking a handler, which could do nothing with it (see `ocpp16.intake`)."""
    quirks: Quirks = STANDARD
    """What is known of the charge point, looked up once per boot."""
    clock_doubted: bool = False
    """Whether it has booted and not heard the time since, and is known to lie until then."""
    readings: Readings | None = None
    """Its meter values, where they were read before the writer's turn; `None`: the handler reads them."""


Response = dict[str, Any]
"""The payload of the CALLRESULT."""

Handler = Callable[[Request, WriteTx, datetime], Response]
"""`handle(request, tx, now)`: runs inside the writer, touches nothing but the transaction."""


def subject(charge_point: str) -> str:
    """Name a charge point as the subject of an event."""
    return f"charge-point/{charge_point}"
