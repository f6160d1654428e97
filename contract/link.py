"""The four exchanges between an edge and the cloud: each is a request of the edge and an answer of the cloud."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field, NonNegativeInt, PositiveInt

from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from contract.directory import AppliedSet
from contract.model import Record, UtcDatetime
from contract.streams import Stream

CONTRACT_VERSION = 1

GREETING_PATH = "/api/v1/edges/{edge}/greeting"
EVENTS_PATH = "/api/v1/edges/{edge}/events"
COMMANDS_PATH = "/api/v1/edges/{edge}/commands"

_OF_AN_EDGE = re.compile(r"/api/v1/edges/[^/]+/(greeting|events|commands|directory|live)(?:/[^/]+)?")


def exchange_of(path: str) -> str | None:
    """The name of the exchange that a request of an edge is for; `None`: the path is no edge's."""
    found = _OF_AN_EDGE.fullmatch(path)
    return None if found is None else found[1]


STREAM_HEADER = "Gardu-Stream"
"""Names the stream of a batch before its body is read, so that a busy cloud can take transactions first. Optional."""


MAX_POINTS = 64
"""Places of a stream that one greeting may name for comparison."""


class StreamHead(Record):
    """What the edge holds of one stream."""

    head: NonNegativeInt
    """The newest number given; 0: none."""
    acknowledged: NonNegativeInt
    """The cursor that the cloud told this edge last, and that its own past agrees with."""
    oldest_kept: NonNegativeInt
    """The oldest number that can still be sent; 0: nothing is kept."""
    hash: str
    """Hex: the rolling hash at `head`."""


class Point(Record):
    """A place in a stream: the rolling hash behind an event."""

    seq: int = Field(ge=1, lt=2**63)
    hash: str = Field(pattern=r"^[0-9a-fA-F]{64}$")


class Past(Record):
    """What the edge shows of a stream's past, for the cloud to find the place where it parts from its own."""

    points: list[Point] = Field(max_length=MAX_POINTS)
    """Ascending."""
    complete: bool
    """Between the first and the last of `points` the edge has no others."""


class Greeting(Record):
    """How each connection begins: the edge tells who it is and what it holds."""

    edge: str
    store_id: UUID
    """Made with the edge's database; another one means that the edge was re-imaged."""
    epoch: PositiveInt
    boot_id: str
    software_version: str
    contract_version: int = CONTRACT_VERSION
    """The newest that the edge speaks."""
    contract_versions: list[PositiveInt] | None = Field(None, max_length=64)
    """All that the edge speaks; `None`: `contract_version` alone."""
    incarnation: UUID | None
    """The cloud database that this edge last spoke with; `None`: never any."""
    streams: dict[Stream, StreamHead]
    last_command_number: NonNegativeInt | None = None
    """The highest number of a command item that the edge has stored of that incarnation; `None`: it does not say."""
    last_command: UUID | None = None
    """The command of that item: a cloud that gave the number to another one was restored; `None`: it does not say."""
    claim: UUID | None = None
    """Made by an edge whose past parts from the cloud's, and kept until it has taken the epoch that it is granted."""
    past: dict[Stream, Past] | None = None
    """Asks for the place where the pasts part, and for an epoch once it is found; `None`: an ordinary greeting."""
    directory: dict[str, AppliedSet] | None = None
    """What the edge holds of the directory, by set; `None`: it does not say."""


class Cursor(Record):
    """How far the cloud has committed one stream."""

    cursor: NonNegativeInt
    hash: str
    """Hex: the rolling hash at `cursor`."""


class Parting(Record):
    """What the cloud made of a stream's `Past`. It lies between two numbers where the pasts part."""

    same: NonNegativeInt
    """The greatest number up to which both are known to have the same past."""
    other: PositiveInt | None
    """The least number of the edge where the cloud has another past, or none; `None`: the cloud has all."""
    found: bool
    """The pasts part behind `same`: there is nothing left to compare."""


class KnownTransaction(Record):
    """A transaction that the cloud knows and a restored or re-imaged edge may not."""

    transaction: UUID
    transaction_id: int
    charge_point: str
    connector_id: int | None
    id_tag: str | None
    id_tag_status: str | None
    parent_id_tag: str | None
    reservation_id: int | None
    started_at: UtcDatetime | None
    meter_start_wh: int | None
    flags: list[str] = Field(default_factory=list)
    stopped_at: UtcDatetime | None = None
    """`None`: it is running."""
    meter_stop_wh: int | None = None
    energy_wh: int | None = None
    stop_id_tag: str | None = None
    reason: str | None = None
    estimated: bool = False


class GreetingAnswer(Record):
    """The cloud's cursors win."""

    incarnation: UUID
    """Made with the cloud's database, and again at each restore."""
    contract_version: PositiveInt = 1
    """The one that both go on with: the newest that both speak."""
    epoch: PositiveInt
    server_time: UtcDatetime
    streams: dict[Stream, Cursor]
    max_batch_events: PositiveInt = MAX_BATCH_EVENTS
    max_batch_bytes: PositiveInt = MAX_BATCH_BYTES
    partings: dict[Stream, Parting] | None = None
    """Asked for by `Greeting.past`, and not found yet: greet again with points that lie between."""
    transactions: list[KnownTransaction] = Field(default_factory=list)
    """With a granted epoch: those that run, and those that ended where only the cloud knows of it."""
    highest_transaction_id: int | None = None
    """With a granted epoch: the highest number that the site ever gave, as far as the cloud knows. None up to it may be
    given again."""


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
    directory: dict[str, NonNegativeInt] | None = None
    """The versions of the site's directory, by set; `None`: this cloud keeps none. A wait for commands ends early, too,
    when their sum is another one than the edge has named."""
