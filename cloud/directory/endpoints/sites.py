"""`/api/v1/sites/{site}/policy`, and how far a site's edge is with its directory."""

from __future__ import annotations

from fastapi import APIRouter

from cloud.auth.dependencies import Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.directory.endpoints.parts import NOT_FOUND, SiteId
from cloud.directory.schemas import SiteDirectory
from cloud.directory.service import applied, policies
from contract.directory import DirectoryPolicy

router = APIRouter(prefix="/api/v1/sites/{site}", tags=["directory"])


@router.get("/policy", responses=NOT_FOUND)
def get_policy(_operator: Operator, database: TheDatabase, site: SiteId) -> DirectoryPolicy:
    """What the site does about id tags while its edge hears nothing of the cloud."""
    return policies.one(database, site)


@router.put("/policy", responses=NOT_FOUND)
def put_policy(
    _operator: Operator, database: TheDatabase, now: Now, site: SiteId, policy: DirectoryPolicy
) -> DirectoryPolicy:
    """Give the site a policy of its own."""
    return policies.put(database, site, policy, now)


@router.delete("/policy", status_code=204, responses=NOT_FOUND)
def delete_policy(_operator: Operator, database: TheDatabase, now: Now, site: SiteId) -> None:
    """Go back to the defaults."""
    policies.remove(database, site, now)


@router.get("/directory", responses=NOT_FOUND)
def get_directory(_operator: Operator, database: TheDatabase, site: SiteId) -> SiteDirectory:
    """What of the directory the site should have, and what its edge says it has."""
    return applied.of_site(database, site)
