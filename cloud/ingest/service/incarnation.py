"""Which cloud database this is to the edges. Each restore makes another one, told by an operator or noticed."""

from __future__ import annotations

from uuid import UUID

from cloud.db.database import Database
from cloud.ingest import pasts


def become_another(database: Database) -> UUID:
    """Be another incarnation: what edges remember of the old one's numbers means nothing any more."""
    with database.write() as unit:
        return pasts.renew_incarnation(unit)
