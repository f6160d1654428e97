"""A small real HTTP server that keeps the cloud's side of the contract, and can be told to fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from contract.batch import decode_batch
from contract.link import CommandItem, CommandItemKind, CommandsAnswer, Greeting, PushAnswer
from contract.streams import Stream
from edge.sync.carrier import Conflict, EventRefused, TooLarge
from tests.unit.edge_link.model_cloud import ModelCloud

SECRET = "the-secret-of-the-edge"

Fault = Callable[[], Awaitable[Response]]


class Truncated(Response):
    """Promises more than it sends."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"cursor": 1', "more_body": False})


def answers(status: int, headers: dict[str, str] | None = None, **extra: Any) -> Fault:
    async def fault() -> Response:
        problem = {"title": "fault", "status": status, "detail": f"fault {status}", **extra}
        return JSONResponse(problem, status, headers)

    return fault


async def black_hole() -> Response:
    await asyncio.sleep(30)
    return Response()


async def truncated() -> Response:
    return Truncated()


async def nonsense() -> Response:
    return Response("<html>Sign in to the campus Wi-Fi</html>", 200)


@dataclass
class CloudServer:
    model: ModelCloud = field(default_factory=ModelCloud)
    items: list[CommandItem] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(
        default_factory=lambda: {name: deque() for name in ("greeting", "events", "commands")}
    )
    """Before the work is done."""
    faults_after: deque[Fault] = field(default_factory=deque)
    """After a batch was committed: the answer is lost."""
    greetings: list[Greeting] = field(default_factory=list)
    pushes: list[tuple[Stream, int, int]] = field(default_factory=list)
    pulls: list[int] = field(default_factory=list)
    pulled_under: list[str | None] = field(default_factory=list)
    """The epoch that each pull named."""
    last_named: list[str | None] = field(default_factory=list)
    """The newest command that each pull named."""
    encodings: set[str | None] = field(default_factory=set)
    url: str = ""
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def events(self, stream: Stream) -> list[bytes]:
        return [row.event for row in self.model.streams[stream]]

    def progress(self) -> list[tuple[UUID, str]]:
        """Each command transition that arrived, in order."""
        told = [json.loads(event) for event in self.events(Stream.LEDGER)]
        return [
            (UUID(event["data"]["command"]), event["data"]["state"])
            for event in told
            if event["type"] == "CommandProgressed.v1"
        ]

    def order(self, action: str, *, charge_point: str = "CP-1", remaining_s: float = 60.0, **payload: Any) -> UUID:
        command = uuid4()
        self.add(command, action, charge_point=charge_point, remaining_s=remaining_s, **payload)
        return command

    def add(
        self,
        command: UUID,
        action: str,
        *,
        kind: CommandItemKind = CommandItemKind.EXECUTE,
        charge_point: str = "CP-1",
        remaining_s: float = 60.0,
        **payload: Any,
    ) -> None:
        number = len(self.items) + 1
        item = CommandItem(
            number=number,
            kind=kind,
            command=command,
            action=action,
            charge_point=charge_point,
            payload=payload,
            remaining_s=remaining_s,
            requested_by="tests",
        )
        self.items.append(item)
        self.bell.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[CloudServer]:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self.app(), lifespan="off", ws="none", log_level="critical", timeout_graceful_shutdown=0, http="h11"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([listener]))  # `serve` would take over the signals of pytest
        try:
            yield self
        finally:
            server.should_exit = True
            await task
            listener.close()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/edges/{edge}/greeting", self._guarded("greeting", self._greeting), methods=["POST"]),
                Route("/api/v1/edges/{edge}/events", self._guarded("events", self._events), methods=["POST"]),
                Route("/api/v1/edges/{edge}/commands", self._guarded("commands", self._commands)),
            ]
        )

    def _guarded(
        self, name: str, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Bearer {SECRET}":
                return await answers(401)()
            if self.faults[name]:
                return await self.faults[name].popleft()()
            return await endpoint(request)

        return guarded

    async def _greeting(self, request: Request) -> Response:
        self.greetings.append(Greeting.model_validate_json(await request.body()))
        return _json(self.model.greet())

    async def _events(self, request: Request) -> Response:
        body = await request.body()
        self.encodings.add(request.headers.get("Content-Encoding"))
        plain = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
        header, _ = decode_batch(plain)
        self.pushes.append((header.stream, header.first, header.last))
        outcome = self.model.push(plain)
        if self.faults_after:
            return await self.faults_after.popleft()()
        match outcome:
            case PushAnswer():
                return _json(outcome)
            case EventRefused(seq, why):
                return await answers(400, seq=seq, why=why)()
            case TooLarge():
                return await answers(413)()
            case Conflict():
                return await answers(409)()
            case _:
                return await answers(500)()

    async def _commands(self, request: Request) -> Response:
        after = int(request.query_params["after"])
        self.pulls.append(after)
        self.pulled_under.append(request.query_params.get("epoch"))
        self.last_named.append(request.query_params.get("last"))
        if not (waiting := [item for item in self.items if item.number > after]):
            self.bell.clear()
            try:
                async with asyncio.timeout(float(request.query_params["wait"])):
                    await self.bell.wait()
            except TimeoutError:
                pass
            waiting = [item for item in self.items if item.number > after]
        answer = CommandsAnswer(incarnation=self.model.incarnation, server_time=datetime.now(UTC), items=waiting)
        return _json(answer)


def _json(answer: Any) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
