"""The pull of commands, for carriers other than HTTP."""

from __future__ import annotations

from cloud.clock import Clock
from cloud.commands.service.handing_out import Asked, pull
from cloud.db.database import Database
from contract.link import CommandsAnswer
from contract.mqtt import CommandsRequest


def commands(database: Database, clock: Clock, edge: str, body: bytes) -> CommandsAnswer:
    """Hand out what is above the asked number, at once. Raises pydantic's ValidationError."""
    asked = CommandsRequest.model_validate_json(body)
    return pull(database, Asked(edge, asked.after, asked.epoch, asked.last), clock())
