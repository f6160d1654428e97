from __future__ import annotations

import pytest

from contract.batch import GENESIS, MAX_BATCH_BYTES
from contract.link import Cursor, GreetingAnswer, PushAnswer, StreamHead
from contract.streams import Stream
from edge.sync.backoff import Pace
from edge.sync.carrier import Conflict, EventRefused, Refused, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.link import TRANSITIONS, Acknowledge, Greet, Happened, LinkState, Push, SetAside, Span, Wait
from tests.unit.edge_link.model_cloud import ModelCloud

HASH = bytes([7]) * 32
LEDGER, STATE, METER = Stream


def make(*, ledger: int = 0, state: int = 0, meter: int = 0, acknowledged: int = 0) -> Delivery:
    heads = {
        stream: StreamHead(head=head, acknowledged=min(acknowledged, head), oldest_kept=1, hash="")
        for stream, head in zip(Stream, (ledger, state, meter), strict=True)
    }
    return Delivery(epoch=1, heads=heads, chance=lambda: 0.5)


def answer(cursors: dict[Stream, int] | None = None, **changes: object) -> GreetingAnswer:
    told = ModelCloud().greet().model_copy(update=changes)
    streams = {
        stream: Cursor(cursor=cursor, hash=(HASH if cursor else GENESIS).hex())
        for stream, cursor in (cursors or {}).items()
    }
    return told.model_copy(update={"streams": streams})


def own(told: GreetingAnswer) -> dict[Stream, bytes | None]:
    return {stream: HASH if cursor.cursor else GENESIS for stream, cursor in told.streams.items()}


def greet(delivery: Delivery, told: GreetingAnswer | None = None, *, now: float = 0.0) -> list[Acknowledge]:
    action = delivery.next(now)
    assert isinstance(action, Greet)
    told = told or answer()
    return delivery.greeted(action.ticket, told, own(told), now)


def push(delivery: Delivery, now: float = 0.0) -> Push:
    action = delivery.next(now)
    assert isinstance(action, Push), action
    return action


def commit(delivery: Delivery, batch: Push, cursor: int, now: float = 0.0) -> Acknowledge | None:
    return delivery.pushed(batch.ticket, PushAnswer(cursor=cursor, hash=HASH.hex()), HASH, now)


def test_every_state_has_a_row_and_only_a_greeting_makes_ready() -> None:
    assert set(TRANSITIONS) == set(LinkState)
    for row in TRANSITIONS.values():
        assert [happened for happened, state in row.items() if state is LinkState.READY] in ([], [Happened.AGREED])


def test_nothing_is_pushed_before_the_greeting_is_answered() -> None:
    delivery = make(ledger=3)
    assert isinstance(delivery.next(0.0), Greet)
    assert delivery.next(0.0) == Wait(None)


def test_resumes_after_the_cloud_s_cursor_and_acknowledges_it() -> None:
    delivery = make(ledger=10)
    stands = [Acknowledge(LEDGER, 4, HASH), Acknowledge(STATE, 0, GENESIS), Acknowledge(METER, 0, GENESIS)]
    assert greet(delivery, answer({LEDGER: 4})) == stands
    assert push(delivery) == Push(2, LEDGER, 4, 500, MAX_BATCH_BYTES)


def test_a_cloud_that_lost_what_it_had_acknowledged_gets_it_again() -> None:
    delivery = make(ledger=10, acknowledged=10)
    greet(delivery, answer({LEDGER: 2}))
    assert push(delivery).after == 2


