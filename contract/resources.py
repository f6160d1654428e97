"""The API resources that the edge (for its site) and the cloud (for the campus) both show."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
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


class Evidence(Record):
    """One part of a connector's condition, and where it is from."""

    value: str
    source: str
    """`status`: what the charge point last reported; `transaction`: what the edge has recorded."""
    since: UtcDatetime | None
    """When the evidence came; `None`: there is none."""
    age_s: int | None
    """Seconds since then."""


class Condition(Record):
    """What a connector's condition is, as far as there is evidence."""

    occupancy: Evidence
    """free, plugged or unknown."""
    session: Evidence
    """none, open or suspect."""
    energy: Evidence
    """flowing, paused or none."""
    health: Evidence
    """ok, warning or fault."""


class Connector(Record):
    """The last known state of a connector; 0 is the charge point itself."""

    connector_id: int
    status: str
    error_code: str
    info: str | None = None
    status_at: UtcDatetime
    stale_since: UtcDatetime | None = None
    """Since when the state may have changed unheard, for the charge point was away; `None`: it is that of now."""
    condition: Condition | None = None
    """Derived; `None`: the cloud, which has not seen the evidence, tells none, nor has connector 0 any."""


class ChargePoint(Record):
    """A charge point that the site knows."""

    site: str
    charge_point: str
    """Its identity, as in its WebSocket URL."""
    connected: bool
    registration_status: str
    """Accepted, Pending or Rejected; at the cloud also Removed: its site does not know it any more."""
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    last_seen_at: UtcDatetime | None = None
    connectors: list[Connector] = Field(default_factory=list)
    advice: list[str] = Field(default_factory=list)
    """What whoever installs it has to know of its kind. The site's edge tells it; the cloud does not know it."""


class Transaction(Record):
    """One charging transaction."""

    site: str
    transaction: UUID
    transaction_id: int
    charge_point: str
    connector_id: int | None
    id_tag: str | None
    id_tag_status: str | None
    id_tag_reason: str | None = None
    """Why the id tag was refused, in one plain sentence; `None`: it was not."""
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
    """Whether the edge ended it by an estimate; the charge point's own stop replaces it."""
    flags: list[str] = Field(default_factory=list)
    """Doubts about the record, each explained in docs/explanation/transactions.md."""
    state: str | None = None
    """`open`, `suspect`, `provisionally_closed` or `closed`; `None`: not told."""
    suspect_since: UtcDatetime | None = None
    suspect_why: str | None = None


class TransactionChange(Record):
    """What was known of a transaction's end before it was changed."""

    changed_at: UtcDatetime
    what: str
    """`estimate_replaced`, `reopened` or `closed`."""
    changed_by: str
    """A charge point, an operator, or the edge's own rule."""
    before: dict[str, Any]


class AlarmRecord(Record):
    """Something at a site that needs a person, or did."""

    site: str
    alarm: UUID
    kind: str
    """Listed in docs/reference/alarms.md, with what to do."""
    charge_point: str | None
    """`None`: the site itself."""
    detail: str
    raised_at: UtcDatetime | None
    """`None`: that has not arrived yet."""
    cleared_at: UtcDatetime | None
    """`None`: it stands."""


class Authorization(Record):
    """A decision on an id tag."""

    site: str
    decided_at: UtcDatetime
    charge_point: str
    action: str
    """Authorize or StartTransaction."""
    id_tag: str
    status: str
    reason: str
    """In one plain sentence, for the person who was refused."""
    transaction_id: int | None = None
    """Of the start; `None` for an Authorize."""


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
