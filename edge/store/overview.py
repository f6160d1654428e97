"""The site in a few numbers."""

from __future__ import annotations

import sqlite3


def read(connection: sqlite3.Connection) -> dict[str, int]:
    """Count charge points, id tags, transactions, and what is in quarantine."""
    row = connection.execute("""
        SELECT (SELECT count(*) FROM charge_point) AS charge_points,
               (SELECT count(*) FROM id_tag) AS id_tags,
               (SELECT count(*) FROM charging_transaction WHERE stopped_at IS NULL) AS running_transactions,
               (SELECT count(*) FROM charging_transaction) AS transactions,
               (SELECT count(*) FROM quarantine) AS quarantined_frames
    """).fetchone()
    return dict(row)
