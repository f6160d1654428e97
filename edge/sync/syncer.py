"""The loop of the link: a task pushes, one pulls commands, one the directory. A cloud that is away changes nothing."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from contract.streams import Stream
from edge.clock import Clock
from edge.errors import StoreUnavailableError
from edge.store import identity, outbox
from edge.store.readers import Readers
from edge.store.writer import Writer
from edge.sync.backoff import Backoff, Pace
from edge.sync.carrier import Carrier, Conflict, Refused, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.directory import CHECK_EVERY_S, DirectoryFollower
from edge.sync.link import Greet, LinkState, Prepare, Push, SetAside, Wait
from edge.sync.pulling import WAIT_S, Pulled, Puller
from edge.sync.pushing import Edge, Pusher, Turns

LEAST_POLL_S = 1.0
"""From a question for commands that was answered with none to the next: not every cloud holds its answer back."""

_log = structlog.get_logger()


class LinkCondition(StrEnum):
    """The state of the link as an operator sees it."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    OFFLINE = "offline"
    REFUSED = "refused"
    """The cloud does not accept this edge's credentials."""
    FORKED = "forked"
    """The cloud knows another past of this edge; nothing is sent."""


_CONDITIONS = {
    LinkState.READY: LinkCondition.CONNECTED,
    LinkState.REFUSED: LinkCondition.REFUSED,
    LinkState.FORKED: LinkCondition.FORKED,
}


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How far one stream is."""

    head: int
    """The newest event in the outbox."""
    acknowledged: int
    """The cloud's committed cursor, as last told."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A snapshot for the local API and for metrics."""

    condition: LinkCondition
    since: datetime
    """When it came into this condition."""
    last_success_at: datetime | None
    """When the cloud last answered with a yes; `None`: not since this process started."""
    last_error: str | None
    """In words; stays after it is over."""
    streams: dict[Stream, StreamStatus]