@pytest.mark.parametrize(
    ("told", "mine", "because"),
    [
        (answer({LEDGER: 11}), HASH, "gave only 10"),
        (answer({LEDGER: 5}), bytes(32), "another one"),
        (answer({LEDGER: 5}), None, "no longer kept"),
        (answer({LEDGER: 5}, epoch=1), HASH, "epoch 2"),
    ],
)
def test_another_past_stops_the_sending_is_compared_and_then_greeted_again_slowly(
    told: GreetingAnswer, mine: bytes | None, because: str
) -> None:
    delivery = make(ledger=10)
    delivery.epoch = told.epoch + 1 if "epoch" in because else told.epoch
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    assert action.compare is None
    assert delivery.greeted(action.ticket, told, {LEDGER: mine}, 0.0) == []
    assert (delivery.state, because in (delivery.error or "")) == (LinkState.COMPARING, True)
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    assert action.compare == {LEDGER: Span(0, 10), STATE: Span(0, 0), METER: Span(0, 0)}
    assert delivery.greeted(action.ticket, told, {LEDGER: mine}, 0.0) == []  # a cloud that does not compare
    assert (delivery.state, delivery.next(1.0)) == (LinkState.FORKED, Wait(225.0))
    greet(delivery, answer({LEDGER: 5}, epoch=delivery.epoch), now=225.0)
    assert push(delivery, 225.0).after == 5


def test_a_granted_epoch_is_taken_and_the_whole_past_goes_up_under_it() -> None:
    delivery = make(ledger=10)
    greet(delivery, answer({LEDGER: 0}, epoch=2))
    assert (delivery.epoch, push(delivery).after) == (2, 0)


def test_an_epoch_is_not_taken_when_the_pasts_do_not_fit() -> None:
    delivery = make(ledger=10)
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    delivery.greeted(action.ticket, answer({LEDGER: 11}, epoch=2), {LEDGER: HASH}, 0.0)
    assert (delivery.epoch, delivery.state) == (1, LinkState.COMPARING)


def test_a_greeting_that_conflicts_is_compared_and_then_a_fork() -> None:
    delivery = make()
    for state in (LinkState.COMPARING, LinkState.FORKED):
        action = delivery.next(0.0)
        assert isinstance(action, Greet)
        delivery.greeting_failed(action.ticket, Conflict("an old epoch"), 0.0)
        assert (delivery.state, delivery.error) == (state, "an old epoch")
    assert isinstance(delivery.next(1.0), Wait)
    action = delivery.next(1000.0)
    assert isinstance(action, Greet)
    assert action.compare is not None


def test_refused_credentials_are_tried_again_slowly() -> None:
    delivery = make(ledger=1)
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    delivery.greeting_failed(action.ticket, Refused("revoked"), 0.0)
    assert delivery.state is LinkState.REFUSED
    assert delivery.next(100.0) == Wait(225.0)
    assert isinstance(delivery.next(225.0), Greet)


def test_an_unreachable_cloud_is_greeted_for_ever_with_growing_waits() -> None:
    delivery = make(ledger=1)
    now, waits = 0.0, []
    for _ in range(100):
        action = delivery.next(now)
        assert isinstance(action, Greet)
        delivery.greeting_failed(action.ticket, Unavailable("down"), now)
        wait = delivery.next(now)
        assert isinstance(wait, Wait)
        assert wait.until is not None
        waits.append(wait.until - now)
        now = wait.until
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == pytest.approx(150)
    assert delivery.failures == 100


def test_ledger_goes_first_and_lower_streams_wait_while_it_drains() -> None:
    delivery = make(ledger=1_600, state=10, meter=10)
    greet(delivery)
    first = push(delivery)
    assert first.stream is LEDGER
    assert delivery.next(0.0) == Wait(None)
    commit(delivery, first, 500)
    second = push(delivery)
    assert (second.stream, second.after, second.limit) == (LEDGER, 500, 1_000)
    assert delivery.next(0.0) == Wait(None)
    commit(delivery, second, 1_500)
    assert [push(delivery).stream for _ in Stream] == [LEDGER, STATE, METER]
    assert delivery.next(0.0) == Wait(None)


def test_ledger_leaves_at_once_and_the_others_linger_up_to_a_second() -> None:
    delivery = make()
    greet(delivery)
    delivery.heads_changed({LEDGER: 1, STATE: 1, METER: 1}, 10.0)
    assert push(delivery, 10.0).stream is LEDGER
    assert delivery.next(10.0) == Wait(11.0)
    delivery.heads_changed({STATE: 2}, 10.9)
    assert push(delivery, 11.0).stream is STATE
    assert push(delivery, 11.0).stream is METER


