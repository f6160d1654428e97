"""The paper's requests to charge points: who is connected, and one path for each operation of the contract's table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Response

from contract.model import OcppPayload
from contract.operations import OPERATIONS, Operation, may_be_empty
from edge.api.collaborators import Here
from edge.api.problems import documented
from edge.api.segments import ChargePointIdentity

router = APIRouter(prefix="/api/v1/central-system/clients", tags=["Central system"])


@router.get("", summary="List the charge points that are connected now", responses=documented())
async def list_clients(here: Here) -> list[str]:
    """Answer with their identities, sorted."""
    return here.caller.connected()


def _asks(operation: Operation) -> Callable[..., Awaitable[Response]]:
    async def ask(here: Here, charge_point: ChargePointIdentity, request: OcppPayload) -> Response:
        payload = request.model_dump(mode="json", by_alias=True, exclude_none=True)
        answer: dict[str, Any] = await here.perform(charge_point, operation.action, payload)
        return Response(orjson.dumps(answer), media_type="application/json")

    # The table says which model: annotations can be written only once the row is known.
    ask.__annotations__["request"] = _body_of(operation.request)
    return ask


def _body_of(request: type[OcppPayload]) -> Any:  # noqa: ANN401 - an annotation
    return Annotated[request, Body(default_factory=request) if may_be_empty(request) else Body()]


for _operation in OPERATIONS.values():
    router.add_api_route(
        f"/{{charge_point}}/{_operation.path}",
        _asks(_operation),
        methods=["POST"],
        operation_id=_operation.path,
        summary=f"{_operation.path.replace('-', ' ').capitalize()} ({_operation.action})",
        description=f"OCPP 1.6 ed. 2 {_operation.request.__doc__} Answers what the charge point answered.",
        response_model=_operation.answer,
        responses=documented(400, 404, 409, 413, 415, 422, 502, 504),
    )
