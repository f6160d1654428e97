"""Take what edges tell, and show it. It stands beside the streams: it locks nothing that they lock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloud.auth.edges import require_unlocked
from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.live import repository
from cloud.live.schemas import Key, LiveConnector
from cloud.models.live import LiveConnectorRow
from contract.events import Sample
from contract.live import LiveAnswer, LiveNews
from contract.resources import Page


def take(database: Database, site: str, news: LiveNews, now: datetime) -> LiveAnswer:
    """Show what an edge tells.

    Raises:
        EdgeLockedError: two edges speak for the site.
    """
    about = {"site_id": site, "heard_at": now}
    states = [_storable({**about, **state.model_dump()}) for state in news.states]
    samples = [
        _storable(
            {**about, **sample.model_dump(exclude={"samples"}), "samples": sample.model_dump(mode="json")["samples"]}
        )
        for sample in news.samples
    ]
    with database.write() as unit:
        require_unlocked(unit, site)
        for rows in (states, samples):
            if rows:
                repository.show(unit, sorted(rows, key=lambda row: (row["charge_point"], row["connector_id"])))
    places = {(row["charge_point"], row["connector_id"]) for row in (*states, *samples)}
    return LiveAnswer(connectors=len(places))


def _storable(value: Any) -> Any:  # noqa: ANN401 - a row, or a part of one
    """The same without what PostgreSQL has no character for: nobody would get to see the others otherwise."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd")
        case dict():
            return {name: _storable(part) for name, part in value.items()}
        case list():
            return [_storable(part) for part in value]
        case _:
            return value


def connectors(unit: Unit, site: str | None, after: Key | None, limit: int) -> Page[LiveConnector]:
    """One page, by site, charge point and connector."""
    rows = repository.page(unit, site, after, limit + 1)
    return page_of(rows, limit, key=lambda row: (row.site_id, row.charge_point, row.connector_id), item=_shown)


def _shown(row: LiveConnectorRow) -> LiveConnector:
    return LiveConnector(
        site=row.site_id,
        charge_point=row.charge_point,
        connector_id=row.connector_id,
        status=row.status,
        error_code=row.error_code,
        status_at=row.status_at,
        transaction=row.transaction,
        sampled_at=row.sampled_at,
        samples=[Sample.model_validate(sample) for sample in row.samples or []],
        heard_at=row.heard_at,
    )
