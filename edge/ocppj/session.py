"""The RPC state of one connection (OCPP-J 1.6 §4.1 "Synchronicity"): what a message means, given what went before.

Per direction one CALL may be open; calls of both sides may cross. The owner does the I/O:

    receive(text) ─┬─ Call         → handle it, then answer() or refuse() gives the text to send
                   ├─ Reply        → send its text (a repeat, or a frame that cannot be read)
                   ├─ Settled      → our open call has its answer
                   └─ Ignored      → nothing to do

A message that is no JSON is mended first (`ocppj.mending`). What is `odd` should be kept as it came.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from edge.errors import LocalProtocolError, RemoteProtocolError
from edge.ocppj.frames import (
    Call,
    CallError,
    CallResult,
    MessageId,
    dump_call,
    dump_call_error,
    dump_call_result,
    parse,
)
from edge.ocppj.mending import mend
from edge.ocppj.repairs import EVERY_REPAIR, Repair

REMEMBERED_ANSWERS = 100
REMEMBERED_CALLS = 20
NEVER_REMEMBERED = frozenset({"Authorize", "BootNotification", "Heartbeat"})
"""Their answer is of this moment, the time or an id tag's status: a stale one does harm, a second one none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this."""

    text: bytes
    reason: str
    odd: bool = False
    """Whether the message could not be understood."""
    action: str | None = None
    """What was asked for; `None`: it cannot be read."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Our open call ended."""

    action: str
    answer: CallResult | CallError


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do."""

    reason: str
    odd: bool = False
    """Whether the message could not be understood."""
    action: str | None = None
    """What an answer that comes too late answers; `None`: it is none, or not known."""


@dataclass(frozen=True, slots=True)
class _OpenCall:
    message_id: str
    action: str


class Session:
    """One connection's RPC state."""

    __slots__ = ("_answers", "_asked", "_open", "_received", "repairs")

    def __init__(self) -> None:
        self.repairs: Collection[Repair] = EVERY_REPAIR
        """What may be mended in a text that is no JSON: everything as long as nobody knows whose it is."""
        self._open: _OpenCall | None = None
        self._asked: OrderedDict[MessageId, str] = OrderedDict()
        self._answers: dict[MessageId, tuple[int, bytes]] = {}
        self._received: int | None = None

    @property
    def calling(self) -> bool:
        """Whether a call of ours waits for its answer."""
        return self._open is not None

    def receive(self, text: str | bytes) -> Call | Reply | Settled | Ignored:
        """Take one message."""
        try:
            frame = parse(text)
        except RemoteProtocolError as error:
            mended = mend(text, error, self.repairs)
            if mended is None:
                return _unreadable(error)
            frame = mended
        if isinstance(frame, Call):
            return self._receive_call(frame, text)
        if frame is None:
            return Ignored("The message has an unknown type.", odd=True) if text else Ignored("empty")
        return self._receive_answer(frame)

    def answer(self, call: Call, payload: dict[str, Any]) -> bytes:
        """Write the CALLRESULT to a call, and remember it for an exact repeat."""
        text = dump_call_result(call.message_id, payload)
        if self._received is not None:
            self._answers[call.message_id] = (self._received, text)
            if len(self._answers) > REMEMBERED_ANSWERS:
                del self._answers[next(iter(self._answers))]
        return text

    def refuse(self, message_id: MessageId, code: str, description: str) -> bytes:
        """Write a CALLERROR. Not remembered: a repeat is a new chance."""
        return dump_call_error(message_id, code, description)

    def call(self, message_id: str, action: str, payload: dict[str, Any]) -> bytes:
        """Open a call of ours and write it.

        Raises:
            LocalProtocolError: one is open already.
        """
        if self._open is not None:
            raise LocalProtocolError(f"{self._open.action} is still open; OCPP-J allows one call at a time.")
        text = dump_call(message_id, action, payload)  # what cannot be written opens no call
        self._open = _OpenCall(message_id, action)
        self._asked[message_id] = action
        if len(self._asked) > REMEMBERED_CALLS:
            self._asked.popitem(last=False)
        return text

    def abandon(self) -> None:
        """Stop waiting for the open call; an answer that comes later is ignored."""
        self._open = None

    def _receive_call(self, call: Call, text: str | bytes) -> Call | Reply:
        """Recognise an exact repeat. Another message under an id that was used before is new: some count from zero."""
        if call.action in NEVER_REMEMBERED:
            self._received = None
            return call
        self._received = hash(text)
        fingerprint, answer = self._answers.get(call.message_id, (None, b""))
        if fingerprint == self._received:
            return Reply(answer, "the same message came again", action=call.action)
        return call

    def _receive_answer(self, frame: CallResult | CallError) -> Settled | Ignored:
        if self._open is None or frame.message_id != self._open.message_id:
            return Ignored(
                "an answer to no open call: late, or never asked for", action=self._asked.get(frame.message_id)
            )
        action, self._open = self._open.action, None
        return Settled(action, frame)


def _unreadable(error: RemoteProtocolError) -> Reply | Ignored:
    if error.message_id is None:
        return Ignored(str(error), odd=True)
    return Reply(dump_call_error(error.message_id, error.code, str(error)), str(error), odd=True, action=error.action)
