"""Recognise an edge by a token that it signed, or by its secret. Revocation counts at once: one read each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.auth import repository
from cloud.auth.secrets import id_of, matches
from cloud.auth.signatures import Asked, read, require_about, require_body, require_signed
from cloud.db.database import Database, Unit
from cloud.errors import (
    EdgeLockedError,
    EdgeRevokedError,
    EpochError,
    ForbiddenError,
    KeyRevokedError,
    UnauthenticatedError,
)
from cloud.models.sites import EdgeRow
from contract.enrolment import PUBLISH
from contract.jws import PublicKey, looks_signed

_HEARD = timedelta(seconds=10)
"""How coarsely it is noted when an edge was heard."""
_USED = timedelta(minutes=10)
"""The same for a key."""
_ENROL = "Make a token with gardu-cloud enrolment-token, and run gardu-edge enrol."


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a request that was let in."""

    key_id: str | None
    """`None`: the edge showed its secret."""
    body_hash: str | None
    """The body has to have it; `None`: nothing was signed."""


def recognise(database: Database, shown: str, asked: Asked, now: datetime) -> Proof:
    """Return when it is that edge that asks, and note that it was heard.

    Raises:
        UnauthenticatedError: it is nobody's credential, or one that has ended.
        ForbiddenError: it is another edge's, an operator's, of an edge that was shut out, or for another request.
    """
    if looks_signed(shown):
        return _by_signature(database, shown, asked, now)
    return _by_secret(database, shown, asked.edge, now)


def admit_message(database: Database, edge: str, topic: str, token: str | None, body: bytes, now: datetime) -> None:
    """Return when a message that came through the broker is that edge's own.

    Raises:
        UnauthenticatedError: it is not signed although the edge has keys, or not well signed.
        ForbiddenError: the edge was shut out, or the token is for something else.
    """
    if token is None:
        require_never_enrolled(database, edge)
    elif (signed := _by_signature(database, token, Asked(edge, PUBLISH, topic), now).body_hash) is not None:
        require_body(signed, body)


def require_never_enrolled(database: Database, edge: str) -> None:
    """Return when a request without any token may pass: a broker's own password has proven the edge's name.

    Raises:
        UnauthenticatedError: this edge has keys to sign with.
        EdgeRevokedError: it was shut out.
    """
    with database.read() as unit:
        row = repository.edge_without_keys(unit, edge)
    if row is None:
        raise UnauthenticatedError("The request is not signed.", hint=_ENROL)
    _require_welcome(row)


def require_unlocked(unit: Unit, edge: str) -> None:
    """Return when nobody has to choose first which of two edges speaks for the site. A greeting tells more.

    Raises:
        EdgeLockedError: two spoke for it.
    """
    row = unit.get(EdgeRow, edge)
    if row is not None and row.locked_at is not None:
        raise EdgeLockedError(row.locked_why or "This edge is locked.", hint="Greet to hear more.")


def is_locked(unit: Unit, edge: str) -> bool:
    """Whether two edges speak for the site, and nobody has chosen yet."""
    row = unit.get(EdgeRow, edge)
    return row is not None and row.locked_at is not None


def require_present(unit: Unit, edge: str, epoch: int | None) -> None:
    """Return when the site's present life asks. `epoch`: that it speaks under; `None`: it does not say.

    Raises:
        EdgeLockedError: two spoke for it.
        EpochError: another epoch was granted since.
    """
    require_unlocked(unit, edge)
    row = unit.get(EdgeRow, edge)
    if epoch is not None and row is not None and row.epoch != epoch:
        raise EpochError(f"Epoch {epoch} is not this site's present one, {row.epoch}.", hint="Greet again.")


def _by_signature(database: Database, token: str, asked: Asked, now: datetime) -> Proof:
    shown = read(token)
    with database.read() as unit:
        found = repository.standing(unit, asked.edge, shown.key_id)
    if found is None or found.key is None:
        raise UnauthenticatedError(f"Edge {asked.edge} has no such key.", hint=_ENROL)
    require_signed(shown, PublicKey.model_validate(found.key.public_key))
    _require_welcome(found.edge)
    if found.key.revoked_at is not None:
        raise KeyRevokedError(f"This key has ended: {found.key.revoked_why}.", hint=_ENROL)
    require_about(shown, asked, now)
    if _is_older(found.key.last_used_at, now, _USED):
        _note_used(database, asked.edge, shown.key_id, now)
    elif _is_older(found.edge.last_heard_at, now, _HEARD):
        _note_heard(database, asked.edge, now)
    return Proof(shown.key_id, shown.claims.bsh)


def _note_heard(database: Database, edge: str, now: datetime) -> None:
    with database.write() as unit:
        repository.note_heard(unit, edge, now)


def _note_used(database: Database, edge: str, key_id: str, now: datetime) -> None:
    """The first use of a key shows that the edge has it safely: then the one before it ends.

    While two edges speak for a site, no use counts as the first: the rightful one may be who has the key before it.
    """
    with database.write() as unit:
        repository.note_heard(unit, edge, now)
        if not is_locked(unit, edge) and repository.note_used(unit, edge, key_id, now):
            ended = repository.end_credentials(unit, edge, key_id, "a newer key has taken its place", now)
            if ended:
                repository.record(unit, edge, "key-replaced", edge, f"key {key_id} is in use; {ended} ended", now)


def _by_secret(database: Database, secret: str, edge: str, now: datetime) -> Proof:
    if id_of(secret, "api") is not None:
        raise ForbiddenError("An API key is not an edge's credential.", hint=_ENROL)
    credential = id_of(secret, "edge")
    with database.read() as unit:
        found = repository.holder(unit, credential) if credential else None
    if not matches(secret, (found.secret.salt, found.secret.digest) if found else None) or found is None:
        raise UnauthenticatedError("No edge has this secret.", hint=_ENROL)
    if found.edge.site_id != edge:
        raise ForbiddenError(f"This secret is not edge {edge}'s.", hint="An edge speaks for its own site only.")
    _require_welcome(found.edge)
    if _is_older(found.edge.last_heard_at, now, _HEARD):
        _note_heard(database, edge, now)
    return Proof(None, None)


def _require_welcome(edge: EdgeRow) -> None:
    if edge.revoked_at is not None:
        raise EdgeRevokedError(
            f"Edge {edge.site_id} was shut out: {edge.revoked_why}.",
            hint="It goes on charging and keeps its records. To let it in again, enrol it with a new token.",
        )


def _is_older(at: datetime | None, now: datetime, than: timedelta) -> bool:
    return at is None or now - at > than
