"""The link over HTTPS: each exchange is one request on a connection that is kept alive."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from contract.link import (
    COMMANDS_PATH,
    EVENTS_PATH,
    GREETING_PATH,
    CommandsAnswer,
    Greeting,
    GreetingAnswer,
    PushAnswer,
)
from contract.model import Record
from contract.problems import Problem
from edge.errors import ConfigurationError
from edge.sync.carrier import (
    Conflict,
    EventRefused,
    GreetOutcome,
    PullOutcome,
    PushOutcome,
    Refused,
    TooLarge,
    Unavailable,
)

GZIP_ABOVE_BYTES = 1024
OFF_LOOP_ABOVE_BYTES = 64 * 1024
"""Compressing or parsing more than this happens in a thread, so that no charge point waits for it."""

LONGEST_DETAIL = 500
"""Characters of somebody else's explanation that are kept."""

_NOBODY_BEHIND = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""A proxy answers these for a cloud that is away; only a greeting tells when it is back."""

Answer = TypeVar("Answer", bound=Record)


class HttpsCarrier:
    """Speaks to one cloud for one edge.

    Args:
        base_url: for example `https://cloud.example`; a path in front of `/api` is kept.
        edge: our name.
        secret: sent as bearer token; appears in no message.
        tls: a context of one's own, for example with a private authority; `None`: the public ones.
        timeout_s: for one exchange as a whole, sending included.
    """

    def __init__(
        self, *, base_url: str, edge: str, secret: str, tls: ssl.SSLContext | None = None, timeout_s: float = 30.0
    ) -> None:
        if not secret.isascii() or not secret.isprintable() or not secret or " " in secret:
            # httpx would quote such a value in its error message
            raise ConfigurationError(
                "The secret of the cloud link is empty, or has blanks or characters that HTTP cannot carry.",
                hint="Copy it again from `gardu-cloud add-site`.",
            )
        self._timeout_s = timeout_s
        name = quote(edge, safe="")
        self._greeting, self._events, self._commands = (
            base_url.rstrip("/") + path.format(edge=name) for path in (GREETING_PATH, EVENTS_PATH, COMMANDS_PATH)
        )
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"},
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=5, keepalive_expiry=60.0),
            verify=True if tls is None else tls,
        )

    async def greet(self, greeting: Greeting) -> GreetOutcome:
        """See `Carrier.greet`."""
        request = self._client.build_request(
            "POST",
            self._greeting,
            content=greeting.model_dump_json().encode(),
            headers={"Content-Type": "application/json"},
        )
        outcome = await self._exchange(request, GreetingAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def push(self, batch: bytes) -> PushOutcome:
        """See `Carrier.push`."""
        headers = {"Content-Type": "application/x-ndjson"}
        if len(batch) > GZIP_ABOVE_BYTES:
            headers["Content-Encoding"] = "gzip"
            compress = partial(gzip.compress, batch, compresslevel=6, mtime=0)
            batch = await asyncio.to_thread(compress) if len(batch) > OFF_LOOP_ABOVE_BYTES else compress()
        return await self._exchange(
            self._client.build_request("POST", self._events, content=batch, headers=headers), PushAnswer
        )

    async def pull_commands(self, after: int, *, wait_s: float) -> PullOutcome:
        """See `Carrier.pull_commands`."""
        request = self._client.build_request(
            "GET", self._commands, params={"after": after, "wait": f"{wait_s:g}"}, timeout=wait_s + self._timeout_s
        )
        outcome = await self._exchange(request, CommandsAnswer, longer_s=wait_s)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def close(self) -> None:
        """See `Carrier.close`."""
        await self._client.aclose()

    async def _exchange(
        self, request: httpx.Request, answer: type[Answer], *, longer_s: float = 0.0
    ) -> Answer | Conflict | TooLarge | EventRefused | Refused | Unavailable:
        try:
            # httpx limits the silence between two bytes; a line that trickles would last for ever
            async with asyncio.timeout(self._timeout_s + longer_s):
                response = await self._client.send(request)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            return Unavailable("The cloud did not answer in time.", heavy=True)
        except httpx.HTTPError as error:
            return Unavailable(f"The cloud cannot be reached: {str(error) or type(error).__name__}")
        if response.status_code != HTTPStatus.OK:
            return _refusal(response)
        try:
            return await _parsed(answer, response.content)
        except ValidationError as error:
            return Unavailable(
                f"The cloud answered what this edge does not understand ({error.error_count()} faults).", lost=False
            )


async def _parsed(answer: type[Answer], content: bytes) -> Answer:
    if len(content) > OFF_LOOP_ABOVE_BYTES:
        return await asyncio.to_thread(answer.model_validate_json, content)
    return answer.model_validate_json(content)


def _refusal(response: httpx.Response) -> Conflict | TooLarge | EventRefused | Refused | Unavailable:
    problem = _problem(response)
    detail = problem.detail[:LONGEST_DETAIL]
    why = f"The cloud answered {response.status_code}: {detail}"
    match response.status_code:
        case HTTPStatus.CONFLICT:
            return Conflict(why)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(why)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Refused(why)
        case HTTPStatus.BAD_REQUEST if isinstance(seq := (problem.model_extra or {}).get("seq"), int):
            return EventRefused(seq, detail)
        case status:
            return Unavailable(
                why,
                retry_after_s=_retry_after_s(response),
                lost=status in _NOBODY_BEHIND,
                heavy=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
            )


def _problem(response: httpx.Response) -> Problem:
    """Read a problem document; whatever else a proxy may send becomes one without its text."""
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        phrase = response.reason_phrase or "no explanation"
        return Problem(title=phrase, status=response.status_code, detail=phrase)


def _retry_after_s(response: httpx.Response) -> float | None:
    """Read `Retry-After` (RFC 9110 §10.2.3 "Retry-After"); a date counts from the other side's clock, not from ours."""
    asked = response.headers.get("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())
