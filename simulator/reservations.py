"""Reservations (OCPP 1.6 ed. 2 §3.11, §5.13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation.

    Attributes:
        number: The central system's reservationId.
        connector_id: What is reserved; 0: any one connector.
        id_tag: For whom.
        expires_at: Until when.
    """

    number: int
    connector_id: int
    id_tag: str
    expires_at: datetime


class Reservations:
    """The reservations of one charge point."""

    def __init__(self) -> None:
        self._held: dict[int, Reservation] = {}

    def hold(self, reservation: Reservation) -> None:
        """Keep a reservation; the same number replaces."""
        self._held[reservation.number] = reservation

    def end(self, number: int) -> Reservation | None:
        """Let a reservation go; `None`: there is none of that number."""
        return self._held.pop(number, None)

    def holds(self, reservation: Reservation) -> bool:
        """Whether this very one still stands."""
        return self._held.get(reservation.number) is reservation

    def of(self, connector_id: int) -> Reservation | None:
        """The reservation of one connector."""
        return next((one for one in self._held.values() if one.connector_id == connector_id), None)

    def admits(self, connector_id: int, id_tag: str) -> bool:
        """Whether an id tag may use a connector: it is not reserved, or for this id tag."""
        reservation = self.of(connector_id)
        return reservation is None or reservation.id_tag.casefold() == id_tag.casefold()

    def use(self, connector_id: int, id_tag: str) -> int | None:
        """Use up the reservation that an id tag has here; its number, or `None` when it has none."""
        for place in (connector_id, 0):
            reservation = self.of(place)
            if reservation is not None and self.admits(place, id_tag):
                self.end(reservation.number)
                return reservation.number
        return None
