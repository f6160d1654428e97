"""Which module performs which action."""

from __future__ import annotations

from edge.operations.to_charge_point import (
    change_availability,
    change_configuration,
    clear_cache,
    data_transfer,
    get_configuration,
    remote_start_transaction,
    remote_stop_transaction,
    reset,
    unlock_connector,
)
from edge.operations.to_charge_point.errand import Performer

ROUTES: dict[str, Performer] = {
    "ChangeAvailability": change_availability.perform,
    "ChangeConfiguration": change_configuration.perform,
    "ClearCache": clear_cache.perform,
    "DataTransfer": data_transfer.perform,
    "GetConfiguration": get_configuration.perform,
    "RemoteStartTransaction": remote_start_transaction.perform,
    "RemoteStopTransaction": remote_stop_transaction.perform,
    "Reset": reset.perform,
    "UnlockConnector": unlock_connector.perform,
}
"""By action."""
