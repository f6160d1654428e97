"""How a charge point proves who it is: its security profile, its keys, its certificates."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter
from pydantic import Field

from contract.model import Record, UtcDatetime
from edge.api.collaborators import Here
from edge.api.problems import ProblemError, documented, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain.security_profile import SecurityProfile
from edge.store import charge_points as store
from edge.store import client_certificates, keys
from edge.store.enrolment import KEY_BYTES
from edge.store.writer import WriteTx

router = APIRouter(prefix="/api/v1/charge-points/{charge_point}", tags=["Security"])

CommonName = Field(default=None, min_length=1, max_length=64)


class ClientCertificate(Record):
    """A certificate that a charge point may show."""

    fingerprint: str
    """SHA-256 of its DER form, in hexadecimal digits."""
    serial_number: str
    common_name: str
    not_after: UtcDatetime
    issued_at: UtcDatetime
    revoked_at: UtcDatetime | None
    """`null`: it is let in."""


class Security(Record):
    """How a charge point may come in. Keys themselves are never shown."""

    security_profile: SecurityProfile
    """The lowest one that it may come in on: the highest on which it has, unless an operator set another."""
    keys: int
    """How many keys are let in. More than one: a new key waits for its first login, which ends those before it."""
    certificate_name: str | None
    """The common name of its certificates, where it is not its serial number."""
    certificates: list[ClientCertificate]


class SecurityChange(Record):
    """What an operator decides; what is left out stays."""

    security_profile: SecurityProfile | None = None
    """Lower it to let a charge point come back that was reset or exchanged."""
    certificate_name: str | None = CommonName
    """The common name that its certificates carry."""


class KeyRotation(Record):
    """What became of a new key."""

    status: str
    """The charge point's answer: Accepted, RebootRequired, Rejected or NotSupported."""
    keys: int
    """How many keys are let in now. More than one: the new key waits for its first login, which ends the old one."""


@router.get("/security", summary="Show how a charge point proves who it is", responses=documented(404))
async def show_security(here: Here, charge_point: ChargePointIdentity) -> Security:
    """Profile, number of keys, certificates."""
    return await here.readers.run(_shown(charge_point))


@router.patch(
    "/security",
    summary="Change how a charge point proves who it is",
    responses=documented(400, 404, 409, 413, 415, 422),
)
async def change_security(here: Here, charge_point: ChargePointIdentity, change: SecurityChange) -> Security:
    """Takes effect with its next connection."""
    await here.writer.run(lambda tx: _change(tx, charge_point, change))
    return await here.readers.run(_shown(charge_point))


@router.delete(
    "/certificates/{fingerprint}",
    summary="Refuse a certificate of a charge point from now on",
    responses=documented(404),
)
async def revoke_certificate(here: Here, charge_point: ChargePointIdentity, fingerprint: str) -> Security:
    """It stays in the list, with the time of its end. The connection that stands ends, too."""
    revoke = partial(client_certificates.revoke, charge_point=charge_point, fingerprint=fingerprint)
    if not await here.writer.run(lambda tx: revoke(tx.connection, now=here.clock.now())):
        raise not_found("certificate", fingerprint, hint="GET …/security lists the certificates of a charge point.")
    await here.caller.drop(charge_point, "its certificate was revoked")
    return await here.readers.run(_shown(charge_point))


@router.post("/rotate-key", summary="Give a charge point a new key", responses=documented(404, 409, 502, 504))
async def rotate_key(here: Here, charge_point: ChargePointIdentity) -> KeyRotation:
    """Make a key and send it ("Improved security for OCPP 1.6-J" A01). Nobody sees it.

    Both keys are let in until the first login with the new one; one that the charge point rejects is forgotten.
    """
    secret = here.randomness(KEY_BYTES).hex()
    payload = {"key": "AuthorizationKey", "value": secret}
    answer = await here.perform(charge_point, "ChangeConfiguration", payload)
    left = await here.readers.run(lambda db: keys.generations(db, charge_point))
    return KeyRotation(status=str(answer.get("status")), keys=len(left))


def _change(tx: WriteTx, charge_point: str, change: SecurityChange) -> None:
    if store.find(tx.connection, charge_point) is None:
        raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
    if change.security_profile is not None:
        store.set_profile(tx.connection, charge_point, change.security_profile)
    if change.certificate_name is None:
        return
    if client_certificates.claimed_by_another(tx.connection, charge_point, change.certificate_name):
        raise ProblemError(
            409,
            "name-taken",
            "Another charge point has this name in its certificates.",
            hint="The common name is the charge point's serial number; look for it in GET /api/v1/charge-points.",
        )
    client_certificates.set_name(tx.connection, charge_point, change.certificate_name)


def _shown(charge_point: str) -> Callable[[sqlite3.Connection], Security]:
    def query(connection: sqlite3.Connection) -> Security:
        row = store.find(connection, charge_point)
        if row is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        certificates = client_certificates.of_charge_point(connection, charge_point)
        return Security(
            security_profile=SecurityProfile(row.security_profile),
            keys=len(keys.generations(connection, charge_point)),
            certificate_name=client_certificates.registered_name(connection, charge_point),
            certificates=[ClientCertificate.model_validate(one, from_attributes=True) for one in certificates],
        )

    return query
