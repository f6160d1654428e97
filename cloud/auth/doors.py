"""The checks before anything else: Host, Origin, JSON (against DNS rebinding and forged forms), and the size."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.errors import (
    BodyTooLargeError,
    ForbiddenError,
    GarduCloudError,
    InvalidFieldError,
    MisdirectedRequestError,
    UnsupportedMediaTypeError,
)
from cloud.observability.problems import problem_response
from contract.batch import MAX_BATCH_BYTES

MOST_BYTES = 1024 * 1024
"""Of a body. Endpoints hold it in memory before they ask who sends it."""
MOST_BYTES_OF_MANY = MAX_BATCH_BYTES + 64 * 1024
"""The same, where a body carries many things at once. A batch of events has its own, lower limit behind this one."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_EXEMPT = frozenset({"/healthz", "/readyz"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = frozenset({"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"})
_OF_MANY = re.compile(r"/api/v1/(edges/[^/]+/(events|live)|id-tags)")


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
                await self._let_in(scope, receive, send)
            except GarduCloudError as refusal:
                await problem_response(refusal.problem())(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(scope, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if body.refusal is None:
                raise
        if body.refusal is not None:
            raise body.refusal

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


class _Body:
    """A request's body, counted as it comes in.

    What is too large is refused by us alone: behind the door the error would be taken for one of the body's content.

    Raises:
        BodyTooLargeError: it says itself that it is too large.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.refusal: BodyTooLargeError | None = None
        """Why nothing more of it is read; `None`: it is not too large so far."""
        self._most = MOST_BYTES_OF_MANY if _OF_MANY.fullmatch(scope["path"]) else MOST_BYTES
        self._receive, self._send = receive, send
        self._size, self._answered = 0, False
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part, or the refusal."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            error = self._too_large()
            self.refusal = None if self._answered else error
            raise error
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on, unless it is one to half a body."""
        if self.refusal is None:
            self._answered = True
            await self._send(message)

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            "The body is larger than any such request can need.",
            hint=f"Send at most {self._most} bytes; split what holds many things.",
        )


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
