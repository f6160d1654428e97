"""Which problem document each exception becomes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from contract.problems import FieldProblem
from edge.api.problems import ProblemError, shown
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    ConnectionBrokeError,
    GarduEdgeError,
    LastRootError,
    NoConnectorError,
    NotConnectedError,
    StoreError,
    TooLateError,
    TooLongValueError,
    TooManyKeysError,
    UnknownChargePointError,
    UnreadableAnswerError,
    UnsuitableOperationError,
)

MAX_ERRORS = 20
"""Field problems in one document; the rest of a hopeless body says nothing new."""
RETRY_AFTER_S = 5

_KINDS: dict[type[GarduEdgeError], tuple[int, str, str | None]] = {
    UnknownChargePointError: (
        404,
        "unknown-charge-point",
        "GET /api/v1/charge-points lists those that this site knows; identities are case-sensitive.",
    ),
    NotConnectedError: (
        409,
        "not-connected",
        "Wait until it appears in GET /api/v1/central-system/clients; check its power and its network.",
    ),
    ConnectionBrokeError: (
        504,
        "connection-broke",
        "It may or may not have obeyed: look at its state before you ask again.",
    ),
    NoConnectorError: (409, "no-free-connector", "Name a connectorId, or wait until a connector is Available."),
    LastRootError: (409, "last-root", "Install another root first."),
    UnsuitableOperationError: (409, "unsuitable-operation", "GET /api/v1/charge-points/{identity} shows the advice."),
    TooLongValueError: (422, "invalid-request", "Shorten it: OCPP 1.6 allows 500 characters."),
    TooManyKeysError: (409, "too-many-keys", "Let the charge point connect anew first."),
    CallFailedError: (502, "call-error", "The charge point refused the call itself; its log may say more."),
    UnreadableAnswerError: (502, "unreadable-answer", "The charge point broke OCPP 1.6; its vendor needs to know."),
    CallTimeoutError: (
        504,
        "no-answer-in-time",
        "It may or may not have obeyed: look at its state before you ask again.",
    ),
    TooLateError: (504, "too-late", "Nothing was sent; ask again."),
    StoreError: (503, "store-unavailable", "Try again shortly; the edge's log says what is wrong with its disk."),
}
"""Status, kind, and the hint where the error itself carries none."""

_HINTS = {
    404: "GET /openapi.json lists every path.",
    413: "Nothing that this API takes is that long.",
}

_log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """Let every failure of `app` answer with a problem document."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(GarduEdgeError, _edge_error)
    app.add_exception_handler(sqlite3.Error, _database_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(_: Request, error: Exception) -> Response:
    return cast("ProblemError", error).response()


async def _edge_error(_: Request, error: Exception) -> Response:
    return describe(cast("GarduEdgeError", error)).response()


def describe(error: GarduEdgeError) -> ProblemError:
    """Turn an error of the edge into its problem."""
    row = next((_KINDS[kind] for kind in type(error).__mro__ if kind in _KINDS), None)
    if row is None:
        _log.error("request_failed", error=str(error), kind=type(error).__name__)
        return _internal()
    status, kind, hint = row
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None  # noqa: PLR2004 - HTTP's own number
    return ProblemError(
        status, kind, str(error), hint=error.hint or hint, headers=headers, extensions=_extensions(error)
    )


def _extensions(error: GarduEdgeError) -> Mapping[str, Any]:
    if isinstance(error, CallFailedError):
        return {"ocpp_code": error.code, "ocpp_description": error.description}
    return {}


async def _database_error(_: Request, error: Exception) -> Response:
    _log.error("read_failed", error=str(error))
    return describe(StoreError("The database cannot be read now.")).response()


async def _invalid(_: Request, error: Exception) -> Response:
    return describe_invalid(cast("RequestValidationError", error).errors()).response()


def describe_invalid(errors: Any) -> ProblemError:  # noqa: ANN401 - pydantic's list of dictionaries
    """Turn what pydantic found into its problem. Values are never repeated: they may be somebody's secret."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return _malformed(f"The body is not JSON: {first['ctx']['error']} at character {first['loc'][1]}.")
    fields = [FieldProblem(field=_field(item["loc"]), message=_message(item["msg"])) for item in errors[:MAX_ERRORS]]
    detail = f"{fields[0].field}: {fields[0].message}"
    if len(errors) > 1:
        detail += f" (and {len(errors) - 1} more)"
    return ProblemError(
        422, "invalid-request", detail, errors=fields, hint="GET /openapi.json shows what each operation takes."
    )


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def _malformed(detail: str) -> ProblemError:
    return ProblemError(400, "malformed-json", detail, hint="Send one JSON object, in UTF-8.")


def _field(place: tuple[str | int, ...]) -> str:
    """Write a dotted path by wire names. The first part (body, query, path) stays only when it stands alone."""
    return shown(".".join(str(part) for part in place[1:] or place)).strip("'")


async def _http_error(_: Request, error: Exception) -> Response:
    failed = cast("HTTPException", error)
    if failed.status_code == 400:  # noqa: PLR2004 - FastAPI's answer to a body that breaks the parser itself
        return _malformed("The body cannot be read as JSON.").response()
    detail = f"{str(failed.detail).rstrip('.')}."
    kind = f"http-{failed.status_code}"
    hint = _HINTS.get(failed.status_code)
    return ProblemError(failed.status_code, kind, detail, hint=hint, headers=failed.headers).response()


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("request_failed", method=request.method, error=str(error), kind=type(error).__name__)
    return _internal().response()


def _internal() -> ProblemError:
    return ProblemError(500, "internal", "Something went wrong inside the edge.", hint="The edge's log says what.")
