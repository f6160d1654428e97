"""The pull of the directory, for carriers other than HTTP."""

from __future__ import annotations

from cloud.clock import Clock
from cloud.db.database import Database
from cloud.directory.service.pulling import pull
from contract.directory import DirectoryAnswer, DirectoryRequest


def directory(database: Database, clock: Clock, edge: str, body: bytes) -> DirectoryAnswer:
    """Hand out a slice. Raises what `pull` raises, and pydantic's ValidationError."""
    return pull(database, edge, DirectoryRequest.model_validate_json(body), clock())
