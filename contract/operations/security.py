"""The security extension: OCA white paper "Improved security for OCPP 1.6-J", edition 2."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from contract.model import OcppPayload
from contract.operations.fields import ConnectorId, Instant, Integer, Location, NaturalNumber, Seconds, StatusAnswer

Pem = Annotated[str, StringConstraints(min_length=1, max_length=5500)]
PemChain = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Signature = Annotated[str, StringConstraints(min_length=1, max_length=800)]
Digest = Annotated[str, StringConstraints(min_length=1, max_length=128)]
SerialNumber = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class ExtendedMessageTrigger(StrEnum):
    """White paper "MessageTriggerEnumType"."""

    BOOT_NOTIFICATION = "BootNotification"
    LOG_STATUS_NOTIFICATION = "LogStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    SIGN_CHARGE_POINT_CERTIFICATE = "SignChargePointCertificate"
    STATUS_NOTIFICATION = "StatusNotification"


class LogType(StrEnum):
    """White paper "LogEnumType"."""

    DIAGNOSTICS_LOG = "DiagnosticsLog"
    SECURITY_LOG = "SecurityLog"


class CertificateUse(StrEnum):
    """White paper "CertificateUseEnumType"."""

    CENTRAL_SYSTEM_ROOT_CERTIFICATE = "CentralSystemRootCertificate"
    MANUFACTURER_ROOT_CERTIFICATE = "ManufacturerRootCertificate"


class HashAlgorithm(StrEnum):
    """White paper "HashAlgorithmEnumType"."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


class ExtendedTriggerMessage(OcppPayload):
    """White paper "ExtendedTriggerMessage.req". SignChargePointCertificate begins the renewal of a certificate."""

    requested_message: ExtendedMessageTrigger
    connector_id: ConnectorId | None = None


class LogParameters(OcppPayload):
    """White paper "LogParametersType"."""

    remote_location: Location
    oldest_timestamp: Instant | None = None
    latest_timestamp: Instant | None = None


class GetLog(OcppPayload):
    """White paper "GetLog.req". Progress comes as LogStatusNotification with the same `requestId`."""

    log_type: LogType
    request_id: Integer
    log: LogParameters
    retries: NaturalNumber | None = None
    retry_interval: Seconds | None = None


class GetLogAnswer(StatusAnswer):
    """White paper "GetLog.conf"."""

    filename: str | None = None


class Firmware(OcppPayload):
    """White paper "FirmwareType"."""

    location: Location
    retrieve_date_time: Instant
    signing_certificate: Pem
    signature: Signature
    """Base64."""
    install_date_time: Instant | None = None


class SignedUpdateFirmware(OcppPayload):
    """White paper "SignedUpdateFirmware.req". Progress comes as SignedFirmwareStatusNotification."""

    request_id: Integer
    firmware: Firmware
    retries: NaturalNumber | None = None
    retry_interval: Seconds | None = None


class CertificateSigned(OcppPayload):
    """White paper "CertificateSigned.req". PEM, the charge point's own certificate first."""

    certificate_chain: PemChain


class InstallCertificate(OcppPayload):
    """White paper "InstallCertificate.req". PEM."""

    certificate_type: CertificateUse
    certificate: Pem


class CertificateHashData(OcppPayload):
    """White paper "CertificateHashDataType"."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: Digest
    issuer_key_hash: Digest
    serial_number: SerialNumber


class DeleteCertificate(OcppPayload):
    """White paper "DeleteCertificate.req". A certificate that is in use is not deleted: Failed."""

    certificate_hash_data: CertificateHashData


class GetInstalledCertificateIds(OcppPayload):
    """White paper "GetInstalledCertificateIds.req". NotFound: there is none of that type."""

    certificate_type: CertificateUse


class AnsweredCertificate(OcppPayload):
    """White paper "CertificateHashDataType", as a charge point writes it."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class GetInstalledCertificateIdsAnswer(StatusAnswer):
    """White paper "GetInstalledCertificateIds.conf"."""

    certificate_hash_data: list[AnsweredCertificate] | None = None
