"""The API resources that the edge (for its site) and the cloud (for the campus) both show."""

from __future__ import annotations

from typing import Generic, TypeVar
from uuid import UUID

from pydantic import Field

from contract.events import Sample
from contract.model import Record, UtcDatetime

Item = TypeVar("Item")


class Page(Record, Generic[Item]):
    """One page of a list. Pass `next_cursor` back as `cursor` for the following one."""

    items: list[Item]
    next_cursor: str | None = None
    """`None`: this was the last page."""


class Connector(Record):
    """The last known state of a connector; 0 is the charge point itself."""

    connector_id: int
    status: str
    error_code: str
    info: str | None = None
    status_at: UtcDatetime


class ChargePoint(Record):
    """A charge point that the site knows."""

    site: str
    charge_point: str
    """Its identity, as in its WebSocket URL."""
    connected: bool
    registration_status: str
    """Accepted, Pending or Rejected."""
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    last_seen_at: UtcDatetime | None = None
    connectors: list[Connector] = Field(default_factory=list)


class Transaction(Record):
    """One charging transaction."""

    site: str
    transaction: UUID
    transaction_id: int
    charge_point: str
    connector_id: int | None
    id_tag: str | None
    id_tag_status: str | None
    started_at: UtcDatetime | None
    """`None`: its start never arrived."""
    stopped_at: UtcDatetime | None
    """`None`: still running."""
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int | None
    """`None` while running, or without a baseline."""
    reason: str | None
    estimated: bool = False
    flags: list[str] = Field(default_factory=list)


class MeterValueRecord(Record):
    """The samples of one instant, and where they belong."""

    site: str
    charge_point: str
    connector_id: int
    transaction: UUID | None
    sampled_at: UtcDatetime
    samples: list[Sample]


class IdTag(Record):
    """An id tag of the site's directory."""

    id_tag: str
    status: str
    """Accepted, Blocked, Expired or Invalid."""
    expires_at: UtcDatetime | None = None
    parent_id_tag: str | None = None
    note: str | None = None
    """Free text for the operator, for example the holder's department."""
