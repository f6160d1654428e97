"""Our own calls on one connection: one at a time, the most urgent first, each with its time-out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from edge.central_system.turns import Turns
from edge.clock import Clock
from edge.domain.urgency import urgency
from edge.errors import (
    CallFailedError,
    CallTimeoutError,
    ConnectionBrokeError,
    NotConnectedError,
    TooLateError,
    UnreadableAnswerError,
)
from edge.ocppj.frames import CallError, CallResult
from edge.ocppj.session import Session

TIMEOUTS_BEFORE_GIVING_UP = 3
"""Unanswered calls in a row: the charge point sends but does not listen, and a new connection is its cure."""

LONGEST_SLEEP_S = 0.5
"""A pause may be shortened while it is waited for."""


class Calls:
    """The outbound half of a connection (OCPP-J 1.6 §4.1.1 "Synchronicity").

    Args:
        charge_point: its identity, for people.
        session: the connection's RPC state, which the inbound half shares.
        clock: measures pauses.
        timeout_s: how long an answer is waited for.
        require: raises `NotConnectedError` when the charge point may not be asked for an action now.
        send: writes a frame, which belongs to this action, without waiting.
        unanswered: told when several calls in a row had no answer.
        answered: told when a call was answered.
        theirs_answered: set while no call of the charge point waits for its answer. Some answer nothing before that.
    """

    def __init__(
        self,
        charge_point: str,
        session: Session,
        clock: Clock,
        *,
        timeout_s: float,
        require: Callable[[str], None],
        send: Callable[[bytes, str], None],
        unanswered: Callable[[], None],
        answered: Callable[[], None],
        theirs_answered: asyncio.Event,
    ) -> None:
        self._charge_point = charge_point
        self._session = session
        self._clock = clock
        self._timeout_s = timeout_s
        self._require = require
        self._send = send
        self._unanswered = unanswered
        self._answered = answered
        self._theirs_answered = theirs_answered
        self._turns = Turns()
        self._waiting: asyncio.Future[CallResult | CallError] | None = None
        self._numbers = itertools.count(1)
        self._timeouts = 0
        self._ready_at = 0.0
        self._closed = False

    def pause(self, seconds: float) -> None:
        """Send nothing before so many seconds have passed from now."""
        self._ready_at = self._clock.monotonic() + seconds

    def settle(self, answer: CallResult | CallError) -> None:
        """Take the answer to the call that is open."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def close(self) -> None:
        """End: the open call fails at once, and so do those that wait for their turn."""
        self._closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(
                ConnectionBrokeError(
                    f"The connection of {self._charge_point} broke before it answered.",
                    hint="It may or may not have obeyed; look at its state before you ask again.",
                )
            )

    async def call(self, action: str, payload: dict[str, Any], may_send: Callable[[], bool]) -> dict[str, Any]:
        """Send a call when its turn has come. See `operations.caller.Caller.call`."""
        async with self._turns.turn(urgency(action)):
            await self._may_begin()
            if self._closed:
                raise NotConnectedError(f"The connection of {self._charge_point} broke before {action} was sent.")
            self._require(action)
            if not may_send():
                raise TooLateError(f"{action} was not sent: its deadline had passed.")
            answer = await self._exchange(action, payload)
        if isinstance(answer, CallError):
            raise CallFailedError(answer.code, answer.description)
        if not isinstance(answer.payload, dict):
            raise UnreadableAnswerError
        return answer.payload

    async def _may_begin(self) -> None:
        """Wait until its own calls are answered and it has had its pause; a boot meanwhile begins a new one."""
        while not self._closed:
            await self._theirs_answered.wait()
            pause_s = self._ready_at - self._clock.monotonic()
            if pause_s <= 0:
                return
            await asyncio.sleep(min(pause_s, LONGEST_SLEEP_S))

    async def _exchange(self, action: str, payload: dict[str, Any]) -> CallResult | CallError:
        text = self._session.call(f"gardu-{next(self._numbers)}", action, payload)
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            self._send(text, action)
            async with asyncio.timeout(self._timeout_s):
                answer = await self._waiting
        except TimeoutError as error:
            self._count_timeout()
            raise CallTimeoutError(
                f"{self._charge_point} did not answer {action} within {self._timeout_s:g} s.",
                hint="It may or may not have obeyed; look at its state before you ask again.",
            ) from error
        finally:
            self._session.abandon()
            self._waiting = None
        self._timeouts = 0
        self._answered()
        return answer

    def _count_timeout(self) -> None:
        self._timeouts += 1
        if self._timeouts == TIMEOUTS_BEFORE_GIVING_UP:
            self._timeouts = 0
            self._unanswered()
