"""The operations that a central system asks of a charge point (OCPP 1.6 ed. 2 chapter 5), as the REST APIs offer them.

Requests and answers are the OCPP payloads. `OPERATIONS` is the one table that names each operation's path, action,
models and time to live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contract.model import OcppPayload

IdToken = Annotated[str, StringConstraints(min_length=1, max_length=20)]
CiString50 = Annotated[str, StringConstraints(min_length=1, max_length=50)]
CiString500 = Annotated[str, StringConstraints(max_length=500)]
CiString255 = Annotated[str, StringConstraints(min_length=1, max_length=255)]
LARGEST = 2**31 - 1
"""Charge points keep integers in 32 bits."""
ConnectorId = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
ConnectorIdOrZero = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
TransactionId = Annotated[int, Field(strict=True, ge=-LARGEST - 1, le=LARGEST)]


class AvailabilityType(StrEnum):
    """§7.4 "AvailabilityType"."""

    INOPERATIVE = "Inoperative"
    OPERATIVE = "Operative"


class ResetType(StrEnum):
    """§7.40 "ResetType"."""

    HARD = "Hard"
    SOFT = "Soft"


class ChangeAvailability(OcppPayload):
    """§5.2. Connector 0: the whole charge point."""

    connector_id: ConnectorIdOrZero
    type: AvailabilityType


class ChangeConfiguration(OcppPayload):
    """§5.3."""

    key: CiString50
    value: CiString500


class ClearCache(OcppPayload):
    """§5.4."""


class DataTransfer(OcppPayload):
    """§5.6 (and §4.3)."""

    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: str | None = None


class GetConfiguration(OcppPayload):
    """§5.8. Without keys: everything the charge point is willing to tell."""

    key: list[CiString50] | None = None


class RemoteStartTransaction(OcppPayload):
    """§5.11. Without `connectorId` the edge picks a free connector."""

    id_tag: IdToken
    connector_id: ConnectorId | None = None


class RemoteStopTransaction(OcppPayload):
    """§5.12."""

    transaction_id: TransactionId


class Reset(OcppPayload):
    """§5.14."""

    type: ResetType


class UnlockConnector(OcppPayload):
    """§5.18."""

    connector_id: ConnectorId


class StatusAnswer(OcppPayload):
    """An answer that is a status alone."""

    status: str


class DataTransferAnswer(StatusAnswer):
    """§5.6."""

    data: str | None = None


class ConfigurationKey(OcppPayload):
    """§7.29 "KeyValue"."""

    key: str
    readonly: bool
    value: str | None = None


class GetConfigurationAnswer(OcppPayload):
    """§5.8."""

    configuration_key: list[ConfigurationKey] | None = None
    unknown_key: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    path: str
    """The last segment of its REST path."""
    action: str
    """OCPP's name for it."""
    request: type[OcppPayload]
    answer: type[OcppPayload]
    time_to_live: timedelta
    """How long a command may wait before it is started."""
    safe_to_repeat: bool
    """Whether doing it a second time does no harm."""
    agreed: frozenset[str]
    """The statuses that mean yes. Empty: any answer does."""


def _operation(
    path: str,
    request: type[OcppPayload],
    *,
    answer: type[OcppPayload] = StatusAnswer,
    ttl_s: int = 3600,
    safe_to_repeat: bool = True,
    agreed: tuple[str, ...] = ("Accepted",),
) -> Operation:
    ttl = timedelta(seconds=ttl_s)
    return Operation(path, request.__name__, request, answer, ttl, safe_to_repeat, frozenset(agreed))


OPERATIONS: dict[str, Operation] = {
    operation.path: operation
    for operation in (
        _operation("change-availability", ChangeAvailability, agreed=("Accepted", "Scheduled")),
        _operation("change-configuration", ChangeConfiguration, agreed=("Accepted", "RebootRequired")),
        _operation("clear-cache", ClearCache),
        _operation("data-transfer", DataTransfer, answer=DataTransferAnswer, safe_to_repeat=False),
        _operation("get-configuration", GetConfiguration, answer=GetConfigurationAnswer, agreed=()),
        _operation("start-transaction", RemoteStartTransaction, ttl_s=60, safe_to_repeat=False),
        _operation("stop-transaction", RemoteStopTransaction, ttl_s=600),
        _operation("reset", Reset, ttl_s=600, safe_to_repeat=False),
        _operation("unlock-connector", UnlockConnector, ttl_s=60, safe_to_repeat=False, agreed=("Unlocked",)),
    )
}
"""By path."""

BY_ACTION: dict[str, Operation] = {operation.action: operation for operation in OPERATIONS.values()}
