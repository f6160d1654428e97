"""What can be wrong at a site so that a person has to look: each kind in a plain sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AlarmKind(StrEnum):
    """The kinds of alarms. An alarm stands from when it is raised until what it tells of is over."""

    CHARGE_POINT_ABSENT = "ChargePointAbsent"
    DUPLICATE_IDENTITY = "DuplicateIdentity"
    CLOCK_SUSPECT = "ClockSuspect"
    QUEUE_STUCK = "QueueStuck"
    CHARGING_CLASS_DOWNGRADED = "ChargingClassDowngraded"
    CALLS_UNANSWERED = "CallsUnanswered"
    HARDWARE_CHANGED = "HardwareChanged"
    PROVISIONING_FAILED = "ProvisioningFailed"
    FIRMWARE_FAILED = "FirmwareFailed"
    DIAGNOSTICS_FAILED = "DiagnosticsFailed"
    CERTIFICATE_REFUSED = "CertificateRefused"
    CERTIFICATE_EXPIRES = "CertificateExpires"
    CONNECTOR_FAULTED = "ConnectorFaulted"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of alarm tells people."""

    sentence: str
    what_to_do: str


MEANINGS: dict[AlarmKind, Meaning] = {
    AlarmKind.CHARGE_POINT_ABSENT: Meaning(
        "The charge point has not been connected for more than a day.",
        "Check its power and its network. If it was taken away for good, set it to Rejected.",
    ),
    AlarmKind.DUPLICATE_IDENTITY: Meaning(
        "Two devices use the identity of one charge point and throw each other out; both are kept out.",
        "Give one of them an identity and a key of its own, then release the identity: "
        "POST /api/v1/charge-points/{charge_point}/release.",
    ),
    AlarmKind.CLOCK_SUSPECT: Meaning(
        "The charge point's clock is wrong, so its times are not believed.",
        "Let it take its time from the central system, or check the time server in its configuration.",
    ),
    AlarmKind.QUEUE_STUCK: Meaning(
        "Records have been waiting for the cloud for too long, although the link is up.",
        "Look at GET /api/v1/outbox for the stream that stands still and for the last error.",
    ),
    AlarmKind.CHARGING_CLASS_DOWNGRADED: Meaning(
        "The charge point can be steered less than before, for example after new firmware.",
        "Compare its firmware and its configuration with those of before.",
    ),
    AlarmKind.CALLS_UNANSWERED: Meaning(
        "The charge point sends messages but does not answer calls; three new connections within an hour did not help.",
        "Reset it, at its main switch if need be; look for newer firmware.",
    ),
    AlarmKind.HARDWARE_CHANGED: Meaning(
        "Another device answers under this identity: its vendor, model or serial number has changed.",
        "If it was exchanged on purpose, acknowledge the alarm: POST /api/v1/alarms/{alarm}/acknowledge. "
        "If not, give the charge point a new key, which ends the alarm too.",
    ),
    AlarmKind.PROVISIONING_FAILED: Meaning(
        "The charge point did not take over the configuration that the site wants it to have.",
        "Read the detail for the step that failed, mend its cause, and let the charge point boot again.",
    ),
    AlarmKind.FIRMWARE_FAILED: Meaning(
        "A firmware update failed; the charge point runs what it had.",
        "Read the detail, check that the file fits the model, and order the update again.",
    ),
    AlarmKind.DIAGNOSTICS_FAILED: Meaning(
        "The charge point could not hand over its diagnostics.",
        "Check that it can reach the address in the detail, and ask again.",
    ),
    AlarmKind.CERTIFICATE_REFUSED: Meaning(
        "The charge point refused a certificate, or asked for one that may not be given.",
        "Read the detail; check the clock of the charge point and the certificates it trusts.",
    ),
    AlarmKind.CERTIFICATE_EXPIRES: Meaning(
        "A certificate ends soon; charge points that check it will then not connect.",
        "Renew it before the day in the detail.",
    ),
    AlarmKind.CONNECTOR_FAULTED: Meaning(
        "The charge point reports a fault and cannot charge.",
        "Read the detail for the error code; the vendor's manual says what it means.",
    ),
}
"""One for each kind."""

ACKNOWLEDGED = frozenset({AlarmKind.HARDWARE_CHANGED})
"""Kinds that tell of something that happened, so that only a person can say that it is settled."""