class Syncer:
    """Keeps the cloud a replica of this edge.

    Args:
        edge: our name and release.
        writer: its `on_events` hook calls `wake`.
        readers: read beside the writer.
        clock: the machine's clocks.
        carrier: HTTPS or another; closed by whoever made it.
        on_commands: called after new command items were committed.
        turns: told how greetings end.
        chance: a number in [0, 1) at each call.
        pace: how long to wait for what.
        wait_s: of the long poll for commands.
        check_directory_s: seconds from one look at the whole directory to the next.
    """

    def __init__(
        self,
        *,
        edge: Edge,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        carrier: Carrier,
        on_commands: Callable[[], None] = lambda: None,
        turns: Turns | None = None,
        chance: Callable[[], float] = random.random,
        pace: Pace | None = None,
        wait_s: float = WAIT_S,
        check_directory_s: float = CHECK_EVERY_S,
    ) -> None:
        who, heads = readers.run_now(identity.read), readers.run_now(outbox.heads)
        self._readers = readers
        self._clock = clock
        self._on_commands = on_commands
        self._delivery = Delivery(epoch=who.epoch, heads=heads, chance=chance, pace=pace)
        self._pusher = Pusher(
            edge=edge,
            writer=writer,
            readers=readers,
            clock=clock,
            carrier=carrier,
            delivery=self._delivery,
            who=who,
            turns=turns or Turns(),
            on_settled=self.wake,
        )
        self._puller = Puller(writer=writer, readers=readers, clock=clock, carrier=carrier, wait_s=wait_s)
        self._pull_backoff = Backoff(pace or Pace(), chance)
        self._directory = DirectoryFollower(
            writer=writer,
            readers=readers,
            clock=clock,
            carrier=carrier,
            backoff=Backoff(pace or Pace(), chance),
            on_conflict=self._directory_contradicts,
            check_every_s=check_directory_s,
        )
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._shown: LinkCondition | None = None
        self._since = clock.now()
        self._last_success_at: datetime | None = None

    def wake(self) -> None:
        """Look at the outbox: events were committed. Cheap; may be called at each commit."""
        self._wake.set()

    def status(self) -> LinkStatus:
        """Tell how the link is."""
        return LinkStatus(
            condition=self._condition(),
            since=self._since,
            last_success_at=self._last_success_at,
            last_error=self._delivery.error,
            streams={stream: StreamStatus(flow.head, flow.cursor) for stream, flow in self._delivery.flows.items()},
        )

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._push_for_ever(group), name="link up")
            group.create_task(self._pull_for_ever(), name="link down")
            group.create_task(self._directory.run(self._ready), name="directory down")

    async def _push_for_ever(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            self._look()
            match self._delivery.next(self._clock.monotonic()):
                case Wait(until):
                    await self._sleep(until)
                case action:
                    group.create_task(self._carry_out(action), name=f"link {type(action).__name__}")

    def _look(self) -> None:
        """Learn the outbox's heads: three index look-ups."""
        try:
            heads = self._readers.run_now(outbox.heads)
        except sqlite3.Error as error:
            _log.warning("outbox_not_read", error=str(error))
            return
        numbers = {stream: head.head for stream, head in heads.items()}
        self._delivery.heads_changed(numbers, self._clock.monotonic())

    async def _carry_out(self, action: Greet | Push | Prepare | SetAside) -> None:
        self._note(answered=await self._pusher.carry_out(action))
        self.wake()

    async def _sleep(self, until: float | None) -> None:
        pause = None if until is None else max(0.0, until - self._clock.monotonic())
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _pull_for_ever(self) -> None:
        not_before = 0.0
        while True:
            await self._ready.wait()
            if (pause := max(self._pull_backoff.until, not_before) - self._clock.monotonic()) > 0:
                await asyncio.sleep(pause)
                continue
            asked_at = self._clock.monotonic()
            try:
                outcome: Pulled | Conflict | Refused | Unavailable = await self._puller.pull()
            except (StoreUnavailableError, sqlite3.Error) as error:
                outcome = Unavailable(f"The edge's own store failed: {error}", lost=False)
            except Exception as error:  # noqa: BLE001 - the task border: the link must never take the edge down
                _log.exception("command_pull_broke")
                outcome = Unavailable(f"Commands could not be pulled: {type(error).__name__}", lost=False)
            is_empty = isinstance(outcome, Pulled) and not outcome.items
            not_before = asked_at + LEAST_POLL_S if is_empty else 0.0
            self._pulled(outcome)

    def _pulled(self, outcome: Pulled | Conflict | Refused | Unavailable) -> None:
        now = self._clock.monotonic()
        match outcome:
            case Pulled(items, is_news, directory):
                if directory is not None:
                    self._directory.told(directory)
                if items:
                    self._on_commands()
                if items and not is_news:  # a cloud that repeats itself must not make us spin
                    self._pull_backoff.failed(now)
                else:
                    self._pull_backoff.succeeded()
            case Unavailable():
                self._pull_backoff.failed(now, outcome.retry_after_s, busy=outcome.busy)
                self._delivery.reported(outcome, now)
            case _:
                self._pull_backoff.failed(now)
                self._delivery.reported(outcome, now)
        self._note(answered=isinstance(outcome, Pulled))
        self.wake()

    def _directory_contradicts(self, outcome: Conflict) -> None:
        self._delivery.reported(outcome, self._clock.monotonic())
        self._note(answered=False)
        self.wake()

    def _note(self, *, answered: bool) -> None:
        """Take stock after an exchange; only a change is worth a line in the log."""
        if answered:
            self._last_success_at = self._clock.now()
        if self._delivery.state is LinkState.READY:
            if not self._ready.is_set():
                self._directory.greeted()
            self._ready.set()
        else:
            self._ready.clear()
        if (condition := self._condition()) is not self._shown:
            self._shown = condition
            self._since = self._clock.now()
            log = _log.error if condition in {LinkCondition.REFUSED, LinkCondition.FORKED} else _log.info
            log("link_changed", condition=condition.value, last_error=self._delivery.error)

    def _condition(self) -> LinkCondition:
        if (condition := _CONDITIONS.get(self._delivery.state)) is not None:
            return condition
        return LinkCondition.OFFLINE if self._delivery.failures else LinkCondition.CONNECTING
