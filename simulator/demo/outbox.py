"""How far an edge's outbox has come, and the watch on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from simulator.demo.apis import Api
from simulator.demo.errors import DemoError

_POLL_S = 0.25


@dataclass(slots=True)
class Outbox:
    """An edge's outbox as its API last told.

    Attributes:
        head: The newest number of each stream.
        acknowledged: What the cloud has committed of it.
        link: The state of the line to the cloud, in the edge's words.
    """

    head: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    link: str = "unknown"

    @property
    def depth(self) -> dict[str, int]:
        """Events of each stream that the cloud has not acknowledged."""
        return {stream: head - self.acknowledged.get(stream, 0) for stream, head in self.head.items()}

    def reached(self, heads: dict[str, int]) -> bool:
        """Whether the cloud has everything up to these numbers."""
        return bool(self.head) and all(self.acknowledged.get(stream, 0) >= head for stream, head in heads.items())

    async def refresh(self, edge: Api) -> None:
        """Ask the edge.

        Raises:
            DemoError: It does not answer.
        """
        answer = await edge.get("/api/v1/outbox")
        self.head = {stream: state["head"] for stream, state in answer["streams"].items()}
        self.acknowledged = {stream: state["acknowledged"] for stream, state in answer["streams"].items()}
        self.link = answer["link"]["state"]

    async def watch(self, edge: Api) -> None:
        """Ask again and again until cancelled. An edge that is busy is asked later."""
        while True:
            try:
                await self.refresh(edge)
            except DemoError:
                self.link = "no answer"
            await asyncio.sleep(_POLL_S)
