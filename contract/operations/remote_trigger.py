"""Profile RemoteTrigger."""

from __future__ import annotations

from enum import StrEnum

from contract.model import OcppPayload
from contract.operations.fields import ConnectorIdOrZero


class MessageTrigger(StrEnum):
    """§7.33 "MessageTrigger"."""

    BOOT_NOTIFICATION = "BootNotification"
    DIAGNOSTICS_STATUS_NOTIFICATION = "DiagnosticsStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    STATUS_NOTIFICATION = "StatusNotification"


class TriggerMessage(OcppPayload):
    """§5.17. The message comes after the answer. Without `connectorId`: for every connector."""

    requested_message: MessageTrigger
    connector_id: ConnectorIdOrZero | None = None
