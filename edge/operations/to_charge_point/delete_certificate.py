"""DeleteCertificate ("Improved security for OCPP 1.6-J" M04), but never of the last root that works."""

from __future__ import annotations

import sqlite3
from typing import Any, cast

from contract.operations import DeleteCertificate
from edge.errors import LastRootError
from edge.operations.to_charge_point.errand import Errand
from edge.store import roots
from edge.store.roots import Root


async def perform(errand: Errand) -> dict[str, Any]:
    """Refuse to take from a charge point the root by which it knows this edge."""
    request = cast("DeleteCertificate", errand.request)
    named = request.model_dump(mode="json", by_alias=True)["certificateHashData"]
    root = errand.readers.run_now(lambda db: _checked(db, errand.charge_point, named))
    answer = await errand.send()
    if root is not None and answer.get("status") in ("Accepted", "NotFound"):
        await errand.writer.run(lambda tx: roots.disprove(tx.connection, errand.charge_point, root.number))
    return answer


def _checked(connection: sqlite3.Connection, charge_point: str, named: dict[str, Any]) -> Root | None:
    """Find which of our roots is meant; `None`: none of ours.

    Raises:
        LastRootError: without it the charge point could not check this edge's certificate.
    """
    root = next((root for root in roots.all_of(connection) if root.is_named_by(named)), None)
    if root is None:
        return None
    in_use = roots.in_use(connection)
    if in_use is None or root.in_use or not roots.is_proven(connection, charge_point, in_use.number):
        raise LastRootError(
            f"Root {root.number} is the one by which {charge_point} knows this edge.",
            hint="Install another one there (POST /api/v1/charge-points/{identity}/install-root), and let the edge use "
            "it (POST /api/v1/certificate-authority/roots/{number}/use); then delete this one.",
        )
    return root
