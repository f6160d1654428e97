"""The doors in front of the API: which names and origins may knock, who holds a key, what may be brought in.

A page on the internet can make a browser on this machine send requests here, and with DNS rebinding even read the
answers. It cannot choose the `Host` and `Origin` that the browser writes, so those are checked on loopback too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

from edge.api.problems import ProblemError, shown
from edge.domain import keys

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
EXEMPT_PATHS = frozenset({"/healthz", "/readyz"})
"""They tell nothing, and those who probe know neither names nor keys."""
MAX_BODY = 64 * 1024
"""Bytes; the longest request that OCPP 1.6 allows is a fraction of it."""


@dataclass(frozen=True, slots=True)
class Body:
    """What may be brought in under a path."""

    kind: str
    media_type: str
    """None that a page of a foreign origin may send without asking first."""
    most: int
    """Bytes."""


JSON = Body("JSON", "application/json", MAX_BODY)
FILE = Body("a file", "application/octet-stream", 1024 * 1024 * 1024)
FILE_PATHS = frozenset({"/api/v1/firmware"})
"""Where a file is brought, and no JSON."""

LOCAL_OPERATOR = "local"
"""Who asks when no key is needed: somebody at the machine itself."""

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that opens the API, as far as the edge knows it."""

    name: str
    """Whose it is; stands in the audit trail."""
    salt: bytes
    hash: bytes
    """`domain.keys.hash_key` of the key's text."""


@dataclass(frozen=True, slots=True)
class Doors:
    """How the API is guarded."""

    allowed_hosts: frozenset[str] = frozenset()
    """Names, without port, under which the API is reached, besides those of loopback."""
    api_keys: tuple[ApiKey, ...] | None = None
    """`None`: no key is needed, since only this machine can knock."""

    def admit(self, method: str, headers: Headers, body: Body = JSON) -> str:
        """Let a request in and name its operator.

        Raises:
            ProblemError: why not: 421, 403, 401, 415 or 413.
        """
        host = self._check_host(headers)
        _check_origin(headers, host)
        operator = self._check_key(headers)
        _check_body(method, headers, body)
        return operator

    def _check_host(self, headers: Headers) -> tuple[str, str | None]:
        given = headers.getlist("host")
        host = _authority(given[0]) if len(given) == 1 else None
        if host is None or host[0] not in LOOPBACK_NAMES | {_name(name) for name in self.allowed_hosts}:
            raise ProblemError(
                421,
                "wrong-host",
                f"This API does not answer to the host name {shown(', '.join(given))}.",
                hint="Use localhost, or add the name to the allowed hosts in the edge's settings.",
            )
        return host

    def _check_key(self, headers: Headers) -> str:
        if self.api_keys is None:
            return LOCAL_OPERATOR
        scheme, _, presented = headers.get("authorization", "").partition(" ")
        secret = presented.strip().encode("latin-1")
        # Every key is compared, so that the time taken does not tell which one was near.
        fitting = [key.name for key in self.api_keys if keys.matches(secret, key.salt, key.hash)]
        if scheme.lower() != "bearer" or not fitting:
            raise ProblemError(
                401,
                "not-signed-in",
                "This API needs an API key.",
                hint="Send the header 'Authorization: Bearer <key>'.",
                headers={"WWW-Authenticate": 'Bearer realm="gardu-edge"'},
            )
        return fitting[0]


def _check_origin(headers: Headers, host: tuple[str, str | None]) -> None:
    for origin in headers.getlist("origin"):
        scheme, separator, rest = origin.partition("://")
        authority = _authority(rest)
        port = _DEFAULT_PORTS.get(scheme)
        same = authority and (authority[0], authority[1] or port) == (host[0], host[1] or port)
        if not (separator and port and same):
            raise ProblemError(
                403,
                "foreign-origin",
                f"A page of {shown(origin)} may not use this API.",
                hint="Open the console under the very address of this API.",
            )


def _check_body(method: str, headers: Headers, body: Body) -> None:
    if method in _READING:
        return
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > body.most:
        raise body_too_large(body)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if (length != "0" or "transfer-encoding" in headers) and media_type != body.media_type:
        raise ProblemError(
            415,
            "not-json",
            f"A body has to be {body.kind}, and to say so.",
            hint=f"Send the header 'Content-Type: {body.media_type}'.",
        )


def body_too_large(body: Body) -> ProblemError:
    """Make the problem that a body is longer than may come here."""
    hint = "Nothing that is sent here is that long."
    return ProblemError(413, "body-too-large", f"A body may have at most {body.most} bytes here.", hint=hint)


def _authority(text: str) -> tuple[str, str | None] | None:
    found = _AUTHORITY.fullmatch(text.lower())
    return None if found is None else (found[1], found[2])


def _name(host: str) -> str:
    host = host.lower()
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
