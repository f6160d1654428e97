"""Profile FirmwareManagement. What comes of these requests is told by notifications of their status."""

from __future__ import annotations

from contract.model import OcppPayload
from contract.operations.fields import Instant, Location, NaturalNumber, Seconds


class GetDiagnostics(OcppPayload):
    """§5.9. `location` is the folder that the file is uploaded to."""

    location: Location
    retries: NaturalNumber | None = None
    retry_interval: Seconds | None = None
    start_time: Instant | None = None
    stop_time: Instant | None = None


class GetDiagnosticsAnswer(OcppPayload):
    """§5.9. Without a name there is nothing to upload."""

    file_name: str | None = None


class UpdateFirmware(OcppPayload):
    """§5.19. The charge point fetches `location` after `retrieveDate`, and restarts by itself."""

    location: Location
    retrieve_date: Instant
    retries: NaturalNumber | None = None
    retry_interval: Seconds | None = None
