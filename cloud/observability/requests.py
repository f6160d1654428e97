"""A log line per request: who asked what, without its query, and how it went."""

from __future__ import annotations

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.errors import GarduCloudError
from cloud.observability.problems import problem_response
from contract.link import exchange_of

_log = structlog.stdlib.get_logger("cloud.requests")
_QUIET = frozenset({"/healthz", "/readyz"})
_LATER, _ERROR, _SERVER_ERROR = 429, 400, 500


class RequestLog:
    """ASGI middleware, the outermost: it sees every answer, and turns what nobody caught into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:  # noqa: BLE001 - a request's border: the process goes on, the log has the trace
            _log.exception("request crashed", method=scope["method"], path=scope["path"])
            if not status:
                await problem_response(_internal().problem())(scope, receive, watch)
        finally:
            _tell(scope, status, time.perf_counter() - began)


def _internal() -> GarduCloudError:
    return GarduCloudError("The request could not be handled.", hint="The server's log says more.")


def _tell(scope: Scope, status: int, seconds: float) -> None:
    if scope["path"] in _QUIET:
        return
    if status >= _SERVER_ERROR or not status:
        write = _log.warning
    elif (status < _ERROR or status == _LATER) and exchange_of(scope["path"]) is not None:
        write = _log.debug  # hundreds of edges that are well would hide the one that is not
    else:
        write = _log.info
    write("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1))
