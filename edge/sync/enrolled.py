"""A carrier that first makes this edge known, where that has not happened yet. Its failures are those of a greeting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from contract.directory import DirectoryRequest
from contract.link import Greeting
from contract.live import LiveNews
from edge.sync.carrier import (
    Carrier,
    DirectoryOutcome,
    GreetOutcome,
    LiveOutcome,
    PullOutcome,
    PushOutcome,
    Refused,
    Unavailable,
)
from edge.sync.packing import Packed

Prepare = Callable[[], Awaitable[Carrier | Refused | Unavailable]]
"""Enrols if that is needed, and gives the carrier to go on with."""

_NOT_YET = Unavailable("This edge is not enrolled yet.")


class EnrollingCarrier:
    """Passes everything on, once there is somebody to pass it to. A greeting begins each connection.

    Args:
        prepare: called at each greeting until it gives a carrier.
    """

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._carrier: Carrier | None = None

    async def greet(self, greeting: Greeting) -> GreetOutcome:
        """See `Carrier.greet`."""
        if self._carrier is None:
            prepared = await self._prepare()
            if isinstance(prepared, Refused | Unavailable):
                return prepared
            self._carrier = prepared
        return await self._carrier.greet(greeting)

    async def push(self, batch: Packed) -> PushOutcome:
        """See `Carrier.push`."""
        return _NOT_YET if self._carrier is None else await self._carrier.push(batch)

    async def pull_commands(
        self,
        after: int,
        *,
        wait_s: float,
        directory: int | None = None,
        epoch: int | None = None,
        last: UUID | None = None,
    ) -> PullOutcome:
        """See `Carrier.pull_commands`."""
        if self._carrier is None:
            return _NOT_YET
        return await self._carrier.pull_commands(after, wait_s=wait_s, directory=directory, epoch=epoch, last=last)

    async def pull_directory(self, request: DirectoryRequest) -> DirectoryOutcome:
        """See `Carrier.pull_directory`."""
        return _NOT_YET if self._carrier is None else await self._carrier.pull_directory(request)

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        """See `Carrier.tell_live`."""
        return _NOT_YET if self._carrier is None else await self._carrier.tell_live(news)

    async def close(self) -> None:
        """See `Carrier.close`."""
        if self._carrier is not None:
            await self._carrier.close()
