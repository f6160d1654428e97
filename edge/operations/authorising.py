"""Decides on an id tag as it is known at the site, and by the site's policy where that knowledge may be old."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from edge.domain.authorisation import Decision, DirectoryEntry, Elsewhere, authorise_start, by_policy, cache_until
from edge.domain.directory import is_stale
from edge.domain.policy import Policy
from edge.store import directory, id_tags, transactions
from edge.store.writer import WriteTx

STRANGER_CACHE_DAYS = 1
"""An unknown id tag that was let in soon leaves the charge points' caches again."""


def decide(tx: WriteTx, id_tag: str, now: datetime, *, elsewhere: Elsewhere | None = None) -> Decision:
    """Decide on an id tag that somebody presents.

    Args:
        tx: the database transaction.
        id_tag: as it was presented.
        now: the time of the decision.
        elsewhere: where the same id tag charges already; `None`: nowhere, or that does not matter.
    """
    entry = id_tags.find(tx.connection, id_tag)
    decision = authorise_start(entry, now, elsewhere=elsewhere)
    if entry is not None and not decision.accepted:
        return decision  # no policy lets those charge whom the site knows and refuses
    return _by_policy(tx, id_tag, entry, decision, now)


def id_tag_info(decision: Decision, now: datetime, policy: Policy) -> dict[str, Any]:
    """Write a decision as OCPP's `idTagInfo`, with the day on which it leaves the charge points' caches."""
    days = policy.cache_days if decision.limit_wh is None else STRANGER_CACHE_DAYS
    return decision.id_tag_info(cache_until(now, days))


def _by_policy(tx: WriteTx, id_tag: str, entry: DirectoryEntry | None, decision: Decision, now: datetime) -> Decision:
    policy, checked_at = directory.policy(tx.connection)
    if not is_stale(checked_at, policy, now):
        return decision
    charging = bool(transactions.open_of_id_tag(tx.connection, id_tag))
    return by_policy(decision, policy, known=entry is not None, charging=charging)
