"""What a run of the faults measured, one JSON line per row, for docs/reference/guarantees.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docs.guarantees_page import ROWS

ROOT = Path(__file__).parents[2]


class Figures:
    """Takes down figures; writes them only when `GARDU_FIGURES` names a file."""

    def __init__(self, test: str, *, full: bool) -> None:
        self._test = test
        self._full = full
        self._file = os.environ.get("GARDU_FIGURES")

    def record(self, row: str, part: str = "", /, **figures: Any) -> None:
        """Remember what was measured.

        Args:
            row: a key of `docs.guarantees_page.ROWS`.
            part: which half of a row that several tests share, for example the carrier.
            figures: in the order and with the names in which the page shows them; blanks are written as `_`.
        """
        assert row in ROWS, row
        shown = {name.replace("_", " "): _rounded(value) for name, value in figures.items()}
        print(f"\n[figures] {row} {part}: " + "; ".join(f"{name} {value}" for name, value in shown.items()))
        if self._file is None:
            return
        line = {
            "row": row,
            "part": part,
            "figures": shown,
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
