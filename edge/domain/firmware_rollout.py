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
    """Written down before the call leaves: after a crash it may have been asked, or not."""
    ASKED = "asked"
    VERIFIED = "verified"
    FAILED = "failed"


SILENCE = timedelta(minutes=15)
"""Without a sign after a crash while it was asked: whoever was asked has begun to fetch the file by then."""
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
    turn_at: datetime | None = None
    """Since when it has been its turn; `None`: only now."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one charge point is given."""

    update: timedelta = timedelta(hours=2)
    """From being asked to its boot with the new version."""
    turn: timedelta = timedelta(hours=72)
    """For being connected, without a transaction, once it is its turn: the others wait behind it."""


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


def decide(step: Step, facts: Facts, version: str, now: datetime, patience: Patience) -> Decision:
    """Decide on the charge point whose turn it is.

    Args:
        step: where it stands.
        facts: how it is.
        version: the firmwareVersion that its boot has to name.
        now: the time.
        patience: how long it may take.
    """
    if step.state is StepState.FAILED:
        return Decision(Next.FAIL, step.detail or "the update failed")
    if step.state in (StepState.WAITING, StepState.ASKING) and facts.firmware == version:
        return Decision(Next.VERIFIED)
    if step.state is StepState.WAITING or (step.state is StepState.ASKING and not _has_heard(step, facts)):
        return _when_it_is_not_asked(step, facts, now, patience)
    booted = facts.booted_at is not None and step.asked_at is not None and facts.booted_at > step.asked_at
    if booted and facts.firmware == version:
        return Decision(Next.VERIFIED)
    why = _failure(step, f"it booted with {facts.firmware!r}" if booted else None, version, now - patience.update)
    return Decision(Next.WAIT) if why is None else Decision(Next.FAIL, why)


def _has_heard(step: Step, facts: Facts) -> bool:
    """Whether a call that a crash left behind has arrived: it reported, fetched the file, or booted."""
    booted = facts.booted_at is not None and step.asked_at is not None and facts.booted_at > step.asked_at
    return step.status is not None or booted


def _when_it_is_not_asked(step: Step, facts: Facts, now: datetime, patience: Patience) -> Decision:
    """Ask it as soon as it may be asked, and give it up some day."""
    if step.state is StepState.ASKING and step.asked_at is not None and now - step.asked_at < SILENCE:
        return Decision(Next.WAIT)
    if facts.connected and facts.idle:
        return Decision(Next.ASK)
    if step.turn_at is not None and now - step.turn_at > patience.turn:
        hours = patience.turn.total_seconds() / 3600
        lacking = "it is not connected" if not facts.connected else "a transaction runs there"
        return Decision(Next.FAIL, f"it could not be asked for {hours:g} hours; at the end {lacking}")
    return Decision(Next.WAIT)


def _failure(step: Step, booted: str | None, version: str, begun_after: datetime) -> str | None:
    """Say why an update that is under way has failed; `None`: it may still succeed."""
    if step.status in FAILURES:
        return f"the charge point reports {step.status}"
    if booted is not None and step.status == "Installed":
        return f"{booted} and not with {version!r}"
    if step.asked_at is not None and step.asked_at < begun_after:
        return f"it did not boot with {version!r} in time; it last reported {step.status}"
    return None
