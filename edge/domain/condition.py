"""What a connector's condition is, derived from evidence: each part says where it is from."""

from __future__ import annotations

from dataclasses import dataclass

IN = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})
"""A cable is in. Preparing proves none: an id tag or a remote start brings it about as well."""
FREE = frozenset({"Available", "Reserved"})
PAUSED = frozenset({"SuspendedEV", "SuspendedEVSE"})

STATUS, TRANSACTION = "status", "transaction"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a connector."""

    status: str
    error_code: str
    status_since: str
    """When that status was received."""
    transaction_since: str | None
    """Since when a transaction is open there; `None`: none is."""
    transaction_suspect: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the condition."""

    value: str
    source: str
    """`status` or `transaction`."""
    since: str | None
    """When the evidence came; `None`: there is none, it is the absence of any."""


def occupancy(seen: Seen) -> Part:
    """`free`, `plugged` or `unknown`."""
    value = "plugged" if seen.status in IN else "free" if seen.status in FREE else "unknown"
    return Part(value, STATUS, seen.status_since)


def session(seen: Seen) -> Part:
    """`none`, `open` or `suspect`. A status never ends a transaction; it may only make its stop look lost."""
    if seen.transaction_since is None:
        return Part("none", TRANSACTION, None)
    doubtful = seen.transaction_suspect or seen.status in FREE
    return Part("suspect" if doubtful else "open", TRANSACTION, seen.transaction_since)


def energy(seen: Seen) -> Part:
    """`flowing`, `paused` or `none`. A warning beside the status changes nothing: charging goes on."""
    value = "flowing" if seen.status == "Charging" else "paused" if seen.status in PAUSED else "none"
    return Part(value, STATUS, seen.status_since)


def health(seen: Seen) -> Part:
    """`ok`, `warning` (an error code without Faulted) or `fault`."""
    value = "fault" if seen.status == "Faulted" else "ok" if seen.error_code == "NoError" else "warning"
    return Part(value, STATUS, seen.status_since)
