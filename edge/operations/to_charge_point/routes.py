"""Which module performs which action; every other action of the contract's table is sent as it is asked for."""

from __future__ import annotations

from typing import Any

from edge.operations.to_charge_point import (
    change_availability,
    change_configuration,
    delete_certificate,
    get_configuration,
    remote_start_transaction,
    trigger_message,
)
from edge.operations.to_charge_point.errand import Errand, Performer


async def _send(errand: Errand) -> dict[str, Any]:
    return await errand.send()


_OWN: dict[str, Performer] = {
    "ChangeAvailability": change_availability.perform,
    "ChangeConfiguration": change_configuration.perform,
    "DeleteCertificate": delete_certificate.perform,
    "ExtendedTriggerMessage": trigger_message.perform,
    "GetConfiguration": get_configuration.perform,
    "RemoteStartTransaction": remote_start_transaction.perform,
    "TriggerMessage": trigger_message.perform,
}


def performer(action: str) -> Performer:
    """Find who performs `action`."""
    return _OWN.get(action, _send)
