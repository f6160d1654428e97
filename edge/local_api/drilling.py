"""`gardu-edge drill`: begin a drill, show how it goes, and tell at its end what came of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from edge.config.sections import ApiSettings
from edge.errors import ConfigurationError
from edge.local_api.asking import ask

LOOK_S = 1.0
_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Read `90s`, `10m` or `2h`.

    Raises:
        ConfigurationError: it is none of them.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise ConfigurationError(f"{text!r} is no length of time.", hint="Write for example 90s, 10m or 2h.")
    return float(found[1]) * _UNITS[found[2]]


def drill(settings: ApiSettings, for_s: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Drill, and wait until the cloud has everything again.

    Args:
        settings: where the local API listens.
        for_s: how long the link is cut.
        tell: gets a line whenever something has changed.

    Returns:
        The report.
    """
    report = ask(settings, "POST", "link/drill", {"for_s": for_s})
    tell(f"The link to the cloud is cut until {report['until']}. Charge points go on. Ctrl-C makes it whole.")
    told = ""
    try:
        while report["drained_at"] is None:
            time.sleep(LOOK_S)
            report = ask(settings, "GET", "link/drill")
            if (line := _line(report)) != told:
                told = line
                tell(line)
    except KeyboardInterrupt:
        report = ask(settings, "DELETE", "link/drill")
        tell("The drill was ended before its time.")
    return report


def as_text(report: dict[str, Any]) -> str:
    """Say what came of a drill."""
    events = sum(report["events"].values())
    drained = report["drained_s"]
    ending = "not drained yet" if drained is None else f"all of it in the cloud {drained:.1f} s after the end"
    return (
        f"Begun {report['began_at']}, ended {report['ended_at'] or 'not yet'}.\n"
        f"{report['transactions_started']} transactions began and {report['transactions_stopped']} ended meanwhile; "
        f"{events} events were kept: {ending}."
    )


def _line(report: dict[str, Any]) -> str:
    state = "cut    " if report["ended_at"] is None else "drains "
    return (
        f"  {state} {report['transactions_started']} begun, {report['transactions_stopped']} ended, "
        f"{report['waiting']} events wait"
    )
