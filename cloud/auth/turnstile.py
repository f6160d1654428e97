"""The turnstile for the requests of edges: ASGI middleware around `admission`."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.auth.admission import Admission, Enter, Later, Queue, Urgency
from cloud.errors import TooBusyError
from cloud.observability.problems import problem_response
from contract.link import STREAM_HEADER, exchange_of

_STREAMS = {"ledger": Urgency.LEDGER, "state": Urgency.STATE, "meter": Urgency.METER}
_EXCHANGES = {
    "greeting": Urgency.GREETING,
    "commands": Urgency.COMMANDS,
    "directory": Urgency.DIRECTORY,
    "live": Urgency.LIVE,
}
_VISIT = "visit"


class Turnstile:
    """ASGI middleware. Requests that are no edge's pass beside it.

    Args:
        app: what is behind.
        admission: decides; shared with nobody.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._called: dict[int, asyncio.Future[bool]] = {}
        """By ticket; true: go to work."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, after a moment of waiting where need be, or say when to come again."""
        urgency = urgency_of(scope) if scope["type"] == "http" else None
        if urgency is None:
            await self._app(scope, receive, send)
            return
        if (later := await self.enter(urgency)) is not None:
            await _refuse(later)(scope, receive, send)
            return
        visit = scope.setdefault("state", {})[_VISIT] = Visit(self, urgency)

        async def receive_aside() -> Message:  # a slow line holds no place
            visit.step_aside()
            try:
                return await receive()
            finally:
                await visit.come_back()

        try:
            await self._app(scope, receive_aside, send)
        finally:
            visit.end()

    async def enter(self, urgency: Urgency) -> Later | None:
        """Wait for a place; `None`: there is one, and it is ours."""
        match self._admission.arrive(urgency, time.monotonic()):
            case Enter():
                return None
            case Later() as later:
                return later
            case Queue(ticket, instead_of):
                if instead_of is not None:
                    self._called[instead_of].set_result(False)
                return await self._wait(ticket, urgency)

    def leave(self, urgency: Urgency, took_s: float | None) -> None:
        """Give a place back."""
        for ticket in self._admission.left(urgency, took_s):
            self._called[ticket].set_result(True)

    async def _wait(self, ticket: int, urgency: Urgency) -> Later | None:
        called = self._called[ticket] = asyncio.get_running_loop().create_future()
        patience_s = None if urgency is Urgency.BEGUN else self._admission.patience_s
        try:
            await asyncio.wait([called], timeout=patience_s)
        except asyncio.CancelledError:
            if called.done() and called.result():
                self.leave(urgency, None)
            raise
        finally:
            del self._called[ticket]
            self._admission.forget(ticket)
        if called.done() and called.result():
            return None
        return self._admission.later(urgency, time.monotonic())


class Visit:
    """One request at work.

    Args:
        turnstile: where it came in.
        urgency: with which it came in.
    """

    def __init__(self, turnstile: Turnstile, urgency: Urgency) -> None:
        self._turnstile = turnstile
        self._urgency = urgency
        self._since: float | None = time.monotonic()
        """`None`: it has stepped aside."""

    def step_aside(self) -> None:
        """Let others work while this one waits. Calling it again does nothing."""
        if self._since is not None:
            took_s, self._since = time.monotonic() - self._since, None
            self._turnstile.leave(self._urgency, took_s)

    async def come_back(self) -> None:
        """Take a place again; whoever has begun is not sent away."""
        await self._turnstile.enter(Urgency.BEGUN)
        self._urgency, self._since = Urgency.BEGUN, time.monotonic()

    def end(self) -> None:
        """It is answered."""
        self.step_aside()


def step_aside(request: Request) -> None:
    """Give this request's place to others from now on: it only waits."""
    visit: Visit | None = getattr(request.state, _VISIT, None)
    if visit is not None:
        visit.step_aside()


def urgency_of(scope: Scope) -> Urgency | None:
    """How urgent a request is; `None`: it is no edge's. Which stream a batch is of, its sender says."""
    exchange = exchange_of(scope["path"])
    if exchange is None:
        return None
    if exchange == "events":
        return _STREAMS.get(Headers(scope=scope).get(STREAM_HEADER, ""), Urgency.STATE)
    return _EXCHANGES[exchange]


def _refuse(later: Later) -> ASGIApp:
    error = TooBusyError(
        "The cloud has more requests of edges than it takes at once.",
        hint="An edge sends it again by itself, and keeps everything until then.",
        retry_after_s=later.retry_after_s,
    )
    return problem_response(error.problem(), {"Retry-After": str(later.retry_after_s)})
