"""Profile SmartCharging: limits, and what a charge point makes of them."""

from __future__ import annotations

import itertools
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from contract.model import OcppPayload
from contract.operations.fields import (
    ConnectorIdOrZero,
    Instant,
    Integer,
    NaturalNumber,
    Seconds,
    StatusAnswer,
    TransactionId,
)


def _one_decimal(value: float) -> float:
    if round(value, 1) != value:
        raise ValueError("may have one decimal (16.5, not 16.55)")
    return value


Rate = Annotated[
    float,
    Field(strict=True, ge=0, le=10_000_000, allow_inf_nan=False, json_schema_extra={"multipleOf": 0.1}),
    AfterValidator(_one_decimal),
]
"""Ampere per phase, or watt in total, with one decimal (§7.14)."""


class ChargingProfilePurpose(StrEnum):
    """§7.11 "ChargingProfilePurposeType"."""

    CHARGE_POINT_MAX_PROFILE = "ChargePointMaxProfile"
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    TX_PROFILE = "TxProfile"


class ChargingProfileKind(StrEnum):
    """§7.9 "ChargingProfileKindType"."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class RecurrencyKind(StrEnum):
    """§7.37 "RecurrencyKindType"."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class ChargingRateUnit(StrEnum):
    """§7.12 "ChargingRateUnitType"."""

    AMPERE = "A"
    WATT = "W"


class ChargingSchedulePeriod(OcppPayload):
    """§7.14. Below 6 A most cars pause: use 0, or 6 and more."""

    start_period: Seconds
    """Seconds from the start of the schedule."""
    limit: Rate
    number_phases: Annotated[int, Field(strict=True, ge=1, le=3)] | None = None


class ChargingSchedule(OcppPayload):
    """§7.13."""

    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: Annotated[list[ChargingSchedulePeriod], Field(min_length=1)]
    duration: Seconds | None = None
    """Without it the last period holds for ever."""
    start_schedule: Instant | None = None
    min_charging_rate: Rate | None = None

    @model_validator(mode="after")
    def _periods_follow_each_other(self) -> Self:
        starts = [period.start_period for period in self.charging_schedule_period]
        if starts[0] != 0:
            raise ValueError("the first startPeriod must be 0 (errata 3.45)")
        if any(later <= earlier for earlier, later in itertools.pairwise(starts)):
            raise ValueError("each startPeriod must lie after the one before it")
        return self


class ChargingProfile(OcppPayload):
    """§7.8."""

    charging_profile_id: Integer
    """The same id replaces, and so does the same purpose and stack level."""
    stack_level: NaturalNumber
    charging_profile_purpose: ChargingProfilePurpose
    charging_profile_kind: ChargingProfileKind
    charging_schedule: ChargingSchedule
    transaction_id: TransactionId | None = None
    recurrency_kind: RecurrencyKind | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.transaction_id is not None and self.charging_profile_purpose is not ChargingProfilePurpose.TX_PROFILE:
            raise ValueError("transactionId belongs to a TxProfile alone")
        if (self.recurrency_kind is not None) != (self.charging_profile_kind is ChargingProfileKind.RECURRING):
            raise ValueError("recurrencyKind belongs to a Recurring profile, and to no other (errata 3.56)")
        relative = self.charging_profile_kind is ChargingProfileKind.RELATIVE
        if relative and self.charging_schedule.start_schedule is not None:
            raise ValueError("a Relative profile has no startSchedule: it begins with the charging")
        return self


class SetChargingProfile(OcppPayload):
    """§5.16. Connector 0: a default for every connector, or the limit of the whole charge point."""

    connector_id: ConnectorIdOrZero
    cs_charging_profiles: ChargingProfile

    @model_validator(mode="after")
    def _purpose_fits_the_connector(self) -> Self:
        purpose = self.cs_charging_profiles.charging_profile_purpose
        if purpose is ChargingProfilePurpose.CHARGE_POINT_MAX_PROFILE and self.connector_id != 0:
            raise ValueError("a ChargePointMaxProfile belongs to connector 0")
        if purpose is ChargingProfilePurpose.TX_PROFILE and self.connector_id == 0:
            raise ValueError("a TxProfile needs the connector of its transaction")
        return self


class ClearChargingProfile(OcppPayload):
    """§5.5. Clears what all given fields describe; `id` alone decides where it is given. Never without a field."""

    id: Integer | None = None
    connector_id: ConnectorIdOrZero | None = None
    charging_profile_purpose: ChargingProfilePurpose | None = None
    stack_level: NaturalNumber | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError(
                "name at least one of id, connectorId, chargingProfilePurpose, stackLevel: "
                "without any, a charge point clears every profile, its safety limits too"
            )
        return self


class GetCompositeSchedule(OcppPayload):
    """§5.7. Connector 0: what the whole charge point is expected to draw."""

    connector_id: ConnectorIdOrZero
    duration: Seconds
    charging_rate_unit: ChargingRateUnit | None = None


class AnsweredPeriod(OcppPayload):
    """§7.14, as a charge point writes it."""

    start_period: int
    limit: float
    number_phases: int | None = None


class AnsweredSchedule(OcppPayload):
    """§7.13, as a charge point writes it."""

    charging_rate_unit: str
    charging_schedule_period: list[AnsweredPeriod]
    duration: int | None = None
    start_schedule: str | None = None
    min_charging_rate: float | None = None


class GetCompositeScheduleAnswer(StatusAnswer):
    """§5.7."""

    connector_id: int | None = None
    schedule_start: str | None = None
    charging_schedule: AnsweredSchedule | None = None
