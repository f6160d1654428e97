"""The operations that a charge point initiates (OCPP 1.6 ed. 2 chapter 4): plain functions inside the writer."""

from __future__ import annotations

from edge.operations.from_charge_point import (
    authorize,
    boot_notification,
    data_transfer,
    diagnostics_status_notification,
    firmware_status_notification,
    heartbeat,
    log_status_notification,
    meter_values,
    security_event_notification,
    sign_certificate,
    signed_firmware_status_notification,
    start_transaction,
    status_notification,
    stop_transaction,
)
from edge.operations.from_charge_point.request import Handler

ROUTES: dict[str, Handler] = {
    "Authorize": authorize.handle,
    "BootNotification": boot_notification.handle,
    "DataTransfer": data_transfer.handle,
    "DiagnosticsStatusNotification": diagnostics_status_notification.handle,
    "FirmwareStatusNotification": firmware_status_notification.handle,
    "Heartbeat": heartbeat.handle,
    "LogStatusNotification": log_status_notification.handle,
    "MeterValues": meter_values.handle,
    "SecurityEventNotification": security_event_notification.handle,
    "SignCertificate": sign_certificate.handle,
    "SignedFirmwareStatusNotification": signed_firmware_status_notification.handle,
    "StartTransaction": start_transaction.handle,
    "StatusNotification": status_notification.handle,
    "StopTransaction": stop_transaction.handle,
}
"""By action."""
