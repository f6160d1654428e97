"""Grant an epoch, and note from which one it parts and where. Only the cloud does, under the edge's row lock."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from cloud.db.database import Unit
from cloud.ingest import repository
from cloud.ingest.schemas import Position
from cloud.models.pasts import EpochForkRow
from cloud.models.sites import EdgeEpochRow, EdgeRow
from contract.link import Greeting
from contract.streams import Stream

_log = logging.getLogger(__name__)


def first(unit: Unit, row: EdgeRow, greeting: Greeting, now: datetime) -> None:
    """The first store of a site. It may hold a later epoch already, when the cloud lost what it knew of the site."""
    row.epoch, row.store_id = max(row.epoch, greeting.epoch), greeting.store_id
    _note(unit, row, greeting, now, why="first")


def succeed(unit: Unit, row: EdgeRow, greeting: Greeting, now: datetime) -> None:
    """A new store: the next epoch, from number 1."""
    row.epoch, row.store_id = max(row.epoch + 1, greeting.epoch), greeting.store_id
    _note(unit, row, greeting, now, why="re-imaged")


def remember(unit: Unit, row: EdgeRow, greeting: Greeting, now: datetime) -> None:
    """An epoch that a later day of this database had granted: it goes on from where this one stands."""
    before = row.epoch
    places = {stream: repository.position(unit, row.site_id, before, stream) for stream in Stream}
    row.epoch = greeting.epoch
    _note(unit, row, greeting, now, why="remembered", from_epoch=before)
    _part(unit, row, before, places, now)


def fork(
    unit: Unit,
    row: EdgeRow,
    greeting: Greeting,
    now: datetime,
    from_epoch: int,
    places: Mapping[Stream, Position],
) -> None:
    """A store with another past: the next epoch, which goes on behind the last number that both have."""
    chosen = unit.get(EdgeEpochRow, (row.site_id, from_epoch))
    why = "restored"
    if chosen is not None and chosen.chosen_at is not None:
        why, chosen.chosen_at = "chosen", None
    row.epoch, row.store_id = max(row.epoch, greeting.epoch) + 1, greeting.store_id
    _note(unit, row, greeting, now, why=why, from_epoch=from_epoch)
    _part(unit, row, from_epoch, places, now)


def _note(
    unit: Unit, row: EdgeRow, greeting: Greeting, now: datetime, *, why: str, from_epoch: int | None = None
) -> None:
    unit.add(
        EdgeEpochRow(
            site_id=row.site_id,
            epoch=row.epoch,
            store_id=greeting.store_id,
            granted_at=now,
            why=why,
            from_epoch=from_epoch,
            claim=greeting.claim,
            boot_id=greeting.boot_id,
        )
    )
    unit.flush()
    if why != "first":
        _log.warning("edge %s speaks under epoch %d now (%s)", row.site_id, row.epoch, why)


def _part(unit: Unit, row: EdgeRow, from_epoch: int, places: Mapping[Stream, Position], now: datetime) -> None:
    for stream, place in places.items():
        left = repository.position(unit, row.site_id, from_epoch, stream).cursor - place.cursor
        unit.add(
            EpochForkRow(
                site_id=row.site_id,
                epoch=row.epoch,
                stream=stream.value,
                from_epoch=from_epoch,
                seq=place.cursor,
                left=left,
            )
        )
        repository.move(unit, row.site_id, row.epoch, stream, place, now)
        if left:
            _log.warning(
                "%s of edge %s parts from epoch %d behind %d: %d events are in the cloud alone",
                stream,
                row.site_id,
                from_epoch,
                place.cursor,
                left,
            )
    unit.flush()
