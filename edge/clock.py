"""The three clocks of the edge, behind one object that tests replace."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.boot_id = _read_boot_id()
        """Changes when the machine restarts; `boottime` values of different boots do not compare."""

    def now(self) -> datetime:
        """Wall clock, UTC. May jump."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds; never goes back, stands still while the machine sleeps. For time-outs."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds since the machine's boot, counting through suspend. For deadlines that must not stretch."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def synced(self) -> bool:
        """Whether the wall clock can be believed: it is not before this release was made."""
        return self.now() >= _RELEASED


_RELEASED = datetime(2026, 1, 1, tzinfo=UTC)


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())
