"""Whatever the network does and whoever crashes: the cloud ends with exactly what the edge recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contract.batch import GENESIS, BatchHeader, encode_batch, next_hash
from contract.events import Skipped
from contract.link import GreetingAnswer, PushAnswer, StreamHead
from contract.streams import Stream
from edge.sync.carrier import Conflict, EventRefused, Refused, TooLarge, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.link import Acknowledge, Greet, LinkState, Prepare, Push, SetAside, Wait
from tests.unit.edge_link.model_cloud import POISON, ModelCloud

Answer = GreetingAnswer | PushAnswer | Conflict | TooLarge | EventRefused | Refused | Unavailable
SILENCE = Unavailable("silence", heavy=True)
STREAMS = st.sampled_from(list(Stream))


@dataclass
class Row:
    event: bytes
    hash: bytes


@dataclass
class Message:
    action: Greet | Push
    body: bytes
    process: int


@dataclass
class Reply:
    action: Greet | Push
    answer: Answer


class LinkMachine(RuleBasedStateMachine):
    """The edge's disk, its process, a network that loses, repeats and reorders, and the model cloud."""

    @initialize()
    def switch_on(self) -> None:
        self.outbox: dict[Stream, list[Row]] = {stream: [] for stream in Stream}
        self.quarantine: list[bytes] = []
        self.acknowledged = dict.fromkeys(Stream, 0)
        self.cloud = ModelCloud()
        self.requests: list[Message] = []
        self.replies: list[Reply] = []
        self.now = 0.0
        self.process = 0
        self.start_edge()
        for stream in Stream:
            self.edge_records(stream, 5, poison=False)

    def start_edge(self) -> None:
        self.process += 1
        self.ahead: dict[Stream, Prepare] = {}
        """What is prepared, as long as nothing but a batch that was taken came in between."""
        self.replies.clear()
        self.delivery = Delivery(epoch=1, heads=self.heads(), chance=lambda: 0.5)

    def heads(self) -> dict[Stream, StreamHead]:
        return {
            stream: StreamHead(
                head=len(rows),
                acknowledged=self.acknowledged[stream],
                oldest_kept=1 if rows else 0,
                hash=self.own_hash(stream, len(rows)).hex(),
            )
            for stream, rows in self.outbox.items()
        }

    def own_hash(self, stream: Stream, seq: int) -> bytes:
        return self.outbox[stream][seq - 1].hash if seq else GENESIS

    @rule(stream=STREAMS, count=st.sampled_from([1, 2, 40, 700]), poison=st.sampled_from([False, False, False, True]))
    def edge_records(self, stream: Stream, count: int, *, poison: bool) -> None:
        rows = self.outbox[stream]
        for n in range(count):
            kind = POISON if poison and n == count // 2 else "Fine.v1"
            event = json.dumps({"seq": len(rows) + 1, "type": kind}).encode()
            rows.append(Row(event, next_hash(self.own_hash(stream, len(rows)), event)))
        self.delivery.heads_changed({stream: len(rows) for stream, rows in self.outbox.items()}, self.now)

    @rule()
    def edge_acts(self) -> None:
        self.act()

    def act(self) -> Greet | Push | Prepare | SetAside | Wait:
        action = self.delivery.next(self.now)
        match action:
            case Greet():
                assert not any(flow.ticket for flow in self.delivery.flows.values())
                self.requests.append(Message(action, b"", self.process))
                self.ahead.clear()
            case Push():
                assert self.delivery.state is LinkState.READY
                ahead = self.ahead.pop(action.stream, None)
                assert ahead is None or ahead.is_for(action)
                last = min(action.after + action.limit, len(self.outbox[action.stream]))
                self.requests.append(Message(action, self.batch(action), self.process))
                self.delivery.put_together(action.ticket, last)
            case Prepare():
                assert self.delivery.flows[action.stream].ticket is not None
                self.ahead[action.stream] = action
            case SetAside():
                self.set_aside(action)
        return action

    def batch(self, push: Push) -> bytes:
        assert push.limit >= 1
        rows = self.outbox[push.stream][push.after : push.after + push.limit]
        assert rows
        header = BatchHeader(
            edge="north",
            epoch=1,
            stream=push.stream,
            first=push.after + 1,
            last=push.after + len(rows),
            hash_before=self.own_hash(push.stream, push.after).hex(),
        )
        return encode_batch(header, [row.event for row in rows])

    def set_aside(self, action: SetAside) -> None:
        row = self.outbox[action.stream][action.seq - 1]
        done = json.loads(row.event)["type"] == POISON
        if done:
            skipped = Skipped(first=action.seq, last=action.seq, count=1, why="poison", hash_after=row.hash.hex())
            self.quarantine.append(row.event)
            row.event = json.dumps({"seq": action.seq, "type": Skipped.TYPE, "data": skipped.model_dump()}).encode()
        self.delivery.was_set_aside(action.ticket, self.now, done=done)

    @rule(exchanges=st.sampled_from([2, 5, 10, 30]))
    def all_goes_well_for_a_while(self, exchanges: int) -> None:
        for _ in range(exchanges):
            match self.act():
                case Wait(until) if until is not None:
                    self.now = max(self.now, until)
                case Wait():
                    self.everything_arrives()
                case Greet() | Push():
                    self.serve(self.requests.pop())
                    reply = self.replies.pop()
                    self.hear(reply.action, reply.answer)

    def everything_arrives(self) -> None:
        while self.requests:
            self.serve(self.requests.pop(0))
        while self.replies:
            reply = self.replies.pop(0)
            self.hear(reply.action, reply.answer)

    @rule(actions=st.integers(1, 4))
    def edge_acts_as_often_as_it_can(self, actions: int) -> None:
        for _ in range(actions):
            if isinstance(self.act(), Wait):
                break

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), repeat=st.booleans())
    def cloud_receives(self, data: st.DataObject, repeat: bool) -> None:  # noqa: FBT001
        message = data.draw(st.sampled_from(self.requests))
        if not repeat:
            self.requests.remove(message)
        self.serve(message)

    def serve(self, message: Message) -> None:
        answer = self.cloud.greet() if isinstance(message.action, Greet) else self.cloud.push(message.body)
        if message.process == self.process:
            self.replies.append(Reply(message.action, answer))

    @precondition(lambda self: self.requests)
    @rule(
        data=st.data(),
        answer=st.sampled_from(
            [
                SILENCE,
                Conflict("another replica"),
                TooLarge("proxy"),
                Refused("rotated"),
                EventRefused(10**6, "nonsense"),
                Unavailable("503", retry_after_s=3.0),
                Unavailable("500", lost=False, heavy=True),
            ]
        ),
    )
    def network_or_cloud_refuses(self, data: st.DataObject, answer: Answer) -> None:
        message = data.draw(st.sampled_from(self.requests))
        self.requests.remove(message)
        if message.process == self.process:
            fits = isinstance(message.action, Push) or not isinstance(answer, TooLarge | EventRefused)
            self.replies.append(Reply(message.action, answer if fits else SILENCE))

    @precondition(lambda self: self.replies)
    @rule(data=st.data(), repeat=st.booleans(), lost=st.booleans())
    def reply_arrives(self, data: st.DataObject, repeat: bool, lost: bool) -> None:  # noqa: FBT001
        reply = data.draw(st.sampled_from(self.replies))
        if not repeat:
            self.replies.remove(reply)
        self.hear(reply.action, SILENCE if lost else reply.answer)

    def hear(self, action: Greet | Push, answer: Answer) -> None:
        done: list[Acknowledge] = []
        match answer:
            case GreetingAnswer():
                own = {
                    stream: self.own_hash(stream, told.cursor)
                    for stream, told in answer.streams.items()
                }  # fmt: skip
                done = self.delivery.greeted(action.ticket, answer, own, self.now)
            case PushAnswer():
                assert isinstance(action, Push)
                own_hash = self.own_hash(action.stream, answer.cursor)
                if (ahead := self.ahead.get(action.stream)) is not None and ahead.after != answer.cursor:
                    del self.ahead[action.stream]
                one = self.delivery.pushed(action.ticket, answer, own_hash, self.now)
                done = [] if one is None else [one]
            case TooLarge() | EventRefused():
                self.ahead.clear()
                self.delivery.push_failed(action.ticket, answer, self.now)
            case _ if isinstance(action, Greet):
                self.ahead.clear()
                self.delivery.greeting_failed(action.ticket, answer, self.now)
            case _:
                self.ahead.clear()
                self.delivery.push_failed(action.ticket, answer, self.now)
        for one in done:
            assert one.cursor <= self.cloud.most_ever[one.stream]
            assert one.hash == self.own_hash(one.stream, one.cursor)
            self.acknowledged[one.stream] = one.cursor

    @rule(seconds=st.sampled_from([0.1, 1.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(answer=st.sampled_from([Refused("x"), Conflict("x"), SILENCE, Unavailable("x", lost=False)]))
    def command_pull_reports(self, answer: Conflict | Refused | Unavailable) -> None:
        self.delivery.reported(answer, self.now)

    @rule()
    def edge_crashes(self) -> None:
        self.start_edge()

    @rule(data=st.data())
    def cloud_is_restored(self, data: st.DataObject) -> None:
        self.cloud.restore(
            {stream: data.draw(st.integers(0, len(rows))) for stream, rows in self.cloud.streams.items()}
        )

    @invariant()
    def acknowledged_is_what_the_cloud_committed(self) -> None:
        for stream, cursor in getattr(self, "acknowledged", {}).items():
            assert cursor <= self.cloud.most_ever[stream]

    @invariant()
    def the_cloud_holds_a_prefix_of_the_outbox(self) -> None:
        if not hasattr(self, "outbox"):
            return
        for stream, rows in self.cloud.streams.items():
            assert len(rows) <= len(self.outbox[stream])
            if rows:
                assert rows[-1].hash == self.own_hash(stream, len(rows))

    def teardown(self) -> None:
        if not hasattr(self, "outbox"):
            return
        for message in self.requests:
            if message.process == self.process:
                self.hear(message.action, SILENCE)
        self.requests.clear()
        for reply in self.replies:
            self.hear(reply.action, reply.answer)
        self.drain()
        self.delivery.reported(Conflict("another incarnation answered the pull"), self.now)
        self.drain()
        for stream, rows in self.outbox.items():
            assert [row.event for row in rows] == [row.event for row in self.cloud.streams[stream]]
            assert self.delivery.flows[stream].cursor == len(rows)
        sent = [json.loads(row.event)["type"] for rows in self.cloud.streams.values() for row in rows]
        assert sent.count(Skipped.TYPE) == len(self.quarantine)

    def drain(self) -> None:
        for _ in range(3_000):
            match self.act():
                case Wait(None):
                    return
                case Wait(until):
                    self.now = max(self.now, until or 0.0)
                case SetAside() | Prepare():
                    pass
                case _:
                    self.serve(self.requests.pop())
                    reply = self.replies.pop()
                    self.hear(reply.action, reply.answer)
        raise AssertionError("the link never came to rest")


LinkMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWhateverHappensTheCloudEndsWithWhatTheEdgeRecorded = LinkMachine.TestCase
