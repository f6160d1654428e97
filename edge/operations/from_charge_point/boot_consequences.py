"""What follows from a boot beside its answer: what is known of another device is dropped, and upkeep is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from edge.domain.alarms import AlarmKind
from edge.domain.policy import Policy
from edge.domain.registration import hardware_changes
from edge.ocpp16.quirks import quirks_of
from edge.store import alarms, configurations, local_lists, upkeep_tasks
from edge.store.charge_points import ChargePoint
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx


def compare(tx: WriteTx, before: ChargePoint, boot: Mapping[str, Any], now: datetime) -> None:
    """Compare what a charge point says it is with what it was, and drop what no longer holds."""
    if before.booted_at is None:
        return
    changes = hardware_changes(
        (before.vendor, before.model, before.serial_number),
        (
            boot["chargePointVendor"],
            boot["chargePointModel"],
            boot.get("chargePointSerialNumber") or boot.get("chargeBoxSerialNumber"),
        ),
    )
    if changes:
        alarms.raise_alarm(tx, AlarmKind.HARDWARE_CHANGED, before.charge_point, "; ".join(changes), now)
    if changes or before.firmware_version != boot.get("firmwareVersion"):
        configurations.forget_reported(tx.connection, before.charge_point)
        local_lists.forget(tx.connection, before.charge_point)


def demand_upkeep(tx: WriteTx, charge_point: str, boot: Mapping[str, Any], policy: Policy, now: datetime) -> None:
    """Ask for what an accepted charge point gets after each boot, once its burst of statuses is over."""
    quirks = quirks_of(boot["chargePointVendor"], boot["chargePointModel"], boot.get("firmwareVersion"))
    pause_s = max(policy.upkeep_after_boot_s, quirks.provisioning_delay_s)
    due_at = now + timedelta(seconds=pause_s)
    for answered in (TaskKind.PROBE, TaskKind.RESET):  # it restarted by itself, after whatever a reset was ordered for
        upkeep_tasks.forget(tx.connection, charge_point, answered)
    for kind in (TaskKind.PROVISION, TaskKind.AVAILABILITY, TaskKind.LOCAL_LIST):
        upkeep_tasks.demand(tx.connection, charge_point, kind, due_at)
