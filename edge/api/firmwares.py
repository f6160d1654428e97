"""Firmware files and their roll-outs; diagnostics of charge points."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field, StringConstraints

from contract.model import Record, UtcDatetime
from edge.api.collaborators import Collaborators, Here
from edge.api.problems import ProblemError, documented, invalid, not_found
from edge.api.segments import ChargePointIdentity
from edge.domain.timestamps import iso
from edge.errors import CallTimeoutError, GarduEdgeError
from edge.store import charge_points, file_exchange
from edge.store import firmwares as store
from edge.store.arriving import ArrivingFile, FileTooLargeError, used
from edge.store.file_exchange import TOKEN_BYTES, Purpose, Ticket
from edge.store.writer import WriteTx

MAX_CHARGE_POINTS = 1000
MAX_FIRMWARE = 1024 * 1024 * 1024
"""Bytes; the doors allow no more either."""
DIAGNOSTICS_VALID = timedelta(hours=24)
"""How long a charge point may take until it has brought its diagnostics."""

router = APIRouter(prefix="/api/v1", tags=["Firmware and diagnostics"])

Name = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="The file's name, as charge points see it.")
]
Version = Annotated[
    str, Query(min_length=1, max_length=50, description="The firmwareVersion that a boot with it has to name.")
]
Identity = Annotated[str, StringConstraints(min_length=1, max_length=48)]


class Firmware(Record):
    """A firmware file."""

    firmware: uuid.UUID
    name: str
    version: str
    sha256: str
    size: int
    uploaded_at: UtcDatetime


class RolloutRequest(Record):
    """Which charge points get a firmware: those that are named, or all of a model."""

    charge_points: Annotated[list[Identity], Field(max_length=MAX_CHARGE_POINTS)] = Field(default_factory=list)
    """In this order; the first is the canary."""
    model: str | None = None
    """All charge points of this model, as in their BootNotification."""


class RolloutStep(Record):
    """One charge point of a roll-out."""

    charge_point: str
    state: str
    """waiting, asking, asked, verified or failed."""
    status: str | None
    """What it last reported."""
    detail: str | None


class Rollout(Record):
    """The roll-out of a firmware: one charge point after another, and no further after a failure."""

    rollout: uuid.UUID
    firmware: uuid.UUID
    state: str
    """running, succeeded or stopped."""
    detail: str | None
    steps: list[RolloutStep]


class Diagnostics(Record):
    """One request for diagnostics."""

    diagnostics: uuid.UUID
    charge_point: str
    state: str
    """asked, nothing (the charge point has none), uploaded or failed."""
    file_name: str | None
    """As the charge point calls it."""
    size: int | None
    asked_at: UtcDatetime


@router.post(
    "/firmware",
    summary="Keep a firmware file",
    status_code=201,
    responses=documented(413, 415, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload_firmware(here: Here, request: Request, name: Name, version: Version) -> Firmware:
    """The body is the file itself."""
    identity = str(uuid.uuid4())
    path = here.files.path(Purpose.FIRMWARE, identity)
    taken = await asyncio.to_thread(used, path.parent)
    room = max(0, here.files.firmware_quota - taken)
    try:
        with ArrivingFile(path, min(MAX_FIRMWARE, room)) as file:
            async for part in request.stream():
                await file.take(part)
            if file.size == 0:
                raise invalid("body", "the file is empty")
    except FileTooLargeError as error:
        raise ProblemError(
            413,
            "no-room-for-firmware",
            f"The file does not fit: {room // 1024**2} MiB are left for firmware, and one file has 1024 at most.",
            hint="Remove firmware that is not needed: DELETE /api/v1/firmware/{firmware}; or raise "
            "GARDU_EDGE_FILES__FIRMWARE_MAX_MIB.",
        ) from error
    kept = store.Firmware(identity, name, version, file.sha256, file.size, iso(here.clock.now()))
    await here.writer.run(lambda tx: store.insert(tx.connection, kept))
    return Firmware.model_validate(kept, from_attributes=True, strict=False)


@router.get("/firmware", summary="List the firmware files", responses=documented())
async def list_firmware(here: Here) -> list[Firmware]:
    """Newest first."""
    found = await here.readers.run(store.all_of)
    return [Firmware.model_validate(one, from_attributes=True, strict=False) for one in found]


@router.delete(
    "/firmware/{firmware}", summary="Remove a firmware file", status_code=204, responses=documented(404, 409)
)
async def delete_firmware(here: Here, firmware: uuid.UUID) -> Response:
    """With the roll-outs of it that have ended. Charge points keep what they run."""

    def operation(tx: WriteTx) -> None:
        if store.find(tx.connection, str(firmware)) is None:
            raise not_found("firmware", str(firmware))
        if any(one.firmware == str(firmware) for one in store.running(tx.connection)):
            raise ProblemError(
                409,
                "rollout-running",
                "A roll-out of this firmware is running.",
                hint="Wait for its end, or stop it: POST /api/v1/rollouts/{rollout}/stop.",
            )
        store.delete(tx.connection, str(firmware))

    await here.writer.run(operation)
    path = here.files.path(Purpose.FIRMWARE, str(firmware))
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return Response(status_code=204)


@router.post(
    "/firmware/{firmware}/rollouts",
    summary="Bring a firmware to charge points, one after another",
    status_code=201,
    responses=documented(400, 404, 409, 413, 415, 422),
)
async def begin_rollout(here: Here, firmware: uuid.UUID, wanted: RolloutRequest) -> Rollout:
    """Each waits until no transaction runs, and is verified by its boot before the next one is asked."""
    _require_url(here)
    name = str(uuid.uuid4())

    def begin(tx: WriteTx) -> None:
        if store.find(tx.connection, str(firmware)) is None:
            raise not_found("firmware", str(firmware))
        chosen = _chosen(tx.connection, wanted)
        if not chosen:
            raise invalid("charge_points", "no charge point is named, and none of the model is known")
        if store.running(tx.connection):
            raise ProblemError(
                409,
                "rollout-running",
                "Another roll-out is still running.",
                hint="Wait for its end, or stop it: POST /api/v1/rollouts/{rollout}/stop.",
            )
        store.begin(tx.connection, name, str(firmware), chosen, here.clock.now())

    await here.writer.run(begin)
    return await here.readers.run(partial(_rollout, name))


@router.get("/rollouts/{rollout}", summary="Show a roll-out", responses=documented(404))
async def show_rollout(here: Here, rollout: uuid.UUID) -> Rollout:
    """With each of its charge points."""
    return await here.readers.run(partial(_rollout, str(rollout)))


@router.post("/rollouts/{rollout}/stop", summary="Stop a roll-out", responses=documented(404))
async def stop_rollout(here: Here, rollout: uuid.UUID) -> Rollout:
    """No further charge point is asked. One that was asked already goes on by itself."""

    def stop(tx: WriteTx) -> None:
        found = store.rollout(tx.connection, str(rollout))
        if found is not None and found.state == "running":
            store.end(tx.connection, str(rollout), "stopped", "stopped by an operator", here.clock.now())

    await here.writer.run(stop)
    return await here.readers.run(partial(_rollout, str(rollout)))


@router.post(
    "/charge-points/{charge_point}/diagnostics",
    summary="Ask a charge point for its diagnostics",
    status_code=201,
    responses=documented(404, 409, 502, 504),
)
async def ask_diagnostics(here: Here, charge_point: ChargePointIdentity) -> Diagnostics:
    """It brings a file to the edge, in its own time."""
    url, name, now = _require_url(here), str(uuid.uuid4()), here.clock.now()
    token = here.randomness(TOKEN_BYTES).hex()

    def begin(tx: WriteTx) -> None:
        ticket = Ticket(Purpose.DIAGNOSTICS, name, charge_point)
        file_exchange.issue(tx.connection, token, ticket, now, DIAGNOSTICS_VALID)
        file_exchange.ask(tx.connection, name, charge_point, now)

    await here.writer.run(begin)
    try:
        answer = await here.perform(charge_point, "GetDiagnostics", {"location": f"{url}/u/{token}"})
    except GarduEdgeError as error:
        if not isinstance(error, CallTimeoutError):  # it may have obeyed
            await _answered(here, name, "failed", None)
        raise
    file_name = answer.get("fileName")
    await _answered(here, name, "asked" if file_name else "nothing", str(file_name)[:255] if file_name else None)
    return await here.readers.run(partial(_found, name))


@router.get("/charge-points/{charge_point}/diagnostics", summary="List the diagnostics", responses=documented())
async def list_diagnostics(here: Here, charge_point: ChargePointIdentity) -> list[Diagnostics]:
    """Newest first."""
    found = await here.readers.run(partial(file_exchange.diagnostics_of, charge_point=charge_point))
    return [Diagnostics.model_validate(one, from_attributes=True, strict=False) for one in found]


@router.get(
    "/diagnostics/{diagnostics}/file",
    summary="Download diagnostics",
    response_class=FileResponse,
    responses=documented(404),
)
async def download_diagnostics(here: Here, diagnostics: uuid.UUID) -> FileResponse:
    """The file as the charge point brought it."""
    path = here.files.path(Purpose.DIAGNOSTICS, str(diagnostics))
    if not await asyncio.to_thread(path.is_file):
        raise not_found("diagnostics file", str(diagnostics))
    return FileResponse(path, media_type="application/octet-stream", filename=f"diagnostics-{diagnostics}")


@router.delete("/diagnostics/{diagnostics}", summary="Remove diagnostics", status_code=204, responses=documented(404))
async def delete_diagnostics(here: Here, diagnostics: uuid.UUID) -> Response:
    """The file and what is known of it; one that has not come yet will not be taken."""
    name = str(diagnostics)
    if not await here.writer.run(lambda tx: file_exchange.delete_diagnostics(tx.connection, name)):
        raise not_found("diagnostics", name)
    await asyncio.to_thread(here.files.path(Purpose.DIAGNOSTICS, name).unlink, missing_ok=True)
    return Response(status_code=204)


def _require_url(here: Collaborators) -> str:
    if here.files.url is None:
        raise ProblemError(
            409,
            "no-file-address",
            "This edge offers no files to charge points.",
            hint="Set GARDU_EDGE_FILES__URL to the address under which charge points reach it, "
            "for example http://192.168.1.10:9080; or use update-firmware and get-diagnostics with a server of yours.",
        )
    return here.files.url


def _chosen(connection: sqlite3.Connection, wanted: RolloutRequest) -> list[str]:
    chosen = list(dict.fromkeys(wanted.charge_points))
    for identity in chosen:
        if charge_points.find(connection, identity) is None:
            raise not_found("charge point", identity, hint="Identities are case-sensitive.")
    if wanted.model is not None:
        known = charge_points.page(connection, limit=MAX_CHARGE_POINTS)
        chosen += [one.charge_point for one in known if one.model == wanted.model and one.charge_point not in chosen]
    return chosen


def _rollout(name: str, connection: sqlite3.Connection) -> Rollout:
    found = store.rollout(connection, name)
    if found is None:
        raise not_found("rollout", name)
    return Rollout(
        rollout=uuid.UUID(found.rollout),
        firmware=uuid.UUID(found.firmware),
        state=found.state,
        detail=found.detail,
        steps=[
            RolloutStep(charge_point=one.charge_point, state=one.state.value, status=one.status, detail=one.detail)
            for one in store.steps(connection, name)
        ],
    )


def _found(name: str, connection: sqlite3.Connection) -> Diagnostics:
    return Diagnostics.model_validate(
        file_exchange.find_diagnostics(connection, name), from_attributes=True, strict=False
    )


async def _answered(here: Collaborators, name: str, state: str, file_name: str | None) -> None:
    now = here.clock.now()
    await here.writer.run(lambda tx: file_exchange.answer(tx.connection, name, state, file_name, now))
