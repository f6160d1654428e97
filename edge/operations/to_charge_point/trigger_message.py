"""TriggerMessage (OCPP 1.6 ed. 2 §5.17) and ExtendedTriggerMessage of the security extension."""

from __future__ import annotations

from typing import Any, cast

from contract.operations.remote_trigger import TriggerMessage
from contract.operations.security import ExtendedTriggerMessage
from edge.errors import UnsuitableOperationError
from edge.operations.to_charge_point.errand import Errand

BOOT = "BootNotification"


async def perform(errand: Errand) -> dict[str, Any]:
    """Send it, but not to a charge point that is known not to survive it.

    Raises:
        UnsuitableOperationError: nothing was sent.
    """
    request = cast("TriggerMessage | ExtendedTriggerMessage", errand.request)
    if request.requested_message == BOOT and errand.quirks.no_trigger_boot:
        raise UnsuitableOperationError(
            f"{errand.charge_point} is of a kind that a TriggerMessage for a BootNotification kills.",
            hint="Use a Reset, after which it boots by itself.",
        )
    return await errand.send()
