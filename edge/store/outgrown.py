"""Rows that nobody needs any more, of the tables that grow by themselves: what goes when, in slices."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from contract.commands import FINAL_STATES
from edge.domain.timestamps import iso
from edge.store.retention import SLICE

COMMANDS = timedelta(days=90)
"""How long ended commands stay: a cloud restored from a backup may send them again, which must run nothing twice."""
STRANGERS = timedelta(days=90)
"""How long frames of those stay in quarantine who are no charge points of the site."""
EXPIRED = timedelta(days=90)
"""How long certificates stay after their end: nobody gets in with them, but an operator may look."""
KEYS_PER_CHARGE_POINT = 2_000
"""Configuration keys of one charge point; real ones have a few hundred."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes from one table."""

    table: str
    key: str
    """Its primary key."""
    where: str
    """With one `?`, the instant before which rows are old; none: age does not matter."""
    age: timedelta | None = None
    """`None`: that of the site's history."""


_NO_SUCH_KIND = """NOT EXISTS (
    SELECT 1 FROM charge_point AS one WHERE coalesce(one.vendor, '') = {0}.vendor
      AND coalesce(one.model, '') = {0}.model AND coalesce(one.firmware_version, '') = {0}.firmware)"""
_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL_STATES))

RULES = (
    Rule("alarm", "number", "cleared_at < ?"),
    Rule("transaction_change", "id", "changed_at < ?"),
    Rule("odd_status_change", "vendor, model, firmware_version, before, after", "last_at < ?"),
    Rule("rollout", "rollout", "state <> 'running' AND changed_at < ?"),
    Rule(
        "command",
        "command",
        f"""state IN ({_FINAL}) AND changed_at < ?
           AND changed_at < (SELECT coalesce(min(recorded_at), '9999') FROM outbox
                             WHERE stream = 'ledger'
                               AND seq > (SELECT acknowledged FROM stream WHERE stream = 'ledger'))""",  # noqa: S608 - own text
        COMMANDS,
    ),
    Rule("client_certificate", "fingerprint", "not_after < ?", EXPIRED),
    Rule(
        "quarantine",
        "id",
        "received_at < ? AND charge_point NOT IN (SELECT charge_point FROM charge_point)",
        STRANGERS,
    ),
    Rule("configuration_refusal", "vendor, model, firmware, key, value", _NO_SUCH_KIND.format("configuration_refusal")),
    Rule("measurand_list", "vendor, model, firmware, key, wanted", _NO_SUCH_KIND.format("measurand_list")),
    Rule(
        "reported_configuration",
        "charge_point, key",
        f"""(charge_point, key) IN (SELECT charge_point, key FROM (
                SELECT charge_point, key,
                       row_number() OVER (PARTITION BY charge_point ORDER BY reported_at DESC) AS rank
                FROM reported_configuration) WHERE rank > {KEYS_PER_CHARGE_POINT})""",  # noqa: S608 - own text
    ),
)


def prune(connection: sqlite3.Connection, rule: Rule, now: datetime, history: timedelta) -> int:
    """Remove some rows that a rule no longer keeps.

    Returns:
        How many went; fewer than `SLICE`: there are no more.
    """
    before = [iso(now - (rule.age or history))] if "?" in rule.where else []
    return connection.execute(
        f"""DELETE FROM {rule.table} WHERE ({rule.key}) IN (
                SELECT {rule.key} FROM {rule.table} WHERE {rule.where} LIMIT ?)""",  # noqa: S608 - own text
        (*before, SLICE),
    ).rowcount
