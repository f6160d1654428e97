"""Profile Core: what every charge point can do."""

from __future__ import annotations

from enum import StrEnum

from pydantic import field_validator

from contract.model import OcppPayload
from contract.operations.fields import (
    CiString50,
    CiString255,
    ConfigurationValue,
    ConnectorId,
    ConnectorIdOrZero,
    FreeText,
    IdToken,
    StatusAnswer,
    TransactionId,
)
from contract.operations.smart_charging import ChargingProfile, ChargingProfilePurpose


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
    value: ConfigurationValue
    """Most charge points take 500 characters, as OCPP has it; only those are sent more that are known to take it."""


class ClearCache(OcppPayload):
    """§5.4."""


class DataTransfer(OcppPayload):
    """§5.6 (and §4.3)."""

    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: FreeText | None = None


class GetConfiguration(OcppPayload):
    """§5.8. Without keys: everything the charge point is willing to tell."""

    key: list[CiString50] | None = None


class RemoteStartTransaction(OcppPayload):
    """§5.11. Without `connectorId` the edge picks a free connector."""

    id_tag: IdToken
    connector_id: ConnectorId | None = None
    charging_profile: ChargingProfile | None = None
    """A limit for this transaction: a TxProfile without `transactionId` (errata 3.41). Some charge points take none."""

    @field_validator("charging_profile")
    @classmethod
    def _is_for_a_transaction_to_come(cls, profile: ChargingProfile | None) -> ChargingProfile | None:
        if profile is None:
            return None
        if profile.charging_profile_purpose is not ChargingProfilePurpose.TX_PROFILE:
            raise ValueError("a remote start takes a TxProfile alone; other profiles go by set-charging-profile")
        if profile.transaction_id is not None:
            raise ValueError("the profile of a remote start has no transactionId: the transaction has none yet")
        return profile


class RemoteStopTransaction(OcppPayload):
    """§5.12."""

    transaction_id: TransactionId


class Reset(OcppPayload):
    """§5.14."""

    type: ResetType


class UnlockConnector(OcppPayload):
    """§5.18."""

    connector_id: ConnectorId


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
