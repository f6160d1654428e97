"""Add sites and tell how they and their links are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from cloud.auth.service import issue_edge_secret, issue_enrolment_token
from cloud.db.database import Database, Unit
from cloud.db.paging import page_of
from cloud.errors import AlreadyExistsError, InvalidFieldError
from cloud.models.sites import EdgeRow, SiteRow
from cloud.sites import repository
from cloud.sites.schemas import Link, NewEnrollingSite, NewSite, Site, StreamState
from contract.resources import Page
from contract.streams import Stream

Added = TypeVar("Added")

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def add_site_to_enrol(database: Database, site: str, name: str, by: str, now: datetime) -> NewEnrollingSite:
    """Add a site, and make the one-time token with which its edge becomes known.

    Raises:
        InvalidFieldError: `site` cannot be part of an address.
        AlreadyExistsError: it is there already; nothing was changed.
    """

    def answer(unit: Unit) -> NewEnrollingSite:
        return NewEnrollingSite(site=site, name=name, token=issue_enrolment_token(unit, site, by, now))

    return _add(database, site, name, answer, now)


def add_site(database: Database, site: str, name: str, now: datetime) -> NewSite:
    """Add a site whose edge signs in with a secret that lasts: the simple way, for tests and networks of one's own.

    Raises:
        InvalidFieldError: `site` cannot be part of an address.
        AlreadyExistsError: it is there already; nothing was changed.
    """
    return _add(
        database, site, name, lambda unit: NewSite(site=site, name=name, secret=issue_edge_secret(unit, site, now)), now
    )


def _add(database: Database, site: str, name: str, answer: Callable[[Unit], Added], now: datetime) -> Added:
    if not _SLUG.fullmatch(site):
        raise InvalidFieldError(
            "site", f"{site!r} is no slug", hint="Use 1 to 63 of a-z, 0-9 and -, for example landmark-tower."
        )
    try:
        with database.write() as unit:
            unit.add(SiteRow(site_id=site, name=name, created_at=now))
            unit.flush()
            unit.add(EdgeRow(site_id=site))
            unit.flush()
            return answer(unit)
    except IntegrityError as error:
        raise AlreadyExistsError(
            f"A site {site} exists already; nothing was changed.",
            hint="For its edge, make a token with: gardu-cloud enrolment-token",
        ) from error


def sites(unit: Unit, after: str | None, limit: int) -> Page[Site]:
    """One page, by slug."""
    rows = repository.page(unit, after, limit + 1)
    known = [site.site_id for site, _ in rows]
    streams = _streams(unit, known)
    charge_points = repository.charge_points(unit, known)
    transactions, commands = repository.open_transactions(unit, known), repository.open_commands(unit, known)

    def item(pair: tuple[SiteRow, EdgeRow]) -> Site:
        row, edge = pair
        every, connected = charge_points.get(row.site_id, (0, 0))
        return Site(
            site=row.site_id,
            name=row.name,
            created_at=row.created_at,
            link=_link(edge, streams[row.site_id]),
            charge_points=every,
            charge_points_connected=connected,
            transactions_open=transactions.get(row.site_id, (0,))[0],
            commands_open=commands.get(row.site_id, (0,))[0],
        )

    return page_of(rows, limit, key=lambda pair: (pair[0].site_id,), item=item)


def _streams(unit: Unit, known: list[str]) -> dict[str, dict[Stream, StreamState]]:
    cursors = {(row.site_id, row.stream): row for row in repository.cursors(unit, known)}
    dead, skipped = repository.dead_letters(unit, known), repository.skipped(unit, known)

    def state(key: tuple[str, str]) -> StreamState:
        row = cursors.get(key)
        return StreamState(
            cursor=row.cursor if row else 0,
            moved_at=row.moved_at if row else None,
            dead_letters=dead.get(key, 0),
            skipped=skipped.get(key, 0),
        )

    return {site: {stream: state((site, stream.value)) for stream in Stream} for site in known}


def _link(edge: EdgeRow, streams: dict[Stream, StreamState]) -> Link:
    return Link(
        last_heard_at=edge.last_heard_at,
        greeted_at=edge.greeted_at,
        epoch=edge.epoch,
        store_id=edge.store_id,
        software_version=edge.software_version,
        locked_at=edge.locked_at,
        locked_why=edge.locked_why,
        streams=streams,
    )
