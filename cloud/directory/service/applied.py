"""What edges hold, compared with what they should hold."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from cloud.db.database import Database, Unit
from cloud.directory.repository import published
from cloud.directory.schemas import SetState, SiteDirectory
from cloud.models.published import AppliedSetRow, PublishedSetRow
from cloud.models.received import Received
from contract.directory import EMPTY, DirectorySet
from contract.directory_events import DirectoryApplied


def note(unit: Unit, events: Sequence[Received[DirectoryApplied]]) -> None:
    """Keep the newest word of each set."""
    for event in events:
        data = event.data
        row = AppliedSetRow(
            site_id=event.site,
            set=data.set.value,
            incarnation=data.incarnation,
            version=data.version,
            hash=data.hash,
            entries=data.entries,
            how=data.how,
            applied_at=event.envelope.occurred_at,
            received_at=event.received_at,
        )
        published.note_applied(unit, row)


def of_site(database: Database, site: str) -> SiteDirectory:
    """Each set, wanted and applied.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.read() as unit:
        published.require_site(unit, site)
        incarnation = published.incarnation(unit, site)
        wanted, applied = published.sets_of(unit, site), published.applied_of(unit, site)
    sets = {name: compare(wanted.get(name.value), applied.get(name.value), incarnation) for name in DirectorySet}
    return SiteDirectory(site=site, in_step=all(one.in_step for one in sets.values()), sets=sets)


def compare(wanted: PublishedSetRow | None, applied: AppliedSetRow | None, incarnation: UUID) -> SetState:
    """Compare one set."""
    version, content = (wanted.version, wanted.hash) if wanted else (0, EMPTY)
    same_version = applied is not None and (applied.incarnation, applied.version) == (incarnation, version)
    same_content = applied.hash == content if applied is not None and same_version else None
    return SetState(
        wanted=version,
        wanted_entries=wanted.entries if wanted else 0,
        applied=applied.version if applied else None,
        applied_entries=applied.entries if applied else None,
        applied_at=applied.applied_at if applied else None,
        received_at=applied.received_at if applied else None,
        how=applied.how if applied else None,
        in_step=bool(same_content) or (version == 0 and applied is None),
        same_content=same_content,
    )
