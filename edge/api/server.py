"""Serves the local API with uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from edge.errors import ConfigurationError

STOP_S = 3


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to us, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(
    api: ASGIApp, *, host: str, port: int, tls: tuple[Path | None, Path | None], behind_proxy: str | None
) -> AsyncIterator[int]:
    """Serve the local API; gives the port.

    Args:
        api: what `create_api` made.
        host: to listen on.
        port: to listen on; 0: a free one.
        tls: PEM files of certificate and key; `None`: plain HTTP.
        behind_proxy: address of the proxy in front, whose word about the client is taken; `None`: there is none.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    config = uvicorn.Config(
        api,
        host=host,
        port=port,
        ssl_certfile=tls[0],
        ssl_keyfile=tls[1],
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=behind_proxy is not None,
        forwarded_allow_ips=behind_proxy,
        timeout_graceful_shutdown=STOP_S,
    )
    try:
        listener = config.bind_socket()
    except SystemExit as error:
        raise ConfigurationError(
            f"The address {host}:{port} for the local API cannot be used.",
            hint="Is another edge running? Set GARDU_EDGE_API__PORT to a free port.",
        ) from error
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        listening = asyncio.create_task(server.listens.wait())
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()
