"""A WebSocket whose messages may be heard directly as they arrive (docs/adr/0007).

The library's connection, with a shortcut for what nearly every message of a charge point is: one whole, unfragmented
text frame (RFC 6455 §5.2) in one piece of data, at a moment when nothing else waits. All else is the library's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]
from websockets.protocol import State

from edge.domain.security_profile import SecurityProfile

Listener = Callable[[bytes], bool]
"""Takes one whole message; `False`: not now, keep it in the queue."""

FINAL_TEXT = 0x81
MASKED = 0x80
SHORT, MEDIUM = 126, 127
"""A length below the first stands in the header's second byte; the first means two bytes more, the second eight."""
MASK_BYTES = 4
SMALLEST = 2 + MASK_BYTES
"""Bytes of an empty frame."""
_SHORT_HEADERS = tuple(bytes((FINAL_TEXT, size)) for size in range(SHORT))
END_OF_HEADERS = b"\r\n\r\n"


class Line(ServerConnection):
    """One connection.

    A message that finds the queue empty is offered to `listener`. Fragments, and messages that come before the last one
    is answered, go through the library's queue and its flow control, and are read with `next`.
    """

    __slots__ = (
        "_aligned",
        "_queued",
        "authenticated",
        "charge_point",
        "generation",
        "listener",
        "profile",
        "protocol",
        "request",
        "transport",
        "witness",
    )
    # Also the library's own that each message needs: side by side, they are in the processor's cache together.

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **options)
        self.charge_point = ""
        """The identity that the opening handshake found in the URL."""
        self.authenticated = False
        self.profile = SecurityProfile.NONE
        """Of the entrance that it came to."""
        self.generation: int | None = None
        """Of the key that it showed; `None`: it showed none."""
        self.listener: Listener | None = None
        self.witness: Callable[[bool], None] = lambda _: None
        """Told of every other sign of life: `True`, a pong; `False`, a ping or a piece of a message."""
        self._queued = 0
        self._aligned = False
        """Whether the next piece of data is known to begin with a frame."""

    def data_received(self, data: bytes) -> None:
        """Hear a piece of data that is one whole message; the library reads all others.

        Once a frame came in several pieces the library alone knows where the next one begins, so it reads them all from
        then on.
        """
        if self._aligned:
            start, end = span(data)
            self._aligned = end == len(data)
            if self._aligned and data[0] == FINAL_TEXT and self._queued == 0 and self.protocol.state is State.OPEN:
                message = apply_mask(data[start:], data[start - MASK_BYTES : start])
                if self.listener is not None and self.listener(message):
                    return
        elif self.request is None:
            self._aligned = data.endswith(END_OF_HEADERS)
        self.witness(False)
        super().data_received(data)

    def process_event(self, event: Any) -> None:  # noqa: ANN401 - the library's own
        """Offer a whole message to the listener, else queue it."""
        if isinstance(event, Frame) and (event.opcode is Opcode.TEXT or event.opcode is Opcode.BINARY):
            if self._queued == 0 and event.fin and self.listener is not None and self.listener(bytes(event.data)):
                return
            self._queued += 1
        elif isinstance(event, Frame) and event.opcode is Opcode.PONG:
            self.witness(True)
        super().process_event(event)

    def write(self, text: bytes) -> None:
        """Send a text message without waiting; on a connection that is closing it goes nowhere."""
        if self.protocol.state is State.OPEN:
            self.transport.write(framed(text))  # the library keeps nothing back that would have to go before

    async def next(self) -> bytes:
        """Wait for the next message that was not heard directly. Call `taken` when it is dealt with.

        Raises:
            websockets.ConnectionClosed: the connection ended.
        """
        return await self.recv(decode=False)

    def taken(self) -> None:
        """The message that `next` gave is dealt with, so that those after it may be heard directly again."""
        self._queued -= 1


def framed(text: bytes) -> bytes:
    """Make one whole text frame of a message (RFC 6455 §5.2); what a server sends is not masked."""
    size = len(text)
    if size < SHORT:
        return _SHORT_HEADERS[size] + text
    if size < 1 << 16:
        return bytes((FINAL_TEXT, SHORT)) + size.to_bytes(2, "big") + text
    return bytes((FINAL_TEXT, MEDIUM)) + size.to_bytes(8, "big") + text


def span(data: bytes) -> tuple[int, int]:
    """Find where the payload of the masked frame at the beginning of `data` starts, and where it ends.

    The end lies elsewhere than `len(data)` when `data` is no single whole frame that a client may send.
    """
    if len(data) < SMALLEST or data[1] < MASKED:
        return 0, -1
    size, start = data[1] - MASKED, 2
    if size == SHORT:
        size, start = data[2] << 8 | data[3], 4
    elif size == MEDIUM:
        size, start = int.from_bytes(data[2:10], "big"), 10
    start += MASK_BYTES
    return start, start + size
