"""Whether two devices use one identity: each throws the other out, again and again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.domain.recent import Recent

WINDOW_S = 600.0
BORNE = 5
"""Take-overs from elsewhere within the window that one moving charge point may cause."""
REMEMBERED = 4
"""Origins, of the latest connections that were replaced."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection came from, and which device spoke on it."""

    address: str
    serial_number: str | None
    """As its BootNotification said; `None`: it sent none on this connection."""

    def is_named_beside(self, other: Origin) -> bool:
        """Tell whether both said who they are."""
        return self.serial_number is not None and other.serial_number is not None

    def differs(self, other: Origin) -> bool:
        """Tell whether these are likely two devices: serial numbers decide when both are known, else addresses."""
        if self.is_named_beside(other):
            return self.serial_number != other.serial_number
        return self.address != other.address


class Takeovers:
    """Counts, per identity, how often a connection replaced one of another device.

    One that moves through a mobile network has another address each time, and may say no serial number as it comes
    back. So where addresses alone tell, only a return to an earlier one counts: two devices take turns.
    """

    def __init__(self) -> None:
        self._seen: dict[str, deque[Origin]] = {}
        self._recent: dict[str, Recent] = {}

    def replaced(self, charge_point: str, older: Origin, now_s: float) -> bool:
        """Count that a newer connection replaces `older`, of which all is known that it ever said.

        Returns:
            Whether two devices must be at work. The count then begins anew.
        """
        seen = self._seen.setdefault(charge_point, deque(maxlen=REMEMBERED))
        before, earlier = (seen[-1] if seen else None), list(seen)[:-1]
        seen.append(older)
        if before is None or not older.differs(before):
            return False
        if not older.is_named_beside(before) and all(older.address != one.address for one in earlier):
            return False
        recent = self._recent.setdefault(charge_point, Recent(WINDOW_S, BORNE + 1))
        if recent.add(now_s) <= BORNE:
            return False
        self.forget(charge_point)
        return True

    def forget(self, charge_point: str) -> None:
        """Begin anew."""
        self._seen.pop(charge_point, None)
        self._recent.pop(charge_point, None)
