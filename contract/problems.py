"""The problem document that every API of Gardu answers errors with (RFC 9457 "Problem Details for HTTP APIs")."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from contract.model import Record

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldProblem(Record):
    """One field that is wrong."""

    field: str
    """Dotted path in the request body, query or path, for example `connectorId`."""
    message: str


class Problem(Record):
    """What went wrong and what to do about it."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    type: str = "about:blank"
    """A stable name of the kind of problem: `urn:gardu:problem:<kebab-case>`."""
    title: str
    status: int
    detail: str
    hint: str | None = None
    """What the reader can do now."""
    errors: list[FieldProblem] = Field(default_factory=list)
