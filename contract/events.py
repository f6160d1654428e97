"""The events of an edge, by stream: what each says, in past tense, with its version.

Within a version changes are additive only. A type that the cloud does not know is stored raw.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from contract.commands import CommandError, CommandState
from contract.digests import DayDigested
from contract.directory_events import DirectoryApplied
from contract.edge_events import ChargePointRemoved, EdgeClockCorrected
from contract.event_data import EventData as EventData  # noqa: PLC0414 - offered here as well
from contract.model import Record, StoredInt, UtcDatetime
from contract.streams import Stream


class TransactionStarted(EventData):
    """A charge point reported a start (OCPP 1.6 ed. 2 §4.8 "Start Transaction"), whatever the id tag's status."""

    TYPE: ClassVar[str] = "TransactionStarted.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    transaction: UUID
    """The transaction's identity everywhere but on the charge point's wire."""
    transaction_id: StoredInt
    """The number that the charge point knows it by; unique within the site for ever."""
    charge_point: str
    connector_id: StoredInt
    id_tag: str
    id_tag_status: str
    """What the charge point was told: Accepted, Blocked, Expired, Invalid or ConcurrentTx."""
    id_tag_reason: str | None = None
    """Why the id tag was refused, in one plain sentence; `None`: it was not, or the edge does not say."""
    parent_id_tag: str | None = None
    meter_start_wh: StoredInt | None
    """The register at the start; `None` when the charge point sent none that can be read."""
    started_at: UtcDatetime
    reservation_id: StoredInt | None = None
    flags: list[str] = Field(default_factory=list)
    """Doubts about the record in words (`no_zone`, `skewed`, …). Empty: none."""


class TransactionStopped(EventData):
    """A transaction ended: reported by its charge point (OCPP 1.6 ed. 2 §4.10), or closed by the edge (`estimated`).

    A second event for the same transaction replaces the first: the charge point's own word wins over an estimate.
    """

    TYPE: ClassVar[str] = "TransactionStopped.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    transaction: UUID
    transaction_id: StoredInt
    charge_point: str
    connector_id: StoredInt | None
    """`None` when the start of the transaction never reached the edge."""
    id_tag: str | None
    """The id tag that stopped it; `None` when it ended without one."""
    meter_stop_wh: StoredInt | None
    stopped_at: UtcDatetime
    reason: str
    energy_wh: StoredInt | None
    """Energy delivered; `None` when there is no baseline to subtract."""
    estimated: bool = False
    flags: list[str] = Field(default_factory=list)


class TransactionReopened(EventData):
    """An end that the edge had estimated was wrong: the charge point goes on with the transaction."""

    TYPE: ClassVar[str] = "TransactionReopened.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    transaction: UUID
    transaction_id: StoredInt
    charge_point: str
    connector_id: StoredInt | None
    why: str
    """In one plain sentence."""


class AuthorizationDecided(EventData):
    """The edge answered an Authorize (OCPP 1.6 ed. 2 §4.1 "Authorize")."""

    TYPE: ClassVar[str] = "AuthorizationDecided.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    charge_point: str
    id_tag: str
    status: str
    reason: str
    """The decision in one plain sentence, for the person who was refused."""


class CommandProgressed(EventData):
    """A command moved on at the edge."""

    TYPE: ClassVar[str] = "CommandProgressed.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    command: UUID
    state: CommandState
    at: UtcDatetime
    answer: dict[str, Any] | None = None
    """The OCPP answer as the charge point gave it; `None` while there is none."""
    error: CommandError | None = None
    charge_point: str | None = None
    """For a cloud that has forgotten the command. `None`, as for `action`: an earlier release does not say."""
    action: str | None = None
    """The OCPP action."""


class RemoteStartConcluded(EventData):
    """What came of a remote start that a charge point had accepted (OCPP 1.6 ed. 2 §5.11).

    A second event for the same remote start replaces the first: its transaction was told late.
    """

    TYPE: ClassVar[str] = "RemoteStartConcluded.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    charge_point: str
    connector_id: StoredInt
    id_tag: str
    command: UUID | None
    """The cloud's command; `None`: it was asked for at the site."""
    asked_at: UtcDatetime
    outcome: str
    """`Started`, or `NoTransaction`: none began in time."""
    transaction: UUID | None
    """The one that began; `None`: none did."""


class IdTagChanged(EventData):
    """An id tag was written or removed at the site itself."""

    TYPE: ClassVar[str] = "IdTagChanged.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    id_tag: str
    status: str | None
    """`None`: removed."""
    expires_at: UtcDatetime | None = None
    parent_id_tag: str | None = None
    changed_by: str
    base_version: StoredInt | None = None
    """The id tag's version that was changed; 0: it was not known here. `None`: the edge knows no versions."""


class SecurityEventRecorded(EventData):
    """Somebody was refused, or a charge point reported a security event. Identical ones are merged with a count."""

    TYPE: ClassVar[str] = "SecurityEventRecorded.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    kind: str
    charge_point: str | None = None
    detail: str = ""
    count: int = 1
    reported_by_charge_point: bool = False
    """Whether the kind is the `type` of a SecurityEventNotification; otherwise the edge noticed it itself."""


class AlarmRaised(EventData):
    """Something at the site needs a person. It is told once, and stands until its AlarmCleared."""

    TYPE: ClassVar[str] = "AlarmRaised.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    alarm: UUID
    """Joins it to its AlarmCleared."""
    kind: str
    """What it is about, for example `ChargePointAbsent`; listed in [alarms](alarms.md)."""
    charge_point: str | None = None
    """`None`: the site itself."""
    detail: str = ""


