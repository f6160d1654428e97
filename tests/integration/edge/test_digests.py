"""The edge tells how each of its days stands, whenever that has changed."""

from __future__ import annotations

from contract.digests import DayDigested, Ended, digest
from contract.events import TransactionStopped
from contract.streams import Stream
from edge.store import digests
from tests.integration.edge.played_site import PlayedSite, envelopes


def look(site: PlayedSite) -> list[DayDigested]:
    """Do once what the edge does every five minutes; returns what it told."""
    told = [found for day in digests.days(site.connection, None) if (found := digests.changed(site.connection, day))]
    for one in told:
        site.write(lambda tx, one=one: digests.tell(tx, one, site.clock.now()))  # type: ignore[misc]
    return told


def test_a_day_is_summed_up_from_what_ended_on_it(site: PlayedSite) -> None:
    first = site.start()
    site.later(minutes=30)
    site.stop(first, meterStop=1_700)
    second = site.start(meterStart=1_700)
    site.later(days=1)
    site.stop(second, meterStop=4_000)
    site.start(meterStart=4_000)
    assert [(day.day.isoformat(), day.transactions, day.energy_wh) for day in look(site)] == [
        ("2026-03-01", 1, 700),
        ("2026-03-02", 1, 2_300),
    ]
    assert look(site) == []


def test_what_goes_up_is_what_the_events_before_it_say(site: PlayedSite) -> None:
    for _ in range(3):
        number = site.start()
        site.later(minutes=5)
        site.stop(number)
    [told] = look(site)
    ledger = envelopes(site, Stream.LEDGER)
    stops = [data for envelope, data in ledger if envelope.seq <= told.ledger_seq]
    ended = [
        Ended(stop.transaction, stop.stopped_at, stop.energy_wh)
        for stop in stops
        if isinstance(stop, TransactionStopped)
    ]
    assert told.hash == digest(ended).hash
    assert told.ledger_seq == ledger[-1][0].seq
    [sent] = site.events(DayDigested)
    assert sent == told


def test_a_late_stop_changes_the_day_on_which_it_ended(site: PlayedSite) -> None:
    number = site.start()
    ended = site.later(minutes=10)
    site.later(days=3)
    site.stop(number, timestamp=ended)
    assert [day.day.isoformat() for day in look(site)] == ["2026-03-01"]


def test_a_day_that_has_lost_its_only_transaction_is_told_as_empty(site: PlayedSite) -> None:
    number = site.start()
    site.later(minutes=10)
    site.stop(number)
    look(site)
    site.write(lambda tx: tx.connection.execute("UPDATE charging_transaction SET stopped_at = NULL"))
    assert [(day.transactions, day.energy_wh) for day in look(site)] == [(0, 0)]
