"""Path segments that name things: decoded once, after the path was taken apart, so that a name may hold a slash."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Path
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send


class RawPathMiddleware:
    """Routes by the path as it was sent. Servers decode it first, and then `a%2Fb` looks like two segments."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its undecoded path."""
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw:
            scope = {**scope, "path": raw.partition(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)


def _decoded(segment: object) -> object:
    return unquote(segment) if isinstance(segment, str) else segment


ChargePointIdentity = Annotated[
    str, BeforeValidator(_decoded), Path(description="Identity of the charge point, as in its WebSocket URL.")
]
IdTagName = Annotated[str, BeforeValidator(_decoded), Path(description="The id tag; its case does not matter.")]
TransactionName = Annotated[
    str, BeforeValidator(_decoded), Path(description="UUID of the transaction, or its number on the charge point.")
]
