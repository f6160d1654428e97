"""The queue of transaction-related messages and the arithmetic of its retries (OCPP 1.6 ed. 2 §3.7). No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import timedelta

from simulator.transaction import TransactionMessage


class TransactionQueue:
    """Messages in the order in which they arose. Only the head may be sent; it blocks those behind it.

    The queue belongs to the charge point, not to a connection, so it survives every loss of the line.
    """

    def __init__(self) -> None:
        self._messages: deque[TransactionMessage] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[TransactionMessage]:
        return iter(self._messages)

    @property
    def head(self) -> TransactionMessage | None:
        """The message to send next; `None` when all are delivered."""
        return self._messages[0] if self._messages else None

    def append(self, message: TransactionMessage) -> None:
        """Put a message behind all others."""
        self._messages.append(message)

    def acknowledge(self) -> TransactionMessage:
        """The head was answered: take it off.

        Raises:
            IndexError: The queue is empty.
        """
        return self._messages.popleft()

    def fail(self, attempts_allowed: int, retry_interval: timedelta) -> timedelta | None:
        """The head was sent, but the central system failed to process it, or did not answer in time (§3.7.1).

        A line that went down is no such failure: do not call this for it.

        Args:
            attempts_allowed: TransactionMessageAttempts.
            retry_interval: TransactionMessageRetryInterval.

        Returns:
            How long to wait before the next attempt: the interval times the attempts so far. `None`: the last
            attempt is used up and the message was dropped.

        Raises:
            IndexError: The queue is empty.
        """
        message = self._messages[0]
        message.attempts += 1
        if message.attempts >= attempts_allowed:
            self._messages.popleft()
            return None
        return retry_interval * message.attempts
