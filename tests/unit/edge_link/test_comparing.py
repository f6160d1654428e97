"""A past that parts from the cloud's is shown closer and closer, until an epoch is granted."""

from __future__ import annotations

from contract.link import Parting
from contract.streams import Stream
from edge.sync.carrier import Conflict
from edge.sync.delivery import MOST_COMPARISONS, Delivery
from edge.sync.link import Greet, LinkState, Span, Wait
from tests.unit.edge_link.test_delivery import LEDGER, METER, STATE, answer, make, own, push


def compares(delivery: Delivery) -> Greet:
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    delivery.greeting_failed(action.ticket, Conflict("behind"), 0.0)
    action = delivery.next(0.0)
    assert isinstance(action, Greet)
    return action


def compared(delivery: Delivery, action: Greet, *partings: Parting) -> Greet:
    """The cloud has narrowed down where the pasts part; what is shown next."""
    told = answer({LEDGER: 90}, partings=dict(zip(Stream, partings, strict=False)))
    assert delivery.greeted(action.ticket, told, {LEDGER: None}, 0.0) == []
    closer = delivery.next(0.0)
    assert isinstance(closer, Greet), "at once"
    return closer


def test_the_place_where_the_pasts_part_is_looked_for_ever_closer_and_the_grant_is_taken() -> None:
    delivery = make(ledger=80, state=5)
    parted = compares(delivery)
    shown = compared(delivery, parted, Parting(same=20, other=40, found=False), Parting(same=5, other=None, found=True))
    assert shown.compare == {LEDGER: Span(20, 40), STATE: Span(5, 5), METER: Span(0, 0)}
    told = answer({LEDGER: 31}, epoch=2)
    delivery.greeted(shown.ticket, told, own(told), 0.0)
    assert (delivery.state, delivery.epoch, push(delivery).after) == (LinkState.READY, 2, 31)


def test_a_cloud_that_compares_for_ever_is_asked_again_slowly() -> None:
    delivery = make(ledger=80)
    shown = compares(delivery)
    for _ in range(MOST_COMPARISONS):
        shown = compared(delivery, shown, Parting(same=20, other=40, found=False))
    told = answer({LEDGER: 90}, partings={LEDGER: Parting(same=20, other=40, found=False)})
    assert delivery.greeted(shown.ticket, told, {LEDGER: None}, 0.0) == []
    assert (delivery.state, "for ever" in (delivery.error or "")) == (LinkState.FORKED, True)
    assert delivery.next(1.0) == Wait(225.0)
