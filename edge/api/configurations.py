"""The configuration that charge points should have, and how they differ from it."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints

from contract.model import Record, UtcDatetime
from edge.api.collaborators import Collaborators, Here
from edge.api.problems import documented, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain import configuration as domain
from edge.store import charge_points, upkeep_tasks
from edge.store import configurations as store
from edge.store.configurations import Make, Scope
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx

MAX_KEYS = 200

router = APIRouter(prefix="/api/v1", tags=["Configuration"])


def _no_secret(key: str) -> str:
    if domain.is_secret(key):
        raise ValueError("this key holds a secret; set it once with change-configuration, where it is not kept")
    return key


def _distinct(layer: dict[str, str | None]) -> dict[str, str | None]:
    if len({key.lower() for key in layer}) < len(layer):
        raise ValueError("a key stands here twice: keys compare without regard to case")
    return layer


Key = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_no_secret)]
Value = Annotated[str, StringConstraints(max_length=500)]
Wanted = Annotated[dict[Key, Value | None], Field(max_length=MAX_KEYS), AfterValidator(_distinct)]


class DesiredConfiguration(Record):
    """What one charge point should have otherwise than the others."""

    configuration: Wanted
    """Key → value; `null` leaves the key as it is. Replaces what was wanted of this charge point before."""


class ReportedKey(Record):
    """A configuration key as the charge point reported it."""

    key: str
    value: str | None
    """`null`: it has none, or it is a secret."""
    readonly: bool


class RefusedValue(Record):
    """A value that charge points of this vendor, model and firmware refused."""

    key: str
    value: str
    answer: str
    """Of ChangeConfiguration, or a CALLERROR's code, or NotKept: accepted, and another value was read back."""
    given_up: bool
    """Whether it is no longer tried."""


class ChargePointConfiguration(Record):
    """What a charge point has, and what it should have."""

    charge_point: str
    provisioned_at: UtcDatetime | None
    """When its configuration was last compared and set; `null`: not yet with its present device and firmware."""
    pending: list[str]
    """What the edge still has to do there."""
    reported: list[ReportedKey]
    desired: dict[str, str]
    """All layers over each other: the site's, its model's, its own."""
    own: dict[str, str | None]
    """What is wanted of this charge point alone."""
    differing: list[str]
    """Desired keys that it has another value of, or does not report."""
    refused: list[RefusedValue]


class ModelConfiguration(Record):
    """What all charge points of a vendor's model should have."""

    vendor: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    """As in their BootNotification."""
    model: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    configuration: Wanted


class ConfigurationDefaults(Record):
    """What charge points should have unless something is wanted of one alone."""

    settings: dict[str, str | None]
    """From the edge's settings and its recommendations; changed there."""
    site: dict[str, str | None]
    """Over `settings`."""
    models: list[ModelConfiguration]
    """Over `site`."""


class SiteConfiguration(Record):
    """What all charge points of the site should have, over the edge's settings."""

    site: Wanted | None = None
    """Replaces what was wanted of the site before; left out: it stays."""
    models: Annotated[list[ModelConfiguration], Field(max_length=MAX_KEYS)] = Field(default_factory=list)
    """Each replaces what was wanted of that model before; an empty one removes it."""


@router.get(
    "/charge-points/{charge_point}/configuration",
    summary="Show a charge point's configuration, and how it differs from what is wanted",
    responses=documented(404),
)
async def show_configuration(here: Here, charge_point: ChargePointIdentity) -> ChargePointConfiguration:
    """As it was last read; secrets are not kept."""
    return await here.readers.run(partial(_shown, here, charge_point))


@router.put(
    "/charge-points/{charge_point}/configuration",
    summary="Say what one charge point should have",
    responses=documented(400, 404, 413, 415, 422),
)
async def put_configuration(
    here: Here, charge_point: ChargePointIdentity, desired: DesiredConfiguration
) -> ChargePointConfiguration:
    """Set as soon as it is connected: only what differs."""

    def put(tx: WriteTx) -> None:
        if charge_points.find(tx.connection, charge_point) is None:
            raise not_found("charge point", charge_point, hint="Identities are case-sensitive.")
        store.desire(tx.connection, Scope.CHARGE_POINT, charge_point, desired.configuration)
        upkeep_tasks.demand(tx.connection, charge_point, TaskKind.PROVISION, here.clock.now())

    await here.writer.run(put)
    return await here.readers.run(partial(_shown, here, charge_point))


@router.get("/configuration-defaults", summary="Show what charge points should have", responses=documented())
async def show_configuration_defaults(here: Here) -> ConfigurationDefaults:
    """The lower layers of every charge point's desired configuration."""
    return await here.readers.run(partial(_defaults, here))


@router.put(
    "/configuration-defaults",
    summary="Say what all charge points, or those of a model, should have",
    responses=documented(400, 413, 415, 422),
)
async def put_configuration_defaults(here: Here, wanted: SiteConfiguration) -> ConfigurationDefaults:
    """Charge points that are connected are compared at once, the others when they come back."""

    def put(tx: WriteTx) -> None:
        if wanted.site is not None:
            store.desire(tx.connection, Scope.SITE, "", wanted.site)
        for one in wanted.models:
            store.desire(tx.connection, Scope.MODEL, store.model_name(one.vendor, one.model), one.configuration)
        upkeep_tasks.demand_everywhere(tx.connection, TaskKind.PROVISION, here.clock.now())

    await here.writer.run(put)
    return await here.readers.run(partial(_defaults, here))


def _shown(here: Collaborators, identity: str, connection: sqlite3.Connection) -> ChargePointConfiguration:
    row = charge_points.find(connection, identity)
    if row is None:
        raise not_found("charge point", identity, hint="Identities are case-sensitive.")
    make = Make.of(row)
    reported = store.reported(connection, identity)
    wanted = store.wanted(connection, here.site_configuration, row)
    desired = store.affordable(connection, make, wanted)
    return ChargePointConfiguration.model_validate(
        {
            "charge_point": identity,
            "provisioned_at": store.provisioned_at(connection, identity),
            "pending": upkeep_tasks.standing(connection, identity),
            "reported": [ReportedKey.model_validate(entry, from_attributes=True) for entry in reported],
            "desired": desired,
            "own": store.desired(connection, Scope.CHARGE_POINT, identity),
            "differing": domain.differing(reported, desired),
            "refused": [
                RefusedValue.model_validate(refusal, from_attributes=True)
                for refusal in store.refusals(connection, make)
            ],
        }
    )


def _defaults(here: Collaborators, connection: sqlite3.Connection) -> ConfigurationDefaults:
    return ConfigurationDefaults(
        settings=dict(here.site_configuration),
        site=store.desired(connection, Scope.SITE),
        models=[
            ModelConfiguration(
                vendor=vendor,
                model=model,
                configuration=store.desired(connection, Scope.MODEL, store.model_name(vendor, model)),
            )
            for vendor, model in store.models(connection)
        ],
    )
