"""A connector's status and the one table of its legal transitions (OCPP 1.6 ed. 2 §4.9 "Status Notification")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.meter import Meter


class Status(StrEnum):
    """OCPP 1.6 ed. 2 §7.7 "ChargePointStatus"."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


_S = Status
_IN_USE = {_S.PREPARING, _S.CHARGING, _S.SUSPENDED_EV, _S.SUSPENDED_EVSE}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    _S.AVAILABLE: frozenset({*_IN_USE, _S.RESERVED, _S.UNAVAILABLE, _S.FAULTED}),
    _S.PREPARING: frozenset({_S.AVAILABLE, *_IN_USE, _S.FINISHING, _S.FAULTED} - {_S.PREPARING}),
    _S.CHARGING: frozenset(
        {_S.AVAILABLE, _S.SUSPENDED_EV, _S.SUSPENDED_EVSE, _S.FINISHING, _S.UNAVAILABLE, _S.FAULTED}
    ),
    _S.SUSPENDED_EV: frozenset(
        {_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EVSE, _S.FINISHING, _S.UNAVAILABLE, _S.FAULTED}
    ),
    _S.SUSPENDED_EVSE: frozenset(
        {_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EV, _S.FINISHING, _S.UNAVAILABLE, _S.FAULTED}
    ),
    _S.FINISHING: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE, _S.FAULTED}),
    _S.RESERVED: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE, _S.FAULTED}),
    _S.UNAVAILABLE: frozenset({_S.AVAILABLE, *_IN_USE, _S.FAULTED}),
    _S.FAULTED: frozenset({_S.AVAILABLE, *_IN_USE, _S.FINISHING, _S.RESERVED, _S.UNAVAILABLE}),
}
"""Each status's legal successors: the table of §4.9, with the errata's B6 (Preparing to Finishing)."""


class IllegalTransitionError(Exception):
    """A connector was told to go where the table has no way."""


@dataclass(slots=True)
class Connector:
    """One connector of a charge point.

    Attributes:
        connector_id: 1, 2, …
        meter: Its energy meter.
        status: Where it is now.
        operative: What the last ChangeAvailability asked for; survives a reset.
        on_status: Called after each change of status.
    """

    connector_id: int
    meter: Meter
    status: Status = Status.AVAILABLE
    operative: bool = True
    on_status: Callable[[Connector], None] = field(default=lambda _connector: None)

    @property
    def in_use(self) -> bool:
        """Whether a car is plugged in and not yet finished."""
        return self.status in _IN_USE

    def move(self, to: Status) -> None:
        """Go to another status; the one that it already has is no move.

        Raises:
            IllegalTransitionError: The table knows no such transition; nothing has changed.
        """
        if to is self.status:
            return
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransitionError(f"connector {self.connector_id}: {self.status} to {to}")
        self.status = to
        self.on_status(self)

    def rest(self) -> None:
        """Be free of cars: Available, or Unavailable when it is inoperative.

        A connector that is Preparing passes through Available, since the table has no direct way.
        """
        if not self.operative and self.status is Status.PREPARING:
            self.move(Status.AVAILABLE)
        self.move(Status.AVAILABLE if self.operative else Status.UNAVAILABLE)
