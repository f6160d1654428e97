"""Failures as RFC 9457 problem documents, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from cloud.errors import GarduCloudError
from contract.problems import PROBLEM_MEDIA_TYPE, FieldProblem, Problem

_RETRY_AFTER_S = 5
_WHERE = frozenset({"body", "query", "path", "header"})


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The document as an answer."""
    body = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, problem.status, _headers(problem.status) | dict(headers or {}), PROBLEM_MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Let every failure of the application's endpoints leave as a problem document."""
    app.add_exception_handler(GarduCloudError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _headers(status: int) -> dict[str, str]:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(_RETRY_AFTER_S)}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="gardu"'}
    return {}


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GarduCloudError)  # noqa: S101 - registered for this class
    wait = error.extensions.get("retry_after_s")
    return problem_response(error.problem(), None if wait is None else {"Retry-After": str(wait)})


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem_response(_malformed(first["ctx"]["error"], first["loc"][-1]))
    fields = field_problems(error.errors())
    named = ", ".join(field.field for field in fields)
    return problem_response(
        Problem(
            type="urn:gardu:problem:invalid-request",
            title="The request is not valid",
            status=422,
            detail=f"Wrong: {named}.",
            hint="Correct the fields that `errors` names.",
            errors=fields,
        )
    )


def _malformed(why: str, character: int) -> Problem:
    return Problem(
        type="urn:gardu:problem:malformed-json",
        title="The body is not JSON",
        status=400,
        detail=f"The body is not JSON: {why} at character {character}.",
        hint="Send one JSON object, in UTF-8.",
    )


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    title = HTTPStatus(error.status_code).phrase
    kind = title.lower().replace(" ", "-")
    problem = Problem(
        type=f"urn:gardu:problem:{kind}", title=title, status=error.status_code, detail=str(error.detail) + "."
    )
    return problem_response(problem, error.headers)


def field_problems(errors: Sequence[Any]) -> list[FieldProblem]:
    """Pydantic's findings as fields with a dotted path; the values that were sent are not repeated."""
    return [FieldProblem(field=_path(error["loc"]), message=error["msg"]) for error in errors]


def _path(location: Sequence[int | str]) -> str:
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] in _WHERE:
        parts = parts[1:]
    return ".".join(parts)
