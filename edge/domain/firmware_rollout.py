"""What happens next in the roll-out of a firmware (OCPP 1.6 ed. 2 §5.19 "Update Firmware").

One charge point at a time: the first is the canary. Only a boot that names the new version proves an update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class StepState(StrEnum):
    """Where one charge point stands."""

    WAITING = "waiting"
    ASKING = "asking"
    """Written down before the call leaves: after a crash it is asked anew."""
    ASKED = "asked"
    VERIFIED = "verified"
    FAILED = "failed"


FAILURES = frozenset({"DownloadFailed", "InstallationFailed"})
"""Of FirmwareStatusNotification (§7.25)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One charge point of a roll-out."""

    position: int
    charge_point: str
    state: StepState
    asked_at: datetime | None = None
    status: str | None = None
    """What it last reported of this update."""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The charge point whose turn it is, as it is now."""

    connected: bool
    idle: bool
    """Whether no transaction runs."""
    firmware: str | None
    booted_at: datetime | None


class Next(StrEnum):
    """What to do."""

    WAIT = "wait"
    ASK = "ask"
    VERIFIED = "verified"
    FAIL = "fail"
    END = "end"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why."""

    do: Next
    why: str = ""


def turn(steps: Sequence[Step]) -> Step | None:
    """Tell whose turn it is; `None`: all are done."""
    return next((step for step in steps if step.state is not StepState.VERIFIED), None)


def decide(step: Step, facts: Facts, version: str, now: datetime, patience: timedelta) -> Decision:
    """Decide on the charge point whose turn it is.

    Args:
        step: where it stands.
        facts: how it is.
        version: the firmwareVersion that its boot has to name.
        now: the time.
        patience: how long an update may take.
    """
    if step.state is StepState.FAILED:
        return Decision(Next.FAIL, step.detail or "the update failed")
    if step.state in (StepState.WAITING, StepState.ASKING):
        if facts.firmware == version:
            return Decision(Next.VERIFIED)
        return Decision(Next.ASK if facts.connected and facts.idle else Next.WAIT)
    booted = facts.booted_at is not None and step.asked_at is not None and facts.booted_at > step.asked_at
    if booted and facts.firmware == version:
        return Decision(Next.VERIFIED)
    why = _failure(step, f"it booted with {facts.firmware!r}" if booted else None, version, now - patience)
    return Decision(Next.WAIT) if why is None else Decision(Next.FAIL, why)


def _failure(step: Step, booted: str | None, version: str, begun_after: datetime) -> str | None:
    """Say why an update that is under way has failed; `None`: it may still succeed."""
    if step.status in FAILURES:
        return f"the charge point reports {step.status}"
    if booted is not None and step.status == "Installed":
        return f"{booted} and not with {version!r}"
    if step.asked_at is not None and step.asked_at < begun_after:
        return f"it did not boot with {version!r} in time; it last reported {step.status}"
    return None
