"""When something at a site has stood still for so long that a person should look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is too long."""

    absent: timedelta = timedelta(hours=24)
    """Without a connection of an accepted charge point."""
    absent_for_good: timedelta = timedelta(hours=1)
    """The same of one that is known not to come back by itself: waiting longer changes nothing."""
    stuck_s: float = 900.0
    """Without any acknowledgement, although the link is up and events wait."""


@dataclass(slots=True)
class _Cursor:
    acknowledged: int
    since_s: float


class Progress:
    """Watches, by the monotonic clock, whether the cloud acknowledges what waits for it."""

    def __init__(self) -> None:
        self._cursors: dict[str, _Cursor] = {}

    def stuck(
        self, streams: Mapping[str, tuple[int, int]], now_s: float, limits: Limits, *, link_up: bool
    ) -> list[str]:
        """Name the streams that stand still.

        Args:
            streams: head and acknowledged number by stream.
            now_s: monotonic seconds.
            limits: how long is too long.
            link_up: whether the cloud answers. While it does not, waiting is what an outbox is for.
        """
        still = []
        for stream, (head, acknowledged) in streams.items():
            cursor = self._cursors.get(stream)
            if cursor is None or cursor.acknowledged != acknowledged or head == acknowledged or not link_up:
                self._cursors[stream] = _Cursor(acknowledged, now_s)
            elif now_s - cursor.since_s >= limits.stuck_s:
                still.append(stream)
        return still


def charging_class(feature_profiles: str | None) -> int | None:
    """Rank how far a charge point can be steered: 2, its current; 1, on and off alone; `None`: it did not say.

    Args:
        feature_profiles: the value of SupportedFeatureProfiles (OCPP 1.6 ed. 2 §9.1.30).
    """
    if not feature_profiles:
        return None
    return 2 if "smartcharging" in {one.strip().casefold() for one in feature_profiles.split(",")} else 1
