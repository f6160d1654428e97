"""What an edge tells of itself: parts of `contract.events.EVENTS`."""

from __future__ import annotations

from typing import ClassVar

from contract.event_data import EventData
from contract.model import UtcDatetime
from contract.streams import Stream


class EdgeClockCorrected(EventData):
    """The edge had noted a time that had not come yet; it goes by its machine's clock again.

    Times of receipt before this event may be wrong.
    """

    TYPE: ClassVar[str] = "EdgeClockCorrected.v1"
    STREAM: ClassVar[Stream] = Stream.LEDGER

    noted_at: UtcDatetime
    """What was noted, and was wrong."""
    corrected_to: UtcDatetime
    """What the machine's clock said, and what holds from then on."""
    vouched_by: str
    """`time_server`: the kernel said that one keeps the clock; `operator`: a person did."""


class ChargePointRemoved(EventData):
    """A charge point was removed from the site. Its records stay."""

    TYPE: ClassVar[str] = "ChargePointRemoved.v1"
    STREAM: ClassVar[Stream] = Stream.STATE

    charge_point: str
