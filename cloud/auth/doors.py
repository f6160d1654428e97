"""The checks before anything else: Host, Origin, and that writes are JSON (against DNS rebinding and forged forms)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.errors import (
    ForbiddenError,
    GarduCloudError,
    InvalidFieldError,
    MisdirectedRequestError,
    UnsupportedMediaTypeError,
)
from cloud.observability.problems import problem_response

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_EXEMPT = frozenset({"/healthz", "/readyz"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = frozenset({"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"})


class Doors:
    """ASGI middleware.

    Args:
        app: what is behind the door.
        hosts: the names that we answer to, without ports; `*.example.org` matches every name below.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let in."""
        if scope["type"] == "http" and scope["path"] not in _EXEMPT:
            try:
                _check_text(scope)
                self._check(scope["method"], Headers(scope=scope))
            except GarduCloudError as refusal:
                await problem_response(refusal.problem())(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise MisdirectedRequestError(
                "The request names a host that this cloud does not answer to.",
                hint="Use a name in GARDU_CLOUD_ALLOWED_HOSTS, or add this one there.",
            )
        if method not in _SAFE:
            _check_origin(headers.get("origin"), host)
            _check_type(headers)

    def _is_ours(self, host: str) -> bool:
        name = name_of(host)
        return name is not None and any(fnmatch.fnmatchcase(name, pattern) for pattern in self._hosts)


def name_of(host: str) -> str | None:
    """The name in a Host header, without its port; `None` when there is none, or none that can be read."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _check_text(scope: Scope) -> None:
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        raise InvalidFieldError("url", "holds a NUL character", hint="No name of ours has one.")


def _check_origin(origin: str | None, host: str) -> None:
    if origin is None:
        return  # not a browser, or one that asks its own page's server
    try:
        theirs = urlsplit(origin).netloc
    except ValueError:
        theirs = ""
    if theirs.lower() != host.lower():
        raise ForbiddenError(
            "A page of another origin may not write here.", hint="Open the console at this cloud's own address."
        )


def _check_type(headers: Headers) -> None:
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in _JSON:
        raise UnsupportedMediaTypeError(
            "The body is not declared as JSON.",
            hint="Send Content-Type: application/json (application/x-ndjson for batches of events).",
        )
