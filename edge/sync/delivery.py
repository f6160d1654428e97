"""What the link does next, whichever carrier: greet, push a batch, prepare one, set an event aside, or wait. No I/O.

Whoever drives it tells what happened (`heads_changed`, `greeted`, `pushed`, `reported`, …) and asks `next`.
`link` has the states and their transition table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from contract.batch import GENESIS
from contract.link import Cursor, GreetingAnswer, Parting, PushAnswer, StreamHead
from contract.streams import Stream
from edge.sync.backoff import Backoff, Pace
from edge.sync.carrier import Conflict, EventRefused, Refused, TooLarge, Unavailable
from edge.sync.flow import Flow
from edge.sync.link import TRANSITIONS, Acknowledge, Greet, Happened, LinkState, Prepare, Push, SetAside, Span, Wait

MOST_COMPARISONS = 12
"""In a row: with forty places each time, far more than the longest past needs."""

_COMPARES = frozenset({LinkState.COMPARING, LinkState.FORKED})


class Delivery:
    """The state machine of the link. A result with a ticket that is not under way (late, repeated) changes nothing.

    Args:
        epoch: under which our events are numbered.
        heads: what the outbox holds.
        chance: a number in [0, 1) at each call.
        pace: how long to wait for what.
    """

    def __init__(
        self, *, epoch: int, heads: Mapping[Stream, StreamHead], chance: Callable[[], float], pace: Pace | None = None
    ) -> None:
        pace = pace or Pace()
        self.state = LinkState.MUST_GREET
        self.error: str | None = None
        """The newest trouble in words; stays after it is over."""
        self.epoch = epoch
        """Under which our events go up; a greeting may raise it."""
        self._tickets = 0
        self._greeting: int | None = None
        self._link = Backoff(pace, chance)
        self._to_set_aside: deque[SetAside] = deque()
        self._spans: dict[Stream, Span] = {}
        """Where the pasts part, as far as the cloud has told."""
        self._comparisons = 0
        self.flows = {
            stream: Flow(
                stream,
                0.0 if stream is Stream.LEDGER else pace.linger_s,
                Backoff(pace, chance),
                cursor=heads[stream].acknowledged,
                head=heads[stream].head,
            )
            for stream in Stream
        }

    @property
    def failures(self) -> int:
        """How often in a row the link as a whole failed."""
        return self._link.failures

    def heads_changed(self, heads: Mapping[Stream, int], now: float) -> None:
        """Learn the newest number of each stream."""
        for stream, head in heads.items():
            self.flows[stream].grew(head, now)

    def next(self, now: float) -> Greet | Push | Prepare | SetAside | Wait:
        """Decide what to do; call again until it says `Wait`."""
        while self._to_set_aside:
            if self._under_way((action := self._to_set_aside.popleft()).ticket) is not None:
                return action
        if self._greeting is not None:
            return Wait(None)
        if self.state is LinkState.READY:
            push = self._next_push(now)
            return (self._next_to_prepare() or push) if isinstance(push, Wait) else push
        if any(flow.ticket is not None for flow in self.flows.values()):
            return Wait(None)  # their results belong to the past that the greeting settles
        if now < self._link.until:
            return Wait(self._link.until)
        self._greeting = self._ticket()
        return Greet(self._greeting, self._to_compare() if self.state in _COMPARES else None)

    def greeted(
        self, ticket: int, answer: GreetingAnswer, own: Mapping[Stream, bytes | None], now: float
    ) -> list[Acknowledge]:
        """The cloud answered a greeting; its cursors win.

        Args:
            ticket: of the `Greet`.
            answer: what came.
            own: our rolling hash at each cursor of the answer; `None`: that event is unknown here.
            now: seconds of the clock that `next` gets.

        Returns:
            Where the cloud stands, stream by stream; empty: our pasts do not agree.
        """
        if ticket != self._greeting:
            return []
        self._greeting = None
        if answer.partings is not None and self.state in _COMPARES and self._comparisons < MOST_COMPARISONS:
            self._narrow(answer.partings)
            return []
        if (doubt := self._doubt(answer, own)) is not None:
            self._diverged(doubt, now)
            return []
        self._stop_comparing()
        self._link.succeeded()
        self.epoch = answer.epoch  # a larger one was granted: the cloud takes this database as the edge's next life
        self._move(Happened.AGREED)
        return [self._resume(flow, answer, now) for flow in self.flows.values()]

    def greeting_failed(self, ticket: int, outcome: Conflict | Refused | Unavailable, now: float) -> None:
        """A greeting came to nothing."""
        if ticket != self._greeting:
            return
        self._greeting = None
        match outcome:
            case Conflict(why):
                self._diverged(why, now)
            case Refused():
                self.reported(outcome, now)
            case _:
                self._link.failed(now, outcome.retry_after_s, busy=outcome.busy)
                self._move(Happened.LOST, outcome.why)

    def put_together(self, ticket: int, last: int) -> None:
        """The batch of a `Push` was put together, and leaves; `last` is its last event."""
        if (flow := self._under_way(ticket)) is not None:
            flow.holds(last)

    def pushed(self, ticket: int, answer: PushAnswer, own: bytes | None, now: float) -> Acknowledge | None:
        """The cloud answered a batch.

        Args:
            ticket: of the `Push`.
            answer: its committed cursor.
            own: our rolling hash at that cursor; `None`: that event is unknown here.
            now: seconds of the clock that `next` gets.

        Returns:
            What to mark acknowledged; `None`: nothing.
        """
        if (flow := self._under_way(ticket)) is None:
            return None
        if answer.cursor < flow.cursor or own is None or own.hex() != answer.hash:
            why = f"The cloud's cursor {answer.cursor} of stream {flow.stream} does not fit what was sent."
            self._failed(flow, Conflict(why), now)
            return None
        if answer.cursor == flow.cursor:
            why = f"The cloud answered a batch of stream {flow.stream} without committing any of it."
            self._failed(flow, Unavailable(why, lost=False), now)
            return None
        flow.advance(answer.cursor)
        flow.settled(now)
        if self.state is LinkState.READY:
            self._link.succeeded()
        return Acknowledge(flow.stream, answer.cursor, own)

    def push_failed(
        self, ticket: int, outcome: Conflict | TooLarge | EventRefused | Refused | Unavailable, now: float
    ) -> None:
        """A batch was not taken."""
        if (flow := self._under_way(ticket)) is not None:
            self._failed(flow, outcome, now)

    def was_set_aside(self, ticket: int, now: float, *, done: bool) -> None:
        """The driver has committed a `SetAside`, or could not (`done` false)."""
        if (flow := self._under_way(ticket)) is not None:
            if not done:
                flow.backoff.failed(now)
            flow.settled(now)

    def reported(self, outcome: Conflict | Refused | Unavailable, now: float) -> None:
        """Another exchange of the link (pulling commands) saw something that concerns all of it."""
        match outcome:
            case Refused(why):
                self._link.slow(now)
                self._move(Happened.REFUSED, why)
            case Conflict(why):
                self._move(Happened.CONTRADICTED, why)
            case _:
                self.error = outcome.why
                if outcome.retry_after_s is not None and not outcome.busy:  # then only this exchange has to wait
                    self._link.failed(now, outcome.retry_after_s)
                if outcome.lost:
                    self._move(Happened.LOST, outcome.why)

    def _next_push(self, now: float) -> Push | Wait:
        if now < self._link.until:
            return Wait(self._link.until)
        until: float | None = None
        for flow in self.flows.values():
            at = flow.ready_at()
            if at is not None and at <= now:
                flow.sent(self._ticket())
                return Push(self._tickets, flow.stream, flow.cursor, flow.limit, flow.max_bytes)
            if flow.is_draining():
                break
            if at is not None:
                until = at if until is None else min(until, at)
        return Wait(until)

    def _next_to_prepare(self) -> Prepare | None:
        for flow in self.flows.values():
            if (follows := flow.follows()) is not None:
                return Prepare(flow.stream, *follows)
        return None

    def _failed(
        self, flow: Flow, outcome: Conflict | TooLarge | EventRefused | Refused | Unavailable, now: float
    ) -> None:
        self.error = outcome.why
        match outcome:
            case EventRefused(seq, why) if flow.cursor < seq <= flow.head:
                assert flow.ticket is not None  # noqa: S101 - `_under_way` found it by its ticket
                self._to_set_aside.append(SetAside(flow.ticket, flow.stream, seq, why))
                return  # the stream stays busy until that is done
            case TooLarge():
                if not flow.halve():
                    flow.backoff.failed(now)
            case EventRefused():
                flow.backoff.failed(now)
            case Unavailable():
                if outcome.heavy:
                    flow.halve()
                flow.backoff.failed(now, outcome.retry_after_s if outcome.busy else None, busy=outcome.busy)
                self.reported(outcome, now)
            case _:
                flow.backoff.failed(now)
                self.reported(outcome, now)
        flow.settled(now)

    def _resume(self, flow: Flow, answer: GreetingAnswer, now: float) -> Acknowledge:
        told = answer.streams.get(flow.stream) or Cursor(cursor=0, hash=GENESIS.hex())
        flow.resume(told.cursor, most_events=answer.max_batch_events, most_bytes=answer.max_batch_bytes, now=now)
        return Acknowledge(flow.stream, told.cursor, bytes.fromhex(told.hash))

    def _to_compare(self) -> dict[Stream, Span]:
        return {stream: self._spans.get(stream) or Span(0, flow.head) for stream, flow in self.flows.items()}

    def _narrow(self, partings: Mapping[Stream, Parting]) -> None:
        """Show less and closer next time, at once."""
        self._comparisons += 1
        for stream, parting in partings.items():
            self._spans[stream] = Span(parting.same, parting.other or self.flows[stream].head)
        self._link.succeeded()
        self._move(Happened.NARROWED)

    def _diverged(self, why: str, now: float) -> None:
        """Our past is another one than the cloud's: compare them at once; where that was of no use, again slowly."""
        if self.state in _COMPARES:
            self._link.slow(now)
        else:
            self._link.succeeded()
        self._stop_comparing()
        self._move(Happened.DIVERGED, why)

    def _stop_comparing(self) -> None:
        self._spans, self._comparisons = {}, 0

    def _doubt(self, answer: GreetingAnswer, own: Mapping[Stream, bytes | None]) -> str | None:
        """Say why the cloud's past is not ours; `None`: it is."""
        if answer.partings is not None:
            return "The cloud compares for ever, and does not find where its past of this edge parts from ours."
        if answer.epoch < self.epoch:
            return f"The cloud is in epoch {answer.epoch} of this edge, which is in epoch {self.epoch} already."
        for stream, told in answer.streams.items():
            head, mine = self.flows[stream].head, own.get(stream)
            if told.cursor > head:
                return f"The cloud holds {told.cursor} events of stream {stream}, this edge gave only {head}."
            if mine is None:
                return f"Event {told.cursor} of stream {stream}, where the cloud stands, is no longer kept here."
            if mine.hex() != told.hash:
                return f"The cloud's event {told.cursor} of stream {stream} is another one than ours."
        return None

    def _under_way(self, ticket: int) -> Flow | None:
        return next((flow for flow in self.flows.values() if flow.ticket == ticket), None)

    def _move(self, happened: Happened, why: str | None = None) -> None:
        self.state = TRANSITIONS[self.state][happened]
        self.error = why or self.error

    def _ticket(self) -> int:
        self._tickets += 1
        return self._tickets
