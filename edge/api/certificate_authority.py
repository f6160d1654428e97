"""The edge's own certificate authority: its roots, and how one takes the place of another."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter

from contract.model import Record, UtcDatetime
from edge.api.collaborators import Collaborators, Here
from edge.api.problems import ProblemError, documented, not_found
from edge.api.segments import ChargePointIdentity
from edge.operations import root_certificates
from edge.store import charge_points, roots
from edge.store.roots import Root
from edge.store.writer import WriteTx

router = APIRouter(prefix="/api/v1", tags=["Security"])


class RootCertificate(Record):
    """A root of this edge. Charge points that check the edge's certificate need it."""

    number: int
    pem: str
    in_use: bool
    """Whether the edge's server certificates come from it."""
    created_at: UtcDatetime
    not_proven_by: list[str]
    """The charge points that come in over TLS and have not listed this root among those that they trust."""


class RootToInstall(Record):
    """Which root to bring to a charge point."""

    number: int


class RootInstallation(Record):
    """What came of it."""

    status: str
    """The charge point's answer to InstallCertificate."""
    proven: bool
    """Whether it lists the root now, by GetInstalledCertificateIds."""


@router.get("/certificate-authority", summary="Show the edge's root certificates", responses=documented())
async def show_roots(here: Here) -> list[RootCertificate]:
    """Made when first asked for. Keys are never shown."""
    await here.writer.run(lambda tx: here.authority().ensure_root(tx.connection, here.clock.now()))
    return await here.readers.run(lambda db: [_resource(db, root) for root in roots.all_of(db)])


@router.post("/certificate-authority/roots", status_code=201, summary="Make a new root", responses=documented(503))
async def add_root(here: Here) -> RootCertificate:
    """It is not used until every charge point that comes in over TLS has proven to trust it."""

    def add(tx: WriteTx) -> Root:
        here.authority().ensure_root(tx.connection, here.clock.now())
        return here.authority().add_root(tx.connection, here.clock.now())

    root = await here.writer.run(add)
    return await here.readers.run(lambda db: _resource(db, root))


@router.post(
    "/charge-points/{charge_point}/install-root",
    summary="Bring a root of this edge to a charge point",
    responses=documented(400, 404, 409, 413, 415, 422, 502, 504),
)
async def install_root(here: Here, charge_point: ChargePointIdentity, chosen: RootToInstall) -> RootInstallation:
    """Install it, then ask the charge point what it has: only its own list proves it."""
    root = await here.readers.run(lambda db: _known(db, chosen.number, charge_point))
    status, proven = await root_certificates.install(charge_point, root, here.perform, here.writer, here.clock)
    return RootInstallation(status=status, proven=proven)


@router.post(
    "/certificate-authority/roots/{number}/use",
    summary="Let the edge's certificates come from another root",
    responses=documented(404, 409, 422),
)
async def use_root(here: Here, number: int) -> RootCertificate:
    """Refused while a charge point that comes in over TLS has not proven to trust it: it could not come back."""
    root = await here.writer.run(lambda tx: _use(tx, here, number))
    await here.on_root_change(root)
    return await here.readers.run(lambda db: _resource(db, root))


def _use(tx: WriteTx, here: Collaborators, number: int) -> Root:
    here.authority().ensure_root(tx.connection, here.clock.now())
    _known(tx.connection, number)
    lacking = roots.without(tx.connection, number)
    if lacking:
        raise ProblemError(
            409,
            "root-not-proven",
            f"{len(lacking)} charge points have not proven to trust root {number}: {', '.join(lacking[:10])}.",
            hint="POST /api/v1/charge-points/{identity}/install-root for each of them first.",
        )
    roots.use(tx.connection, number)
    return _known(tx.connection, number)


def _known(connection: sqlite3.Connection, number: int, charge_point: str | None = None) -> Root:
    if charge_point is not None and charge_points.find(connection, charge_point) is None:
        raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
    root = roots.find(connection, number)
    if root is None:
        raise not_found("root certificate", str(number), hint="GET /api/v1/certificate-authority lists them.")
    return root


def _resource(connection: sqlite3.Connection, root: Root) -> RootCertificate:
    return RootCertificate.model_validate(
        {
            "number": root.number,
            "pem": root.pem,
            "in_use": root.in_use,
            "created_at": root.created_at,
            "not_proven_by": roots.without(connection, root.number),
        }
    )