def test_a_full_batch_does_not_linger() -> None:
    delivery = make()
    greet(delivery)
    delivery.heads_changed({METER: 500}, 10.0)
    assert push(delivery, 10.0).stream is METER


def test_what_arrived_while_a_batch_was_under_way_lingers_no_longer_than_a_second() -> None:
    delivery = make()
    greet(delivery)
    delivery.heads_changed({METER: 1}, 10.0)
    batch = push(delivery, 11.0)
    delivery.heads_changed({METER: 3}, 11.5)
    commit(delivery, batch, 1, now=11.6)
    assert push(delivery, 11.6).after == 1


def test_one_batch_of_a_stream_is_under_way_at_a_time() -> None:
    delivery = make(ledger=1)
    greet(delivery)
    push(delivery)
    delivery.heads_changed({LEDGER: 2}, 0.0)
    assert delivery.next(0.0) == Wait(None)


def test_a_server_error_halves_and_holds_up_that_stream_alone() -> None:
    delivery = make(ledger=400, state=1)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, Unavailable("500", lost=False, heavy=True), 0.0)
    assert delivery.state is LinkState.READY
    assert push(delivery).stream is STATE
    assert delivery.next(0.0) == Wait(0.5)
    assert push(delivery, 0.5).limit == 200


def test_retry_after_holds_up_the_whole_link() -> None:
    delivery = make(ledger=1, state=1)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, Unavailable("429", retry_after_s=20, lost=False), 0.0)
    assert delivery.next(0.0) == Wait(20.5)
    assert commit(delivery, push(delivery, 20.5), 1) == Acknowledge(LEDGER, 1, HASH)
    assert delivery.failures == 0


def test_a_busy_cloud_holds_up_the_stream_that_it_sent_away_alone() -> None:
    delivery = make(ledger=400, state=1)
    greet(delivery)
    busy = Unavailable("429", retry_after_s=4, lost=False, busy=True)
    delivery.push_failed(push(delivery).ticket, busy, 0.0)
    delivery.reported(busy, 0.0)  # a question for commands was sent away, too
    assert delivery.state is LinkState.READY
    assert push(delivery).stream is STATE
    assert delivery.next(0.0) == Wait(4.5)
    assert push(delivery, 4.5).limit == 500


def test_a_lost_link_is_greeted_once_all_batches_have_ended() -> None:
    delivery = make(ledger=1, state=1)
    greet(delivery)
    first, second = push(delivery), push(delivery)
    delivery.push_failed(first.ticket, Unavailable("silence", heavy=True), 0.0)
    assert delivery.state is LinkState.MUST_GREET
    assert delivery.next(5.0) == Wait(None)
    assert commit(delivery, second, 1, now=5.0) == Acknowledge(STATE, 1, HASH)
    assert isinstance(delivery.next(5.0), Greet)


def test_a_conflict_greets_again() -> None:
    delivery = make(ledger=5)
    greet(delivery)
    delivery.push_failed(push(delivery).ticket, Conflict("409"), 0.0)
    greet(delivery, answer({LEDGER: 3}))
    assert push(delivery, 1.0).after == 3


@pytest.mark.parametrize(("cursor", "mine"), [(5, bytes(32)), (5, None), (1, HASH)])
def test_an_answer_that_does_not_fit_acknowledges_nothing_and_greets_again(cursor: int, mine: bytes | None) -> None:
    delivery = make(ledger=5)
    greet(delivery, answer({LEDGER: 2}))
    batch = push(delivery)
    assert delivery.pushed(batch.ticket, PushAnswer(cursor=cursor, hash=HASH.hex()), mine, 0.0) is None
    assert delivery.state is LinkState.MUST_GREET
    assert delivery.flows[LEDGER].cursor == 2


