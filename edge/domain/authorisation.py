"""Who may charge (OCPP 1.6 ed. 2 §3.5 "Local Authorization & Offline Behavior", §4.1 "Authorize").

Decided from the site's own directory alone: the cloud is never asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """An id tag as the directory holds it."""

    id_tag: str
    status: str
    """Accepted, Blocked, Expired or Invalid."""
    expires_at: datetime | None = None
    parent_id_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a charge point is told about an id tag, and why."""

    status: str
    reason: str
    """One plain sentence for the person who was refused, or for the log."""
    expires_at: datetime | None = None
    parent_id_tag: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether energy may flow."""
        return self.status == "Accepted"

    def id_tag_info(self) -> dict[str, Any]:
        """Write the decision as OCPP's `idTagInfo` (§7.27 "IdTagInfo")."""
        info: dict[str, Any] = {"status": self.status}
        if self.expires_at is not None:
            info["expiryDate"] = self.expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.parent_id_tag is not None:
            info["parentIdTag"] = self.parent_id_tag
        return info


def authorise(entry: DirectoryEntry | None, now: datetime) -> Decision:
    """Decide on an id tag.

    ConcurrentTx is never the answer here: the same request precedes a stop, and stopping must always be possible.
    """
    if entry is None:
        return Decision("Invalid", "This id tag is not in the site's directory.")
    expires_at, parent = entry.expires_at, entry.parent_id_tag
    if entry.status != "Accepted":
        reason = f"This id tag is marked {entry.status} in the site's directory."
        return Decision(entry.status, reason, expires_at, parent)
    if expires_at is not None and expires_at <= now:
        return Decision("Expired", f"This id tag expired on {expires_at:%Y-%m-%d at %H:%M} UTC.", expires_at, parent)
    return Decision("Accepted", "This id tag is accepted.", expires_at, parent)


def authorise_start(entry: DirectoryEntry | None, now: datetime, *, charging_at: str | None) -> Decision:
    """Decide on the id tag of a StartTransaction.

    Args:
        entry: its directory entry.
        now: the time of the decision.
        charging_at: where a transaction of the same id tag is running already; `None`: nowhere.
    """
    decision = authorise(entry, now)
    if decision.accepted and charging_at is not None:
        reason = f"This id tag is charging already, at {charging_at}."
        return Decision("ConcurrentTx", reason, decision.expires_at, decision.parent_id_tag)
    return decision


def same_group(one: str | None, other: str | None) -> bool:
    """Whether two parent id tags make one group (§3.10: parents are compared with parents). Case does not matter."""
    return one is not None and other is not None and one.casefold() == other.casefold()
