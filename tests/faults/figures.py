"""What a run of the faults measured and how it ended, as JSON lines, for docs/reference/guarantees.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docs.guarantees_page import ROWS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Goal:
    """A figure that should be fast or small enough. It is shown on the page, and no test fails because of it."""

    value: float
    bound: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def shown(self) -> dict[str, Any]:
        """For the file of figures."""
        goal = f"at {'least' if self.at_least else 'most'} {self.bound:,g}"
        return {"value": _rounded(self.value), "goal": goal, "reached": self.reached}


def at_most(value: float, bound: float) -> Goal:
    """A figure that should not exceed a bound."""
    return Goal(value, bound)


def at_least(value: float, bound: float) -> Goal:
    """A figure that should not stay below a bound."""
    return Goal(value, bound, at_least=True)


class Figures:
    """Takes down what becomes of a test, and its figures; writes only when `GARDU_FIGURES` names a file.

    Args:
        row: a key of `docs.guarantees_page.ROWS`.
        part: which half of a row that several tests share, for example the carrier.
        test: whose figures these are.
        full: whether this is the full size.
    """

    def __init__(self, row: str, part: str, test: str, *, full: bool) -> None:
        assert row in ROWS, row
        self._row = row
        self._part = part
        self._test = test
        self._full = full
        self._file = os.environ.get("GARDU_FIGURES")

    def record(self, /, **figures: Any) -> None:
        """Remember what was measured: before the assertions about it, so that a failing run shows its figures, too.

        Args:
            figures: in the order and with the names in which the page shows them; blanks are written as `_`.
        """
        shown = {
            name.replace("_", " "): value.shown() if isinstance(value, Goal) else _rounded(value)
            for name, value in figures.items()
        }
        print(f"\n[figures] {self._row} {self._part}: " + "; ".join(f"{name} {value}" for name, value in shown.items()))
        self.tell("measured", figures=shown)

    def tell(self, what: str, **more: Any) -> None:
        """Add a line to the file: `begun`, `measured`, then `passed`, `failed` or `skipped`."""
        if self._file is None:
            return
        line = {
            "row": self._row,
            "part": self._part,
            "what": what,
            **more,
            "full": self._full,
            "test": self._test,
            "at": datetime.now(UTC).isoformat(timespec="minutes"),
            "commit": commit(),
            "machine": machine(),
        }
        file = Path(self._file)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all do not exceed."""
    if len(values) < 2:
        return max(values, default=float("nan"))
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 3) if abs(value) < 10 else round(value, 1)


def commit() -> str:
    """The commit of the working tree; with `+` when files differ from it."""
    told = _git("rev-parse", "--short", "HEAD")
    return told + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "") if told else "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> str:
    """Processor, operating system and Python; nothing that names this machine."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} x {processor}; {system}, Linux {kernel}; Python {platform.python_version()}"
