"""A WebSocket whose messages may be heard directly as they arrive, without waking a reading task (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

Listener = Callable[[bytes], bool]
"""Takes one whole message; `False`: not now, keep it in the queue."""


class Line(ServerConnection):
    """The library's connection with a shortcut past its queue.

    A whole message that finds the queue empty is offered to `listener`. Everything else (fragments, messages that come
    before the last one is answered) goes through the library's queue and its flow control, and is read with `next`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **options)
        self.charge_point = ""
        """The identity that the opening handshake found in the URL."""
        self.authenticated = False
        self.listener: Listener | None = None
        self._queued = 0

    def process_event(self, event: Any) -> None:  # noqa: ANN401 - the library's own
        """Offer a whole message to the listener, else queue it."""
        if isinstance(event, Frame) and (event.opcode is Opcode.TEXT or event.opcode is Opcode.BINARY):
            if self._queued == 0 and event.fin and self.listener is not None and self.listener(bytes(event.data)):
                return
            self._queued += 1
        super().process_event(event)

    async def next(self) -> bytes:
        """Wait for the next message that was not heard directly. Call `taken` when it is dealt with.

        Raises:
            websockets.ConnectionClosed: the connection ended.
        """
        return await self.recv(decode=False)

    def taken(self) -> None:
        """The message that `next` gave is dealt with, so that those after it may be heard directly again."""
        self._queued -= 1
