"""The link over HTTPS: each exchange is one request on a connection that is kept alive."""

from __future__ import annotations

import asyncio
import ssl
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit
from uuid import UUID

import anyio
import httpx

from contract.directory import DIRECTORY_PATH, DirectoryAnswer, DirectoryRequest
from contract.link import (
    COMMANDS_PATH,
    EVENTS_PATH,
    GREETING_PATH,
    STREAM_HEADER,
    CommandsAnswer,
    Greeting,
    GreetingAnswer,
    PushAnswer,
)
from contract.live import LIVE_PATH, LiveAnswer, LiveNews
from edge.sync.answers import Answer, accepted, problem_of, refusal
from edge.sync.carrier import (
    Conflict,
    DirectoryOutcome,
    EventRefused,
    GreetOutcome,
    LiveOutcome,
    PullOutcome,
    PushOutcome,
    Refused,
    TooLarge,
    Unavailable,
)
from edge.sync.packing import Packed
from edge.sync.proof import Proof

_NOT_BELIEVED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class HttpsCarrier:
    """Speaks to one cloud for one edge.

    Args:
        base_url: for example `https://cloud.example`; a path in front of `/api` is kept.
        edge: our name.
        proof: of who asks.
        tls: a context of one's own, for example with a private authority; `None`: the public ones.
        timeout_s: for one exchange as a whole, sending included.
    """

    def __init__(
        self, *, base_url: str, edge: str, proof: Proof, tls: ssl.SSLContext | None = None, timeout_s: float = 30.0
    ) -> None:
        self._timeout_s = timeout_s
        self._proof = proof
        self._prefix = urlsplit(base_url).path.rstrip("/")
        name = quote(edge, safe="")
        self._greeting, self._events, self._commands = (
            base_url.rstrip("/") + path.format(edge=name) for path in (GREETING_PATH, EVENTS_PATH, COMMANDS_PATH)
        )
        self._live = base_url.rstrip("/") + LIVE_PATH.format(edge=name)
        self._directory = base_url.rstrip("/") + DIRECTORY_PATH.replace("{edge}", name)
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json"},
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

    async def push(self, batch: Packed) -> PushOutcome:
        """See `Carrier.push`."""
        headers = {"Content-Type": "application/x-ndjson"}
        if batch.stream is not None:
            headers[STREAM_HEADER] = batch.stream.value
        if batch.encoding is not None:
            headers["Content-Encoding"] = batch.encoding
        return await self._exchange(
            self._client.build_request("POST", self._events, content=batch.content, headers=headers), PushAnswer
        )

    async def pull_commands(
        self,
        after: int,
        *,
        wait_s: float,
        directory: int | None = None,
        epoch: int | None = None,
        last: UUID | None = None,
    ) -> PullOutcome:
        """See `Carrier.pull_commands`."""
        params = {"after": str(after), "wait": f"{wait_s:g}"}
        if directory is not None:
            params["directory"] = str(directory)
        if epoch is not None:
            params["epoch"] = str(epoch)
        if last is not None:
            params["last"] = str(last)
        request = self._client.build_request("GET", self._commands, params=params, timeout=wait_s + self._timeout_s)
        outcome = await self._exchange(request, CommandsAnswer, longer_s=wait_s)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def pull_directory(self, request: DirectoryRequest) -> DirectoryOutcome:
        """See `Carrier.pull_directory`."""
        url = self._directory.format(set=request.set.value)
        params = request.model_dump(mode="json", exclude_none=True, exclude={"set"})
        outcome = await self._exchange(self._client.build_request("GET", url, params=params), DirectoryAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        """See `Carrier.tell_live`."""
        request = self._client.build_request(
            "POST", self._live, content=news.model_dump_json().encode(), headers={"Content-Type": "application/json"}
        )
        outcome = await self._exchange(request, LiveAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def close(self) -> None:
        """See `Carrier.close`."""
        await self._client.aclose()

    async def _exchange(
        self, request: httpx.Request, answer: type[Answer], *, longer_s: float = 0.0
    ) -> Answer | Conflict | TooLarge | EventRefused | Refused | Unavailable:
        response = await self._send(request, longer_s)
        if isinstance(response, httpx.Response) and response.status_code in _NOT_BELIEVED:
            problem = problem_of(response.content)
            if problem is not None and self._proof.learn(problem, _shown(response)):
                response = await self._send(request, longer_s)
        if isinstance(response, Unavailable):
            return response
        if response.status_code == HTTPStatus.OK:
            outcome = await accepted(answer, response.content)
            if isinstance(outcome, GreetingAnswer | CommandsAnswer):
                self._proof.heard(outcome.server_time)
            return outcome
        return refusal(
            response.status_code,
            response.content,
            phrase=response.reason_phrase,
            retry_after_s=_retry_after_s(response),
        )

    async def _send(self, request: httpx.Request, longer_s: float) -> httpx.Response | Unavailable:
        target = request.url.path.removeprefix(self._prefix)
        if request.url.query:
            target = f"{target}?{request.url.query.decode()}"
        shown = self._proof.authorization(request.method, target, request.content)
        if shown is not None:
            request.headers["Authorization"] = f"Bearer {shown}"
        # httpx limits the silence between two bytes; a line that trickles would last for ever
        scope = anyio.CancelScope(deadline=asyncio.get_running_loop().time() + self._timeout_s + longer_s)
        exchange = asyncio.create_task(self._send_within(scope, request))
        try:
            return await asyncio.shield(exchange)
        except asyncio.CancelledError:
            # cancelled in its own way the pool closes the connections that it has let go; a cancelled task would not
            scope.cancel()
            await asyncio.wait({exchange})
            raise

    async def _send_within(self, scope: anyio.CancelScope, request: httpx.Request) -> httpx.Response | Unavailable:
        try:
            with scope:
                return await self._client.send(request)
        except (httpx.ReadTimeout, httpx.WriteTimeout):
            pass
        except httpx.HTTPError as error:
            return Unavailable(f"The cloud cannot be reached: {str(error) or type(error).__name__}")
        return Unavailable("The cloud did not answer in time.", heavy=True)


def _shown(response: httpx.Response) -> str | None:
    """What the request behind an answer showed."""
    return response.request.headers.get("Authorization", "").removeprefix("Bearer ") or None


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
