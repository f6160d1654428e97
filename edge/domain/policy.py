"""How this site wants its central system to behave: plain values, handed down from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's choices that decisions need."""

    heartbeat_interval_s: int = 300
    """Told to an accepted charge point in its BootNotification answer."""
    retry_boot_interval_s: int = 60
    """Told to a charge point that is Pending or Rejected. Never 0: some would then ask at full speed."""
    cache_days: int | None = None
    """After how many days an accepted id tag leaves the charge points' caches (§4.1 `expiryDate`); `None`: never."""
    upkeep_after_boot_s: float = 10.0
    """Seconds after a boot until the edge asks anything by itself: a charge point reports its connectors first."""
    known_vendor_messages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """DataTransfer: vendor id → the message ids that are accepted; an empty set accepts any message of that vendor."""
