"""What leaves the cloud's database when it is old: never a transaction, nothing of the ledger, no dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.db.database import Database
from cloud.db.partitions import drop_before
from cloud.models.link import RawEventRow
from cloud.models.metering import MeterValueRow
from cloud.upkeep import repository

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Ages:
    """How old each may become, counted from its receipt, or from a command's deadline. `None`: for ever."""

    meter_values: timedelta | None = None
    raw_events: timedelta | None = None
    commands: timedelta | None = None


FOR_EVER = Ages()


def forget(database: Database, ages: Ages, now: datetime) -> dict[str, object]:
    """Remove what is too old. Ending early does no harm, nor does doing it twice at once.

    Returns:
        By table: the partitions dropped, or the number of rows removed; what nothing was removed of is left out.
    """
    done: dict[str, object] = {}
    if ages.meter_values is not None:
        done["meter_value"] = _forget_received(database, MeterValueRow, now - ages.meter_values)
    if ages.raw_events is not None:
        done["raw_event"] = _forget_received(database, RawEventRow, now - ages.raw_events)
    if ages.commands is not None:
        done["command"] = _forget_commands(database, now - ages.commands)
    return {table: what for table, what in done.items() if what}


def _forget_received(database: Database, table: repository.Received, before: datetime) -> object:
    if not database.is_sqlite:
        return drop_before(database, table.__tablename__, before)
    count, removed = 0, _AT_ONCE
    while removed == _AT_ONCE:  # in slices, so that those who write wait for one only
        with database.write() as unit:
            removed = repository.remove_oldest(unit, table, before, _AT_ONCE)
        count += removed
    return count


def _forget_commands(database: Database, before: datetime) -> int:
    count = 0
    with database.read() as unit:
        sites = repository.sites(unit)
    for site in sites:
        removed = _AT_ONCE
        while removed == _AT_ONCE:
            with database.write() as unit:
                repository.lock_site(unit, site)
                removed = repository.remove_ended_commands(unit, site, before, _AT_ONCE)
            count += removed
    return count
