"""Let an edge become known with a one-time token, and let a known one change its key."""

from __future__ import annotations

from datetime import datetime

from cloud.auth import repository as access
from cloud.auth.edges import require_unlocked
from cloud.auth.secrets import id_of, matches
from cloud.auth.signatures import Asked, public_key_of, read, require_about, require_body, require_signed
from cloud.db.database import Database, Unit
from cloud.enrolment import repository
from cloud.enrolment.service.broker import give_login
from cloud.errors import AlreadyExistsError, EnrolmentRefusedError, InvalidFieldError
from cloud.models.access import EdgeKeyRow, EnrolmentTokenRow
from cloud.models.sites import EdgeRow
from contract.enrolment import ENROLMENTS_PATH, EnrolmentAnswer, EnrolmentRequest, NewKeyAnswer
from contract.jws import PublicKey

_ANOTHER = "Make another one with: gardu-cloud enrolment-token SITE"


def enrol(
    database: Database, request: EnrolmentRequest, proof: str, body: bytes, now: datetime, *, with_broker: bool
) -> EnrolmentAnswer:
    """Register an edge's key. The same request again (its answer was lost) gets the same answer.

    Args:
        database: where everything is.
        request: what the edge says.
        proof: the token that it signed with the new key.
        body: the request as it came.
        now: the time.
        with_broker: whether the edge gets a password at a broker. A repeated request gets a fresh one.

    Raises:
        EnrolmentRefusedError: the one-time token is not good for this.
        UnauthenticatedError: the request was not signed with the key that it names.
        ClockSkewError: it was signed at another time.
        InvalidFieldError: the key cannot be read.
        AlreadyExistsError: the key has ended.
    """
    key = _key(request)
    with database.read() as unit:
        _require_token(unit, request)
    _require_owner(proof, key, request.edge, body, now)
    with database.write() as unit:
        edge = repository.lock_edge(unit, request.edge)
        token = _require_token(unit, request)
        if token.used_key != key.key_id:
            _use(unit, token, edge, key, now)
        _require_alive(unit, request.edge, key)
        return EnrolmentAnswer(
            edge=edge.site_id,
            key_id=key.key_id,
            server_time=now,
            incarnation=repository.incarnation(unit, edge.site_id),
            broker=give_login(unit, edge.site_id, now) if with_broker else None,
        )


def register_key(database: Database, edge: str, key: PublicKey, signed_by: str | None, now: datetime) -> NewKeyAnswer:
    """Let a further key sign for an edge. It takes the place of the others when it is used for the first time.

    Args:
        database: where everything is.
        edge: who was let in.
        key: the new one.
        signed_by: the key that signed the request; `None`: the edge showed its secret.
        now: the time.

    Raises:
        InvalidFieldError: the key cannot be read.
        AlreadyExistsError: it was used once, and has ended.
        EdgeLockedError: two edges speak for the site; a copy must not take the key of the rightful one away.
    """
    try:
        public_key_of(key)
    except ValueError as error:
        raise _bad_key(error) from error
    with database.write() as unit:
        repository.lock_edge(unit, edge)
        require_unlocked(unit, edge)
        known = repository.key(unit, edge, key.key_id)
        if known is not None and known.revoked_at is not None:
            raise AlreadyExistsError("This key was used once, and has ended.", hint="Make a new one.")
        if known is None:
            _add_key(unit, edge, key, now)
            access.record(unit, edge, "key-registered", edge, f"key {key.key_id}, by {signed_by or 'its secret'}", now)
    return NewKeyAnswer(key_id=key.key_id, server_time=now)


def _key(request: EnrolmentRequest) -> PublicKey:
    try:
        return public_key_of(request.public_key)
    except ValueError as error:
        raise _bad_key(error) from error


def _bad_key(error: ValueError) -> InvalidFieldError:
    return InvalidFieldError("public_key", str(error) or "cannot be read", hint="Send an Ed25519 or P-256 public key.")


def _require_token(unit: Unit, request: EnrolmentRequest) -> EnrolmentTokenRow:
    identity = id_of(request.token, "enrol")
    row = repository.token(unit, identity) if identity else None
    if not matches(request.token, (row.salt, row.digest) if row else None) or row is None:
        raise EnrolmentRefusedError("This token is not known.", kind="unknown", hint="Copy it again, whole.")
    if row.site_id != request.edge:
        raise EnrolmentRefusedError(
            f"This token is for another site than {request.edge}.",
            kind="of-another-site",
            hint="Compare the edge's setting `site` with the site that the token was made for.",
        )
    return row


def _require_owner(proof: str, key: PublicKey, edge: str, body: bytes, now: datetime) -> None:
    """Who sends a public key must have the private one: else a copied request could be sent by anybody."""
    shown = read(proof)
    require_signed(shown, key)
    require_about(shown, Asked(edge, "POST", ENROLMENTS_PATH), now)
    require_body(shown.claims.bsh, body)


def _use(unit: Unit, token: EnrolmentTokenRow, edge: EdgeRow, key: PublicKey, now: datetime) -> None:
    if token.used_at is not None:
        raise EnrolmentRefusedError("This token was used already.", kind="used", hint=_ANOTHER)
    if token.revoked_at is not None:
        raise EnrolmentRefusedError("This token was revoked.", kind="revoked", hint=_ANOTHER)
    if token.expires_at <= now:
        raise EnrolmentRefusedError(
            f"This token expired at {token.expires_at:%F %T} UTC.", kind="expired", hint=_ANOTHER
        )
    if repository.key(unit, edge.site_id, key.key_id) is None:
        _add_key(unit, edge.site_id, key, now)
    token.used_at, token.used_key = now, key.key_id
    edge.revoked_at = edge.revoked_why = None
    access.record(unit, edge.site_id, "enrolled", edge.site_id, f"key {key.key_id}, with token {token.token}", now)


def _add_key(unit: Unit, edge: str, key: PublicKey, now: datetime) -> None:
    document = key.model_dump(exclude_none=True)
    unit.add(EdgeKeyRow(site_id=edge, key_id=key.key_id, public_key=document, created_at=now))
    unit.flush()


def _require_alive(unit: Unit, edge: str, key: PublicKey) -> None:
    row = repository.key(unit, edge, key.key_id)
    if row is None or row.revoked_at is not None:
        raise AlreadyExistsError("The key of this enrolment was used once, and has ended.", hint="Make a new one.")
