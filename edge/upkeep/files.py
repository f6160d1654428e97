"""The listener for files: charge points fetch firmware there and bring diagnostics, each under a path of its own.

It is open to the network of the charge points, so it knows nothing but tickets: no lists, no names, 404 for all else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from edge.clock import Clock
from edge.store import file_exchange, firmwares
from edge.store.arriving import ArrivingFile, FileTooLargeError, used
from edge.store.file_exchange import Files, Purpose
from edge.store.readers import Readers
from edge.store.writer import Writer

MAX_UPLOAD = 256 * 1024 * 1024
"""Bytes of one upload."""
QUOTA = 2 * 1024 * 1024 * 1024
"""Bytes of all uploads together."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FileDesk:
    """What the listener works with."""

    files: Files
    readers: Readers
    writer: Writer
    clock: Clock

    async def fetch(self, request: Request) -> Response:
        """Give a firmware to whoever has its ticket. A broken download may be taken up again until it is complete."""
        token = request.path_params["token"]
        ticket = await self._ticket(token, Purpose.FIRMWARE)
        if ticket is None:
            return Response(status_code=404)
        path = self.files.path(Purpose.FIRMWARE, ticket.file)
        if not path.is_file():
            return Response(status_code=404)
        await self.writer.run(lambda tx: firmwares.note_fetched(tx.connection, ticket.charge_point))
        _log.info("firmware_fetched", charge_point=ticket.charge_point)
        return FileResponse(path, media_type="application/octet-stream")

    async def bring(self, request: Request) -> Response:
        """Take an upload from whoever has its ticket, once."""
        token = request.path_params["token"]
        ticket = await self._ticket(token, Purpose.DIAGNOSTICS)
        if ticket is None:
            return Response(status_code=404)
        path = self.files.path(Purpose.DIAGNOSTICS, ticket.file)
        part_of_it = path.with_suffix(".part")
        try:
            with ArrivingFile(part_of_it, self._room()) as file:
                async for part in request.stream():
                    file.take(part)
        except FileTooLargeError:
            return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        now = self.clock.now()
        if not await self.writer.run(lambda tx: file_exchange.use(tx.connection, token)):
            return Response(status_code=404)
        part_of_it.replace(path)
        await self.writer.run(lambda tx: file_exchange.receive(tx.connection, ticket.file, file.size, now))
        _log.info("diagnostics_received", charge_point=ticket.charge_point, size=file.size)
        return Response(status_code=201)

    async def _ticket(self, token: str, purpose: Purpose) -> file_exchange.Ticket | None:
        return await self.readers.run(partial(file_exchange.check, token=token, purpose=purpose, now=self.clock.now()))

    def _room(self) -> int:
        """How many bytes may come now."""
        return max(0, min(MAX_UPLOAD, QUOTA - used(self.files.folder / Purpose.DIAGNOSTICS.value)))


def create_files(desk: FileDesk) -> Starlette:
    """Make the listener's application."""
    return Starlette(
        routes=[
            Route("/f/{token}/{name}", desk.fetch, methods=["GET", "HEAD"]),
            Route("/u/{token}", desk.bring, methods=["PUT", "POST"]),
            Route("/u/{token}/{rest:path}", desk.bring, methods=["PUT", "POST"]),
        ]
    )
