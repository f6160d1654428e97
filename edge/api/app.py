"""Puts the API together."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from edge.api import (
    alarms,
    authorizations,
    certificate_authority,
    charge_point_security,
    charge_points,
    clients,
    commissioning,
    configurations,
    connectors,
    directory,
    failures,
    firmwares,
    health,
    id_tags,
    outage_drill,
    outbox,
    problems,
    reference,
    remote_starts,
    transactions,
)
from edge.api import frames as frame_journal
from edge.api.collaborators import Collaborators, LinkStatus, OutageDrill, Perform
from edge.api.door_keeper import DoorKeeperMiddleware
from edge.api.doors import Doors
from edge.api.segments import RawPathMiddleware
from edge.clock import Clock
from edge.domain.commissioning import CommissioningWindow
from edge.domain.configuration import RECOMMENDED, Layer
from edge.operations.caller import Caller
from edge.store.file_exchange import Files
from edge.store.readers import Readers
from edge.store.roots import Root
from edge.store.writer import Writer

if TYPE_CHECKING:
    from edge.store.authority import Authority

_GUARDED = (
    clients,
    charge_points,
    charge_point_security,
    certificate_authority,
    remote_starts,
    transactions,
    id_tags,
    directory,
    authorizations,
    outbox,
    outage_drill,
    alarms,
    commissioning,
    configurations,
    firmwares,
    frame_journal,
    connectors,
)


class _Api(FastAPI):
    """Adds the problem documents' schema, to which every operation refers."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            super().openapi()["components"]["schemas"].update(problems.schemas())
        return super().openapi()


def create_api(
    *,
    site: str,
    readers: Readers,
    writer: Writer,
    clock: Clock,
    caller: Caller,
    perform: Perform,
    link_status: Callable[[], LinkStatus],
    ready: Callable[[], bool],
    doors: Doors,
    authority: Callable[[], Authority],
    on_root_change: Callable[[Root], Awaitable[None]],
    window: CommissioningWindow | None = None,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
    site_configuration: Layer = RECOMMENDED,
    files: Files | None = None,
    frames: Readers | None = None,
    drill: OutageDrill | None = None,
) -> FastAPI:
    """Make the API of a site, ready to be served.

    Args:
        site: its name, repeated in every record.
        readers: for lists and look-ups.
        writer: for changes; each answer leaves after its commit.
        clock: stamps changes.
        caller: knows who is connected.
        perform: does one operation at a charge point.
        link_status: tells how the link to the cloud is.
        ready: tells whether charge points can be served; `/readyz` asks it.
        doors: who may come in.
        window: whether unknown charge points may present themselves; `None`: one of its own, closed.
        authority: gives the edge's own certificate authority.
        on_root_change: lets the edge show certificates of another root.
        randomness: gives so many unpredictable bytes, for keys and salts.
        site_configuration: what the settings want every charge point to have.
        files: where firmware and diagnostics lie; `None`: this API knows none.
        frames: read the frame journal; `None`: there is none.
        drill: cuts the link on purpose; `None`: there is none to cut.
    """
    api = _Api(
        title="Gardu edge",
        description=f"The charge points, transactions and id tags of the site {site}.",
        version=version("gardu"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name whatever host the request named
    )
    api.state.collaborators = Collaborators(
        site=site,
        readers=readers,
        writer=writer,
        clock=clock,
        caller=caller,
        perform=perform,
        link_status=link_status,
        ready=ready,
        randomness=randomness,
        authority=authority,
        on_root_change=on_root_change,
        window=window or CommissioningWindow(),
        site_configuration=site_configuration,
        files=files or Files(Path(), None),
        frames=frames,
        drill=drill,
    )
    failures.install(api)
    # The doors decide; this only tells OpenAPI that a key is needed.
    guard = [Depends(HTTPBearer(auto_error=False, description="An API key."))] if doors.api_keys is not None else []
    for room in _GUARDED:
        api.include_router(room.router, dependencies=guard)
    api.include_router(health.router)
    api.include_router(reference.router)
    api.add_middleware(DoorKeeperMiddleware, doors=doors)
    api.add_middleware(RawPathMiddleware)  # added last, so it comes first
    return api
