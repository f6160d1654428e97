"""The sites as the API shows them."""

from __future__ import annotations

from uuid import UUID

from contract.model import Record, UtcDatetime
from contract.streams import Stream


class StreamState(Record):
    """How far one stream of a site's edge has come."""

    cursor: int
    """The number of the last event that the cloud has committed; 0: none."""
    moved_at: UtcDatetime | None = None
    dead_letters: int = 0
    """Events that could not be applied."""
    skipped: int = 0
    """Numbers that will never arrive."""


class Link(Record):
    """The link between a site's edge and the cloud."""

    last_heard_at: UtcDatetime | None
    """`None`: never."""
    greeted_at: UtcDatetime | None
    epoch: int
    store_id: UUID | None
    software_version: str | None
    locked_at: UtcDatetime | None = None
    """Since when nothing is taken from the edge: two spoke for the site, and an operator has to choose."""
    locked_why: str | None = None
    streams: dict[Stream, StreamState]


class Site(Record):
    """One building."""

    site: str
    name: str
    created_at: UtcDatetime
    link: Link
    charge_points: int
    charge_points_connected: int
    transactions_open: int
    commands_open: int


class NewEnrollingSite(Record):
    """A site that was just added. `token` is shown this once."""

    site: str
    name: str
    token: str
    """With it the site's edge becomes known, once and within a day."""


class NewSite(Record):
    """A site whose edge signs in with a secret. It is shown this once."""

    site: str
    name: str
    secret: str
