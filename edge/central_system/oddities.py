"""What one connection sent that could not be understood, gathered for a moment: a flood of it costs few writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from edge.clock import Clock
from edge.store import quarantine
from edge.store.writer import Writer, WriteTx

GATHER_S = 0.5
"""How long is gathered from the first odd frame on."""
MAX_KINDS = 20
"""Different reasons that are told apart within that time; the rest is counted with the last of them."""
MAX_RAW = 64 * 1024
"""Bytes that are kept of a frame that carries no record: enough to see what it is."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Kind:
    raw: bytes
    at: datetime
    repeats: int = 0


class Oddities:
    """Puts odd frames of one charge point into quarantine, alike ones as one.

    Args:
        charge_point: whose frames they are.
        writer: keeps them.
        clock: says when they came.
    """

    def __init__(self, charge_point: str, writer: Writer, clock: Clock) -> None:
        self._charge_point = charge_point
        self._writer = writer
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, raw: bytes, reason: str) -> None:
        """Take a frame down."""
        if reason not in self._kinds and len(self._kinds) >= MAX_KINDS:
            reason = next(reversed(self._kinds))
        known = self._kinds.get(reason)
        if known is not None:
            known.repeats += 1
            return
        self._kinds[reason] = _Kind(raw[:MAX_RAW], self._clock.now())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Hand over to the writer what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._kinds:
            kinds, self._kinds = self._kinds, {}
            self._writer.submit(partial(_keep, self._charge_point, kinds), partial(_settled, self._charge_point))


def _keep(charge_point: str, kinds: dict[str, _Kind], tx: WriteTx) -> None:
    for reason, kind in kinds.items():
        quarantine.insert(tx.connection, charge_point, kind.raw, reason, kind.at, repeats=kind.repeats)


def _settled(charge_point: str, _: None, error: Exception | None) -> None:
    if error is not None:
        _log.warning("quarantine_failed", charge_point=charge_point, error=str(error))
