"""The four exchanges between an edge and the cloud: each is a request of the edge and an answer of the cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import NonNegativeInt, PositiveInt

from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from contract.model import Record, UtcDatetime
from contract.streams import Stream

CONTRACT_VERSION = 1

GREETING_PATH = "/api/v1/edges/{edge}/greeting"
EVENTS_PATH = "/api/v1/edges/{edge}/events"
COMMANDS_PATH = "/api/v1/edges/{edge}/commands"


class StreamHead(Record):
    """What the edge holds of one stream."""

    head: NonNegativeInt
    """The newest number given; 0: none."""
    acknowledged: NonNegativeInt
    """The highest cursor that the cloud ever told this edge."""
    oldest_kept: NonNegativeInt
    """The oldest number that can still be sent; 0: nothing is kept."""
    hash: str
    """Hex: the rolling hash at `head`."""


class Greeting(Record):
    """How each connection begins: the edge tells who it is and what it holds."""

    edge: str
    store_id: UUID
    """Made with the edge's database; another one means that the edge was re-imaged."""
    epoch: PositiveInt
    boot_id: str
    software_version: str
    contract_version: int = CONTRACT_VERSION
    incarnation: UUID | None
    """The cloud database that this edge last spoke with; `None`: never any."""
    streams: dict[Stream, StreamHead]


class Cursor(Record):
    """How far the cloud has committed one stream."""

    cursor: NonNegativeInt
    hash: str
    """Hex: the rolling hash at `cursor`."""


class GreetingAnswer(Record):
    """The cloud's cursors win."""

    incarnation: UUID
    """Made with the cloud's database, and again at each restore."""
    epoch: PositiveInt
    server_time: UtcDatetime
    streams: dict[Stream, Cursor]
    max_batch_events: PositiveInt = MAX_BATCH_EVENTS
    max_batch_bytes: PositiveInt = MAX_BATCH_BYTES


class PushAnswer(Cursor):
    """The committed cursor after a batch. Only this lets the edge mark events acknowledged."""


class CommandItemKind(StrEnum):
    """What a numbered item asks the edge to do."""

    EXECUTE = "execute"
    CANCEL = "cancel"


class CommandItem(Record):
    """One item of the numbered sequence of commands for an edge."""

    number: PositiveInt
    """Given under the edge's row lock; the edge asks for what is above the highest it has stored."""
    kind: CommandItemKind
    command: UUID
    action: str
    """The OCPP action, for example `RemoteStartTransaction`."""
    charge_point: str
    payload: dict[str, Any]
    """The OCPP request, camelCase."""
    remaining_s: float
    """Seconds left to live when the answer was written; counted at the edge from the moment it *sent* the request."""
    requested_by: str


class CommandsAnswer(Record):
    """The items above the asked number, oldest first; empty when the wait ran out."""

    incarnation: UUID
    server_time: UtcDatetime
    items: list[CommandItem]
