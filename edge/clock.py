"""The three clocks of the edge, behind one object that tests replace."""

from __future__ import annotations

import ctypes
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""This software is younger; a clock that says less was never set."""
TOLERANCE = timedelta(minutes=1)
"""A clock that is set back by less is still believed."""


class Clock:
    """The machine's clocks.

    A small machine without a battery for its clock wakes up in the past. Told so (`distrust`), the wall clock goes on
    from the last time that is known until the machine's own clock has been set.
    """

    def __init__(self) -> None:
        self.boot_id = _read_boot_id()
        """Changes when the machine restarts; `boottime` values of different boots do not compare."""
        self._estimate: tuple[datetime, float] | None = None
        """A time that is known to have passed, and `monotonic` then; `None`: the machine's clock is believed."""
        self._believed = RELEASED
        """The last time that was given out and came from the machine."""

    def now(self) -> datetime:
        """Wall clock, UTC: the best that is known. May jump, but never to before this release."""
        if self._estimate is not None:
            return self._estimated()
        machine = self.machine()
        if machine < RELEASED:  # at once: a record that arrives now is not to be dated by it
            self.distrust(self._believed)
            return self._estimated()
        self._believed = machine
        return machine

    def machine(self) -> datetime:
        """Give the machine's wall clock as it is."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds; never goes back, stands still while the machine sleeps. For time-outs."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds since the machine's boot, counting through suspend. For deadlines that must not stretch."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def distrust(self, known: datetime) -> None:
        """Tell a time that has certainly passed; a machine that says less (or 1970) is not believed until it is set."""
        known = max(known, RELEASED)
        best = self.machine() if self._estimate is None else self._estimated()
        if best < known - TOLERANCE:
            self._estimate = (known, self.monotonic())

    @property
    def suspect(self) -> bool:
        """Whether `now` is an estimate."""
        if self._estimate is not None:
            self._estimated()
        return self._estimate is not None

    def trust(self) -> None:
        """Believe the machine's clock again, although it says less than what was noted: that was wrong."""
        self._estimate = None

    def machine_synchronised(self) -> bool:
        """Whether the machine's kernel says that a time server keeps its clock."""
        return _kernel_synchronised()

    def synced(self) -> bool:
        """Whether the wall clock can be believed."""
        return not self.suspect and self.machine() >= RELEASED

    def _estimated(self) -> datetime:
        machine = self.machine()
        if self._estimate is None or machine >= self._estimate[0]:
            self._estimate = None
            return machine
        known, at = self._estimate
        return known + timedelta(seconds=self.monotonic() - at)


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""
_ERROR = 5
"""TIME_ERROR of adjtimex(2), what it returns while the clock is not synchronised."""


def _kernel_synchronised() -> bool:
    """Ask the kernel, whichever time service runs (systemd-timesyncd, chrony, ntpd); reading needs no privilege."""
    answer = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(answer))
    except (OSError, AttributeError):  # no Linux
        return False
    return 0 <= state < _ERROR and not answer.status & _UNSYNCHRONISED
