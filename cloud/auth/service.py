"""Issue keys and recognise them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from cloud.auth import repository
from cloud.auth.secrets import id_of, issue, matches
from cloud.db.database import Database, Unit
from cloud.errors import AlreadyExistsError, ForbiddenError, UnauthenticatedError

_HEARD = timedelta(seconds=10)
"""How coarsely it is noted when an edge was heard."""


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


def recognise_edge(database: Database, edge: str, secret: str, now: datetime) -> None:
    """Return when `secret` is one of that edge's own, and note that it was heard.

    Raises:
        UnauthenticatedError: it is nobody's.
        ForbiddenError: it is another edge's, or an operator's key.
    """
    if id_of(secret, "api") is not None:
        raise ForbiddenError("An API key is not an edge's secret.", hint="Give the edge what add-site printed.")
    credential = id_of(secret, "edge")
    with database.read() as unit:
        row = repository.edge_credential(unit, credential) if credential else None
        heard = repository.last_heard(unit, edge)
    if not matches(secret, (row.salt, row.digest) if row else None) or row is None:
        raise UnauthenticatedError("No edge has this secret.", hint="gardu-cloud add-site printed the right one.")
    if row.site_id != edge:
        raise ForbiddenError(f"This secret is not edge {edge}'s.", hint="An edge speaks for its own site only.")
    if heard is None or now - heard > _HEARD:
        with database.write() as unit:
            repository.note_heard(unit, edge, now)


def recognise_operator(database: Database, key: str) -> str:
    """The name of the operator whose API key this is.

    Raises:
        UnauthenticatedError: nobody's.
        ForbiddenError: it is an edge's secret.
    """
    if id_of(key, "edge") is not None:
        raise ForbiddenError(
            "An edge's secret opens the link only.", hint="Use a key made by gardu-cloud create-admin."
        )
    identity = id_of(key, "api")
    with database.read() as unit:
        row = repository.api_key(unit, identity) if identity else None
    if not matches(key, (row.salt, row.digest) if row else None) or row is None:
        raise UnauthenticatedError("This API key is not known.", hint="Make one with: gardu-cloud create-admin NAME")
    return row.name
