"""What an answer of the cloud means to the link, whichever carrier brought it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TypeVar

from pydantic import ValidationError

from contract.model import Record
from contract.problems import Problem
from edge.sync.carrier import Conflict, EventRefused, Refused, TooLarge, Unavailable

OFF_LOOP_ABOVE_BYTES = 64 * 1024
"""Parsing more than this happens in a thread, so that no charge point waits for it."""

LONGEST_DETAIL = 500
"""Characters of somebody else's explanation that are kept."""

_NOBODY_BEHIND = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""A proxy answers these for a cloud that is away; only a greeting tells when it is back."""

Answer = TypeVar("Answer", bound=Record)


async def accepted(answer: type[Answer], content: bytes) -> Answer | Unavailable:
    """Read a good answer."""
    try:
        if len(content) > OFF_LOOP_ABOVE_BYTES:
            return await asyncio.to_thread(answer.model_validate_json, content)
        return answer.model_validate_json(content)
    except ValidationError as error:
        return Unavailable(
            f"The cloud answered what this edge does not understand ({error.error_count()} faults).", lost=False
        )


def refusal(
    status: int, content: bytes, *, phrase: str, retry_after_s: float | None
) -> Conflict | TooLarge | EventRefused | Refused | Unavailable:
    """Read an answer that is not good.

    Args:
        status: the HTTP status.
        content: a problem document, or whatever else somebody in between may send.
        phrase: what to say when it is no problem document.
        retry_after_s: what the other side asked for.
    """
    problem = _problem(status, content, phrase)
    detail = problem.detail[:LONGEST_DETAIL]
    why = f"The cloud answered {status}: {detail}"
    match status:
        case HTTPStatus.CONFLICT:
            return Conflict(why)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(why)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Refused(why)
        case HTTPStatus.GONE:
            return Unavailable(why, lost=False, gone=True)
        case HTTPStatus.BAD_REQUEST if isinstance(seq := (problem.model_extra or {}).get("seq"), int):
            return EventRefused(seq, detail)
        case _:
            return Unavailable(
                why,
                retry_after_s=retry_after_s,
                lost=status in _NOBODY_BEHIND,
                heavy=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
                busy=status == HTTPStatus.TOO_MANY_REQUESTS and retry_after_s is not None,
            )


def problem_of(content: bytes) -> Problem | None:
    """Read a problem document; `None`: it is none."""
    try:
        return Problem.model_validate_json(content)
    except ValidationError:
        return None


def _problem(status: int, content: bytes, phrase: str) -> Problem:
    """Read a problem document; whatever else a proxy may send becomes one without its text."""
    try:
        return Problem.model_validate_json(content)
    except ValidationError:
        phrase = phrase or "no explanation"
        return Problem(title=phrase, status=status, detail=phrase)
