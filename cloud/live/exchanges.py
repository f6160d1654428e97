"""The live channel, for carriers other than HTTP."""

from __future__ import annotations

from cloud.clock import Clock
from cloud.db.database import Database
from cloud.live.service import take
from contract.live import LiveAnswer, LiveNews


def live(database: Database, clock: Clock, edge: str, body: bytes) -> LiveAnswer:
    """Show what an edge tells. Raises pydantic's ValidationError."""
    return take(database, edge, LiveNews.model_validate_json(body), clock())
