"""The opening handshake: what a connection request is answered before it may become a WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import math
import ssl
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edge.central_system import identity
from edge.central_system.connection import Desk
from edge.central_system.line import Line
from edge.central_system.refusals import Refusals
from edge.central_system.station_security import Door, Judgement, Shown, Verdict
from edge.domain.alarms import AlarmKind
from edge.domain.security_profile import SecurityProfile
from edge.domain.throttle import Throttle
from edge.store import alarms
from edge.store.client_certificates import PeerCertificate
from edge.store.readers import Readers

RETRY_AFTER_S = 10
SLOW_COMPARISONS = 2
"""Typed passwords that are compared at once: a storm of them must leave the machine for the others."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entrance:
    """One address that charge points come to, with one security profile (A00.FR.006)."""

    host: str
    port: int
    profile: SecurityProfile = SecurityProfile.BASIC
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


class Gate:
    """Decides before the upgrade: afterwards a charge point would believe itself connected."""

    def __init__(self, door: Door, desk: Desk, readers: Readers, refusals: Refusals) -> None:
        self._door = door
        self._desk = desk
        self._readers = readers
        self._refusals = refusals
        self._throttle = Throttle()
        self._slow = ThreadPoolExecutor(SLOW_COMPARISONS, thread_name_prefix="password")

    def close(self) -> None:
        """Compare nothing more."""
        self._slow.shutdown(cancel_futures=True)

    def process(
        self, profile: SecurityProfile, websocket: ServerConnection, request: Request
    ) -> Response | Awaitable[Response | None] | None:
        """Answer a request with a refusal; `None`: it may go on."""
        if not self._desk.writer.healthy:
            response = websocket.respond(503, "The store is not available; try again later.\n")
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        who = identity.from_path(request.path)
        if who is None:
            return websocket.respond(404, "The URL must end with the charge point's identity.\n")
        line = cast("Line", websocket)  # the server asks the library for lines
        line.charge_point, line.profile = who, profile
        shown = Shown(profile, _only(request.headers.get_all("Authorization")), _certificate(line))
        try:
            judgement = self._readers.run_now(lambda db: self._door.judge(db, who, shown))
        except Exception:
            _log.exception("admission_broke", charge_point=who)
            raise
        if judgement.verdict in (Verdict.TYPED_KEY, Verdict.WRONG_KEY):
            wait_s = self._throttle.wait_s(_pair(line), self._desk.clock.monotonic())
            if wait_s > 0:  # a key of ours cannot be guessed, so whoever shows it need not wait for a guesser's sake
                return self._throttled(line, wait_s)
        if judgement.verdict is Verdict.TYPED_KEY:
            return self._compare(line, judgement)
        return self._answer(line, judgement)

    async def _compare(self, line: Line, judgement: Judgement) -> Response | None:
        """Compare a typed password beside the event loop; until then it counts as a failure, so none slip through."""
        self._throttle.failed(_pair(line), self._desk.clock.monotonic())
        found = await asyncio.get_running_loop().run_in_executor(self._slow, judgement.compared)
        if found.verdict is Verdict.WELCOME:
            self._throttle.succeeded(_pair(line))
        return self._answer(line, found, counted=True)

    def _answer(self, line: Line, judgement: Judgement, *, counted: bool = False) -> Response | None:
        verdict = judgement.verdict
        if verdict is Verdict.WELCOME and self._is_duplicate(line.charge_point):
            verdict = Verdict.DUPLICATE
        line.authenticated, line.generation = verdict is Verdict.WELCOME, judgement.generation
        if verdict in (Verdict.WELCOME, Verdict.NEWCOMER):
            return None
        if verdict is Verdict.WRONG_KEY and not counted:
            self._throttle.failed(_pair(line), self._desk.clock.monotonic())
        self._record(line, verdict)
        return _refusal(line, verdict)

    def _is_duplicate(self, who: str) -> bool:
        return self._readers.run_now(lambda db: alarms.stands(db, AlarmKind.DUPLICATE_IDENTITY, who))

    def _throttled(self, line: Line, wait_s: float) -> Response:
        self._refusals.add(Verdict.THROTTLED.name.lower(), line.charge_point)
        response = line.respond(429, "Too many wrong keys; try again later.\n")
        response.headers["Retry-After"] = str(math.ceil(wait_s))
        return response

    def _record(self, line: Line, verdict: Verdict) -> None:
        self._refusals.add(verdict.name.lower(), line.charge_point)
        _log.warning("connection_refused", charge_point=line.charge_point, why=verdict.name.lower())


def _refusal(line: Line, verdict: Verdict) -> Response:
    match verdict:
        case Verdict.UNKNOWN:
            return line.respond(404, "This charge point is not known at this site.\n")
        case Verdict.WRONG_CERTIFICATE:
            return line.respond(403, "This certificate does not belong to this charge point.\n")
        case Verdict.PROFILE_TOO_LOW:
            return line.respond(403, "This charge point came in on a higher security profile before; use that one.\n")
        case Verdict.DUPLICATE:
            return line.respond(403, "Two devices use this identity; an operator has to release it.\n")
    response = line.respond(401, "Basic authentication with the charge point's own key is needed.\n")
    response.headers["WWW-Authenticate"] = 'Basic realm="gardu", charset="UTF-8"'
    return response


def _pair(line: Line) -> tuple[str, str]:
    address = line.remote_address
    return line.charge_point, str(address[0]) if address else "unknown"


def _certificate(line: Line) -> PeerCertificate | None:
    """Give the client's certificate, which TLS has verified; `None`: it showed none."""
    tls: ssl.SSLObject | None = line.transport.get_extra_info("ssl_object")
    der = None if tls is None else tls.getpeercert(binary_form=True)
    if tls is None or der is None:
        return None
    names: Any = (tls.getpeercert() or {}).get("subject", ())
    common_name = next((value for part in names for name, value in part if name == "commonName"), None)
    return PeerCertificate(hashlib.sha256(der).hexdigest(), common_name)


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None
