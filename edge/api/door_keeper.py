"""The ASGI middleware that asks `Doors` about every request before anything else sees it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.api.doors import EXEMPT_PATHS, FILE, FILE_PATHS, JSON, Doors
from edge.api.problems import ProblemError

_POLICY_VIOLATION = 1008


class DoorKeeperMiddleware:
    """Refuses what may not come in, and bounds the bodies of the rest."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit a request or answer with the problem."""
        if scope["type"] == "websocket":  # charge points have a port of their own
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif scope["type"] != "http" or scope["path"] in EXEMPT_PATHS:
            await self._app(scope, receive, send)
        else:
            await self._guard(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = FILE if scope["method"] == "POST" and scope["path"] in FILE_PATHS else JSON
        try:
            operator = self._doors.admit(scope["method"], Headers(scope=scope), body)
        except ProblemError as refusal:
            await refusal.response()(scope, receive, send)
            return
        scope.setdefault("state", {})["operator"] = operator
        await self._app(scope, _bounded(receive, body.most), send)


def _bounded(receive: Receive, most: int) -> Receive:
    """Count a body whose length was not announced."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            # FastAPI lets this one pass while it reads a body, and only this one.
            raise HTTPException(413, f"A body may have at most {most} bytes.")
        return message

    return counted
