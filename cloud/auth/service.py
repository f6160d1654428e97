"""Issue keys and recognise them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from cloud.auth import repository
from cloud.auth.secrets import id_of, issue, matches
from cloud.db.database import Database, Unit
from cloud.errors import AlreadyExistsError, ForbiddenError, UnauthenticatedError
from contract.jws import looks_signed

TOKEN_LIFE = timedelta(hours=24)
"""Of an enrolment token."""


def create_admin(database: Database, name: str, now: datetime) -> str:
    """Make an operator's API key. It is returned once and can never be shown again.

    Raises:
        AlreadyExistsError: the name has a key.
    """
    issued = issue("api")
    try:
        with database.write() as unit:
            repository.add_api_key(unit, name, issued, now)
    except IntegrityError as error:
        raise AlreadyExistsError(
            f"An API key named {name!r} exists already; nothing was changed.",
            hint="Its key was shown when it was made and cannot be shown again. Choose another name.",
        ) from error
    return issued.text


def issue_edge_secret(unit: Unit, site: str, now: datetime) -> str:
    """Make the secret that a site's edge signs in with. It is returned once."""
    issued = issue("edge")
    repository.add_edge_credential(unit, site, issued, now)
    return issued.text


def issue_enrolment_token(unit: Unit, site: str, by: str, now: datetime) -> str:
    """Make the token with which a site's edge can become known, once and within a day. It is returned once."""
    issued = issue("enrol")
    repository.add_enrolment_token(unit, site, issued, by, now, now + TOKEN_LIFE)
    repository.record(unit, site, "token-issued", by, f"token {issued.id}", now)
    return issued.text


def recognise_operator(database: Database, key: str) -> str:
    """The name of the operator whose API key this is.

    Raises:
        UnauthenticatedError: nobody's.
        ForbiddenError: it is an edge's credential.
    """
    if id_of(key, "edge") is not None or looks_signed(key):
        raise ForbiddenError(
            "An edge's credential opens the link only.", hint="Use a key made by gardu-cloud create-admin."
        )
    identity = id_of(key, "api")
    with database.read() as unit:
        row = repository.api_key(unit, identity) if identity else None
    if not matches(key, (row.salt, row.digest) if row else None) or row is None:
        raise UnauthenticatedError("This API key is not known.", hint="Make one with: gardu-cloud create-admin NAME")
    return row.name
