"""The paper's central-system API with the site in front, the commands themselves, and the edge's long poll."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from cloud.auth.dependencies import Edge, Operator
from cloud.auth.turnstile import step_aside
from cloud.clock import Now, TheClock
from cloud.commands.schemas import KEY, Command, CommandFilter, FollowedCommand, Order
from cloud.commands.service import ordering, reading
from cloud.commands.service.handing_out import Asked
from cloud.commands.service.outcomes import failure
from cloud.commands.service.waiting import until_final, until_items
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key
from contract.commands import CommandState
from contract.link import COMMANDS_PATH, CommandsAnswer
from contract.model import OcppPayload
from contract.operations import OPERATIONS, Operation, may_be_empty
from contract.problems import Problem
from contract.resources import Page

LONGEST_WAIT_S = 60.0

Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the charge point's answer.")]
Poll = Annotated[float, Query(alias="wait", ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for an item.")]
Number = Annotated[int, Query(ge=0, lt=2**62, description="The highest number that the edge has stored.")]
Directory = Annotated[
    int | None,
    Query(ge=0, lt=2**62, description="Sum of the directory's versions told last; another one ends the wait."),
]
Epoch = Annotated[
    int | None,
    Query(ge=1, lt=2**62, description="The epoch that the edge speaks under; another one gets nothing (409)."),
]
Last = Annotated[
    UUID | None, Query(description="The command of item `after`; another one here tells of a restored cloud (409).")
]
Client = Annotated[str, Path(alias="id", description="The charge point's identity.")]

router = APIRouter()
_clients = APIRouter(prefix="/api/v1/sites/{site}/central-system/clients", tags=["central system"])
_commands = APIRouter(prefix="/api/v1/commands", tags=["commands"])


@_clients.get("")
def get_clients(_operator: Operator, database: TheDatabase, site: str) -> list[str]:
    """The charge points of a site that are connected now, as far as it has told."""
    return reading.connected(database, site)


def _sender(operation: Operation) -> Callable[..., Awaitable[Response]]:
    """The endpoint of one row of the table; its body is the operation's own request."""

    async def send(
        *,
        operator: Operator,
        database: TheDatabase,
        clock: TheClock,
        site: str,
        client: Client,
        body: OcppPayload | None,
        wait: Wait = 10.0,
    ) -> Response:
        request = body or operation.request()
        payload = request.model_dump(mode="json", by_alias=True, exclude_none=True)
        order = Order(site, client, operation.action, payload, operator)
        command = await run_in_threadpool(ordering.create, database, order, clock())
        return _answer(await until_final(database, clock, command, wait))

    optional = may_be_empty(operation.request)
    model: Any = operation.request
    send.__annotations__["body"] = Annotated[model | None, Body()] if optional else Annotated[model, Body()]
    send.__kwdefaults__ = {**(send.__kwdefaults__ or {}), **({"body": None} if optional else {})}
    send.__name__ = operation.path.replace("-", "_")
    send.__doc__ = f"{operation.action}: {operation.request.__doc__}"
    return send


def _answer(command: FollowedCommand) -> Response:
    refused = failure(command)
    if refused is not None:
        raise refused
    if command.state in {CommandState.SUCCEEDED, CommandState.REJECTED}:
        return JSONResponse(command.answer or {})
    return _accepted(command)


def _accepted(command: FollowedCommand) -> Response:
    location = {"Location": f"/api/v1/commands/{command.command}"}
    return JSONResponse(command.model_dump(mode="json"), status.HTTP_202_ACCEPTED, location)


_FAILURES: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (404, 409, 422, 502, 504)}

for _operation in OPERATIONS.values():
    _clients.add_api_route(
        f"/{{id}}/{_operation.path}",
        _sender(_operation),
        methods=["POST"],
        response_model=_operation.answer,
        responses={202: {"model": FollowedCommand, "description": "No answer in time: follow it."}, **_FAILURES},
    )


@_commands.get("")
def get_commands(
    *,
    _operator: Operator,
    database: TheDatabase,
    now: Now,
    site: str | None = None,
    charge_point: str | None = None,
    state: CommandState | None = None,
    cursor: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Command]:
    """Commands of the campus, newest first."""
    wanted = CommandFilter(site, charge_point, state)
    return reading.commands(database, wanted, decode_key(cursor, KEY), limit, now)


@_commands.get("/{command}")
def get_command(_operator: Operator, database: TheDatabase, now: Now, command: UUID) -> FollowedCommand:
    """One command with every transition."""
    return reading.command(database, command, now)


@_commands.post("/{command}/cancel", response_model=FollowedCommand, responses={202: {"model": FollowedCommand}})
def cancel_command(_operator: Operator, database: TheDatabase, now: Now, command: UUID) -> Response:
    """Take a command back: at once (200) when its edge never saw it, else by asking the edge (202)."""
    ordering.cancel(database, command, now)
    found = reading.command(database, command, now)
    if found.state is CommandState.CANCELED:
        return JSONResponse(found.model_dump(mode="json"))
    return _accepted(found)


@router.get(COMMANDS_PATH, tags=["link"])
async def pull_commands(
    *,
    request: Request,
    edge: Edge,
    database: TheDatabase,
    clock: TheClock,
    after: Number = 0,
    wait: Poll = 25.0,
    directory: Directory = None,
    epoch: Epoch = None,
    last: Last = None,
) -> CommandsAnswer:
    """Pull the items above `after`; when there are none, wait for one."""
    asked = Asked(edge, after, epoch, last)
    return await until_items(database, clock, asked, wait, directory, aside=lambda: step_aside(request))


router.include_router(_clients)
router.include_router(_commands)
