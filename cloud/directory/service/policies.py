"""What each site does about id tags while its edge hears nothing of the cloud."""

from __future__ import annotations

from datetime import datetime

from cloud.db.database import Database, Unit
from cloud.directory.repository import campus, needs, published
from cloud.directory.service import contents
from cloud.directory.service.publishing import Touched, publish, publish_policy
from cloud.models.directory import SitePolicyRow
from contract.directory import DirectoryPolicy


def put(database: Database, site: str, policy: DirectoryPolicy, now: datetime) -> DirectoryPolicy:
    """Give a site a policy of its own.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.write() as unit:
        campus.lock(unit)
        published.require_site(unit, site)
        row = campus.one(unit, SitePolicyRow, site) or SitePolicyRow(site_id=site)
        row.offline, row.unknown_limit_wh = policy.offline.value, policy.unknown_limit_wh
        row.stale_after_s, row.show_names, row.changed_at = policy.stale_after_s, policy.show_names, now
        unit.add(row)
        unit.flush()
        publish_policy(unit, site, contents.of_policy(row).content, now)
        _publish_what_follows(unit, site, now)
    return policy


def remove(database: Database, site: str, now: datetime) -> None:
    """Let a site go back to the defaults. Doing it twice changes nothing.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.write() as unit:
        campus.lock(unit)
        published.require_site(unit, site)
        row = campus.one(unit, SitePolicyRow, site)
        if row is not None:
            unit.delete(row)
            unit.flush()
            publish_policy(unit, site, None, now)
            _publish_what_follows(unit, site, now)


def one(database: Database, site: str) -> DirectoryPolicy:
    """A site's policy, or the defaults.

    Raises:
        UnknownSiteError: there is no such site.
    """
    with database.read() as unit:
        published.require_site(unit, site)
        row = campus.one(unit, SitePolicyRow, site)
        return DirectoryPolicy() if row is None else DirectoryPolicy.model_validate(row, from_attributes=True)


def _publish_what_follows(unit: Unit, site: str, now: datetime) -> None:
    """Names come or go; a site that lets strangers charge gets all id tags that may not."""
    groups = campus.links(unit, *campus.SITE_GROUPS, [site]).get(site, [])
    people = {one for some in campus.links(unit, *campus.GROUP_PEOPLE, groups).values() for one in some}
    publish(unit, Touched(people=people, id_tags=set(needs.refused_id_tags(unit))), now)
