"""The listener for files: charge points fetch firmware there and bring diagnostics, each under a path of its own.

It is open to the network of the charge points, so it knows nothing but tickets: no lists, no names, 404 for all else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from edge.clock import Clock
from edge.store import file_exchange, firmwares
from edge.store.arriving import ArrivingFile, FileTooLargeError, half_of
from edge.store.file_exchange import Files, Purpose
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx

MAX_UPLOAD = 256 * 1024 * 1024
"""Bytes of one upload."""

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
        half = half_of(self.files.path(Purpose.DIAGNOSTICS, ticket.file))
        try:
            with ArrivingFile(half, min(MAX_UPLOAD, self.files.diagnostics_quota)) as file:
                async for part in request.stream():
                    await file.take(part)
        except FileTooLargeError:
            return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            taken = await self.writer.run(partial(self._put_in_place, token, ticket, half, file.size))
        finally:
            half.unlink(missing_ok=True)
        if not taken:
            return Response(status_code=404)
        _log.info("diagnostics_received", charge_point=ticket.charge_point, size=file.size)
        return Response(status_code=201)

    def _put_in_place(self, token: str, ticket: file_exchange.Ticket, half: Path, size: int, tx: WriteTx) -> bool:
        """Use the ticket once the file is there: of two that come at once, the first whole one is kept."""
        if not file_exchange.use(tx.connection, token):
            return False
        half.replace(self.files.path(Purpose.DIAGNOSTICS, ticket.file))
        file_exchange.receive(tx.connection, ticket.file, size, self.clock.now())
        return True

    async def _ticket(self, token: str, purpose: Purpose) -> file_exchange.Ticket | None:
        return await self.readers.run(partial(file_exchange.check, token=token, purpose=purpose, now=self.clock.now()))


def create_files(desk: FileDesk) -> Starlette:
    """Make the listener's application."""
    return Starlette(
        routes=[
            Route("/f/{token}/{name}", desk.fetch, methods=["GET", "HEAD"]),
            Route("/u/{token}", desk.bring, methods=["PUT", "POST"]),
            Route("/u/{token}/{rest:path}", desk.bring, methods=["PUT", "POST"]),
        ]
    )
