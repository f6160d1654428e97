"""Problem documents (RFC 9457 "Problem Details for HTTP APIs"): how they are raised, written and documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response

from contract.problems import PROBLEM_MEDIA_TYPE, FieldProblem, Problem

_REF = "#/components/schemas/{model}"

TITLES = {
    400: "Malformed request",
    401: "Not signed in",
    403: "Foreign origin",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    413: "Body too large",
    415: "Not JSON",
    421: "Wrong host name",
    422: "Invalid request",
    500: "Internal error",
    502: "Charge point error",
    503: "Not available",
    504: "No answer in time",
}
"""By status; also what OpenAPI shows."""


class ProblemError(Exception):
    """A request ends with this problem document.

    Args:
        status: of HTTP.
        kind: stable kebab-case name of the kind of problem.
        detail: what is wrong with this very request, in a sentence.
        hint: what the reader can do now.
        errors: the fields that are wrong.
        headers: to send along.
        extensions: further members of the document.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        hint: str | None = None,
        errors: list[FieldProblem] | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = headers
        self.problem = Problem(
            type=f"urn:gardu:problem:{kind}",
            title=TITLES.get(status, "Request failed"),
            status=status,
            detail=_text(detail),
            hint=hint,
            errors=errors or [],
            **(extensions or {}),
        )

    def response(self) -> Response:
        """Write the document."""
        content = self.problem.model_dump(mode="json", exclude_none=True)
        if not content["errors"]:
            del content["errors"]
        return Response(orjson.dumps(content), self.problem.status, self.headers, PROBLEM_MEDIA_TYPE)


def not_found(noun: str, name: str, *, hint: str | None = None) -> ProblemError:
    """Make the problem that a thing is not there. `noun` as in *charge point*."""
    return ProblemError(
        404, f"unknown-{noun.replace(' ', '-')}", f"This site knows no {noun} {shown(name)}.", hint=hint
    )


def invalid(field: str, message: str, *, hint: str | None = None) -> ProblemError:
    """Make the problem that one field is wrong in a way that its type cannot say."""
    errors = [FieldProblem(field=field, message=message)]
    return ProblemError(422, "invalid-request", f"{field}: {message}", hint=hint, errors=errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe for OpenAPI which problems an operation may answer with, besides those that any may."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {"description": TITLES[status], "content": content}
        for status in sorted({*statuses, 401, 403, 421, 503})
    }
    return {**described, "default": {"description": "Any other problem", "content": content}}


def schemas() -> dict[str, Any]:
    """Give the schemas that `documented` refers to."""
    schema = Problem.model_json_schema(ref_template=_REF)
    definitions: dict[str, Any] = schema.pop("$defs", {})
    return {"Problem": schema, **definitions}


def shown(text: str, *, longest: int = 100) -> str:
    """Prepare a reader's own words for repeating them: bounded, quoted, and encodable."""
    return f"'{_text(text[:longest])}{'…' if len(text) > longest else ''}'"


def _text(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and UTF-8 may not."""
    return text.encode("utf-8", "replace").decode("utf-8")