class AlarmCleared(EventData):
    """What an alarm told of is over."""

    TYPE: ClassVar[str] = "AlarmCleared.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    alarm: UUID
    """That of its AlarmRaised."""
    kind: str
    """As its AlarmRaised had it."""
    charge_point: str | None = None
    """`None`: the site itself."""


class ChargePointBooted(EventData):
    """A BootNotification was answered (OCPP 1.6 ed. 2 §4.2 "Boot Notification")."""

    TYPE: ClassVar[str] = "ChargePointBooted.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    registration_status: str
    vendor: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None


class ChargePointConnected(EventData):
    """A charge point's WebSocket was opened."""

    TYPE: ClassVar[str] = "ChargePointConnected.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    remote_address: str


class ChargePointDisconnected(EventData):
    """A charge point's WebSocket ended, and no newer one had replaced it."""

    TYPE: ClassVar[str] = "ChargePointDisconnected.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    reason: str


class ConnectorStatusChanged(EventData):
    """A StatusNotification (OCPP 1.6 ed. 2 §4.9 "Status Notification"); connector 0 is the charge point itself."""

    TYPE: ClassVar[str] = "ConnectorStatusChanged.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    connector_id: StoredInt
    status: str
    error_code: str
    info: str | None = None
    vendor_error_code: str | None = None
    status_at: UtcDatetime


class FirmwareStatusChanged(EventData):
    """A FirmwareStatusNotification (OCPP 1.6 ed. 2 §4.5), or the one of a signed update, which has a request id."""

    TYPE: ClassVar[str] = "FirmwareStatusChanged.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    status: str
    request_id: int | None = None
    """Of the SignedUpdateFirmware that asked for it; `None`: the update is not signed."""


class LogStatusChanged(EventData):
    """A LogStatusNotification ("Improved security for OCPP 1.6-J" N01)."""

    TYPE: ClassVar[str] = "LogStatusChanged.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    status: str
    request_id: int | None = None
    """Of the GetLog that asked for it."""


class DiagnosticsStatusChanged(EventData):
    """A DiagnosticsStatusNotification (OCPP 1.6 ed. 2 §4.4)."""

    TYPE: ClassVar[str] = "DiagnosticsStatusChanged.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    status: str


class DataTransferReceived(EventData):
    """A vendor's own message from a charge point (OCPP 1.6 ed. 2 §4.3 "Data Transfer")."""

    TYPE: ClassVar[str] = "DataTransferReceived.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
    vendor_id: str
    message_id: str | None = None
    data: str | None = None
    status: str


class EdgeStarted(EventData):
    """The edge process started."""

    TYPE: ClassVar[str] = "EdgeStarted.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    software_version: str


class Sample(Record):
    """One sampledValue (OCPP 1.6 ed. 2 §7.43 "SampledValue"), its defaults filled in."""

    measurand: str
    value: str
    """As the charge point wrote it, trimmed: a decimal number, or hex when `format` is SignedData."""
    unit: str | None = None
    phase: str | None = None
    """`None`: over all phases."""
    location: str = "Outlet"
    context: str = "Sample.Periodic"
    format: str = "Raw"


class MeterValue(Record):
    """The samples of one instant."""

    sampled_at: UtcDatetime
    samples: list[Sample]


class MeterValuesSampled(EventData):
    """Meter values arrived (OCPP 1.6 ed. 2 §4.7 "Meter Values", or `transactionData` of a StopTransaction)."""

    TYPE: ClassVar[str] = "MeterValuesSampled.v1"
    STREAM: ClassVar[Stream] = Stream.METER

    charge_point: str
    connector_id: StoredInt
    transaction: UUID | None = None
    values: list[MeterValue]


class KeptMeterValues(Record):
    """What stays of a `MeterValuesSampled` that was thinned."""

    seq: StoredInt
    """The number of the event that it was; values of numbers that the cloud has already are not counted again."""
    charge_point: str
    connector_id: StoredInt
    transaction: UUID | None = None
    values: list[MeterValue]


class Skipped(EventData):
    """Stands in its own stream for a contiguous range of numbers that will never arrive.

    It takes the place of event `last`; the rolling hash goes on from `hash_after`.
    """

    TYPE: ClassVar[str] = "Skipped.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    first: StoredInt
    last: StoredInt
    count: StoredInt
    """How many events were recorded under these numbers, whether or not they had been thinned before."""
    why: str
    hash_after: str
    kept: list[KeptMeterValues] = Field(default_factory=list)
    """Thinned meter values: the first, the last, the least and the most of each connector in the range."""


EVENTS: dict[str, type[EventData]] = {
    event.TYPE: event
    for event in (
        TransactionStarted,
        TransactionStopped,
        TransactionReopened,
        AuthorizationDecided,
        CommandProgressed,
        RemoteStartConcluded,
        IdTagChanged,
        SecurityEventRecorded,
        AlarmRaised,
        AlarmCleared,
        ChargePointBooted,
        ChargePointConnected,
        ChargePointDisconnected,
        ConnectorStatusChanged,
        FirmwareStatusChanged,
        DiagnosticsStatusChanged,
        LogStatusChanged,
        DataTransferReceived,
        DirectoryApplied,
        EdgeStarted,
        EdgeClockCorrected,
        ChargePointRemoved,
        DayDigested,
        MeterValuesSampled,
        Skipped,
    )
}
"""Every event type that this release knows. `Skipped` may appear in any stream."""
