"""Who may charge (OCPP 1.6 ed. 2 §3.5 "Local Authorization & Offline Behavior", §4.1 "Authorize").

Decided from the site's own directory alone: the cloud is never asked. Each decision says in one sentence why, for the
person who stands in front of the charge point. Days and times in sentences are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.directory import DirectoryPolicy, OfflineMode

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """An id tag as the directory holds it."""

    id_tag: str
    status: str
    """Accepted, Blocked, Expired or Invalid."""
    expires_at: datetime | None = None
    parent_id_tag: str | None = None
    since: datetime | None = None
    """When it was given its status; `None`: not known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a charge point is told about an id tag, and why."""

    status: str
    reason: str
    """One plain sentence for the person who was refused, or for the log."""
    expires_at: datetime | None = None
    parent_id_tag: str | None = None
    limit_wh: int | None = None
    """What a transaction may draw; `None`: as much as it likes."""

    @property
    def accepted(self) -> bool:
        """Whether energy may flow."""
        return self.status == "Accepted"

    def id_tag_info(self, cache_until: datetime | None = None) -> dict[str, Any]:
        """Write the decision as OCPP's `idTagInfo` (§7.27 "IdTagInfo").

        Args:
            cache_until: when an accepted id tag leaves the charge point's cache at the latest, so that one that is
                blocked here does not charge offline for ever; `None`: never by itself.
        """
        info: dict[str, Any] = {"status": self.status}
        leaves = self.expires_at
        if self.accepted and cache_until is not None and (leaves is None or cache_until < leaves):
            leaves = cache_until
        if leaves is not None:
            info["expiryDate"] = leaves.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.parent_id_tag is not None:
            info["parentIdTag"] = self.parent_id_tag
        return info


def authorise(entry: DirectoryEntry | None, now: datetime) -> Decision:
    """Decide on an id tag.

    ConcurrentTx is never the answer here: the same request precedes a stop, and stopping must always be possible.
    """
    if entry is None:
        return Decision("Invalid", "This id tag is not known at this site.")
    expires_at, parent = entry.expires_at, entry.parent_id_tag
    if entry.status != "Accepted":
        return Decision(entry.status, _refusal(entry, now), expires_at, parent)
    if expires_at is not None and expires_at <= now:
        return Decision("Expired", f"This id tag expired on {_day(expires_at, now)}.", expires_at, parent)
    return Decision("Accepted", "This id tag is accepted.", expires_at, parent)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A transaction of the same id tag that is running at another connector."""

    charge_point: str
    connector_id: int | None
    since: datetime | None


def authorise_start(entry: DirectoryEntry | None, now: datetime, *, elsewhere: Elsewhere | None) -> Decision:
    """Decide on the id tag of a StartTransaction.

    Args:
        entry: its directory entry.
        now: the time of the decision.
        elsewhere: where the same id tag charges already; `None`: nowhere.
    """
    decision = authorise(entry, now)
    if decision.accepted and elsewhere is not None:
        since = "" if elsewhere.since is None else f", since {_day(elsewhere.since, now)} at {_time(elsewhere.since)}"
        reason = (
            f"This id tag is charging already, at {elsewhere.charge_point}, connector {elsewhere.connector_id}{since}."
        )
        return Decision("ConcurrentTx", reason, decision.expires_at, decision.parent_id_tag)
    return decision


def by_policy(decision: Decision, policy: DirectoryPolicy, *, known: bool, charging: bool) -> Decision:
    """Decide while the directory is stale: what has come down may have changed since.

    Args:
        decision: as the directory has it.
        policy: the site's.
        known: whether the id tag is in the directory.
        charging: whether it charges here now. Stopping must always be possible.
    """
    if policy.offline is OfflineMode.DENY and decision.accepted and not charging:
        return Decision("Invalid", "The site has not heard of its cloud for too long; until then nobody may charge.")
    if policy.offline is OfflineMode.ALLOW_UNKNOWN and not known:
        kwh = f"{policy.unknown_limit_wh / 1000:g}"
        reason = f"This id tag is not known, and may draw {kwh} kWh while the site cannot ask its cloud."
        return Decision("Accepted", reason, limit_wh=policy.unknown_limit_wh)
    return decision


def cache_until(now: datetime, days: int | None) -> datetime | None:
    """Say when an id tag that is accepted now leaves the charge points' caches. `None` days: never by itself."""
    return None if days is None else now + timedelta(days=days)


def same_group(one: str | None, other: str | None) -> bool:
    """Whether two parent id tags make one group (§3.10: parents are compared with parents). Case does not matter."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def _refusal(entry: DirectoryEntry, now: datetime) -> str:
    on = "" if entry.since is None else f" on {_day(entry.since, now)}"
    match entry.status:
        case "Blocked":
            return f"This id tag was blocked{on}."
        case "Expired":
            return f"This id tag was marked as expired{on}."
        case _:
            return f"This id tag was declared invalid{on}."


def _day(at: datetime, now: datetime) -> str:
    """`Monday 23 November`, with the year when it is not this one. Written by hand: not in the machine's language."""
    utc = at.astimezone(UTC)
    year = "" if utc.year == now.astimezone(UTC).year else f" {utc.year}"
    return f"{_DAYS[utc.weekday()]} {utc.day} {_MONTHS[utc.month - 1]}{year}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M} UTC"