def test_an_answer_without_progress_backs_off() -> None:
    delivery = make(ledger=5)
    greet(delivery, answer({LEDGER: 2}))
    assert commit(delivery, push(delivery), 2) is None
    assert delivery.next(0.0) == Wait(0.5)


def test_a_refused_event_is_set_aside_and_its_stream_goes_on() -> None:
    delivery = make(ledger=5, state=1)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, EventRefused(3, "not JSON"), 0.0)
    assert delivery.next(0.0) == SetAside(batch.ticket, LEDGER, 3, "not JSON")
    assert push(delivery).stream is STATE
    delivery.was_set_aside(batch.ticket, 0.0, done=True)
    assert push(delivery).stream is LEDGER


def test_a_set_aside_that_failed_is_tried_again_later() -> None:
    delivery = make(ledger=5)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, EventRefused(3, "not JSON"), 0.0)
    delivery.next(0.0)
    delivery.was_set_aside(batch.ticket, 0.0, done=False)
    assert delivery.next(0.0) == Wait(0.5)


def test_a_repeated_refusal_sets_nothing_aside_once_its_batch_has_ended() -> None:
    delivery = make(ledger=5)
    greet(delivery)
    batch = push(delivery)
    delivery.push_failed(batch.ticket, EventRefused(3, "x"), 0.0)
    delivery.push_failed(batch.ticket, EventRefused(3, "x"), 0.0)
    delivery.next(0.0)
    delivery.was_set_aside(batch.ticket, 0.0, done=True)
    assert push(delivery).stream is LEDGER


def test_a_refused_event_that_was_not_in_the_batch_sets_nothing_aside() -> None:
    delivery = make(ledger=5)
    greet(delivery)
    delivery.push_failed(push(delivery).ticket, EventRefused(6, "?"), 0.0)
    assert delivery.next(0.0) == Wait(0.5)


def test_results_with_a_stale_ticket_change_nothing() -> None:
    delivery = make(ledger=5)
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    stale = action.ticket + 100
    delivery.greeting_failed(stale, Refused("x"), 0.0)
    assert delivery.greeted(stale, answer(), {}, 0.0) == []
    assert delivery.pushed(stale, PushAnswer(cursor=5, hash=""), HASH, 0.0) is None
    delivery.push_failed(stale, Refused("x"), 0.0)
    delivery.was_set_aside(stale, 0.0, done=True)
    assert delivery.state is LinkState.MUST_GREET
    assert delivery.next(0.0) == Wait(None)


def test_a_refused_push_stops_the_link_and_a_late_success_does_not_hasten_it() -> None:
    delivery = make(ledger=1, state=1)
    greet(delivery)
    first, second = push(delivery), push(delivery)
    delivery.push_failed(first.ticket, Refused("401"), 0.0)
    assert commit(delivery, second, 1) is not None
    assert delivery.state is LinkState.REFUSED
    assert delivery.next(1.0) == Wait(225.0)


def test_what_the_command_pull_saw_concerns_the_whole_link() -> None:
    delivery = make()
    greet(delivery)
    delivery.reported(Unavailable("500", lost=False), 0.0)
    assert (delivery.state, delivery.error) == (LinkState.READY, "500")
    delivery.reported(Conflict("another incarnation"), 0.0)
    greet(delivery)
    delivery.reported(Unavailable("silence"), 0.0)
    greet(delivery)
    delivery.reported(Refused("401"), 0.0)
    assert delivery.error == "401"
    assert delivery.next(0.0) == Wait(225.0)


def test_the_pace_is_a_parameter() -> None:
    heads = {stream: StreamHead(head=0, acknowledged=0, oldest_kept=0, hash="") for stream in Stream}
    delivery = Delivery(epoch=1, heads=heads, chance=lambda: 0.5, pace=Pace(linger_s=0.1))
    greet(delivery)
    delivery.heads_changed({STATE: 1}, 1.0)
    assert delivery.next(1.0) == Wait(1.1)
