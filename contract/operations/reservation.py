"""Profile Reservation."""

from __future__ import annotations

from contract.model import OcppPayload
from contract.operations.fields import ConnectorIdOrZero, IdToken, Instant, Integer, PositiveNumber


class ReserveNow(OcppPayload):
    """§5.13. Connector 0: any one, where ReserveConnectorZeroSupported. The same reservationId replaces."""

    connector_id: ConnectorIdOrZero
    expiry_date: Instant
    id_tag: IdToken
    reservation_id: PositiveNumber
    """Above 0: some charge points take 0 for no reservation."""
    parent_id_tag: IdToken | None = None


class CancelReservation(OcppPayload):
    """§5.1. Rejected: there is no such reservation."""

    reservation_id: Integer
