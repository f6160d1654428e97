"""What leaves the edge's disk while its clock is wrong, or was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contract.events import Skipped
from contract.streams import Stream
from tests.integration.edge_link.conftest import Site
from tests.integration.edge_link.wall_clock import BEGIN, WallClock, housekeeper, meter, rows, set_by_hand


@pytest.fixture
def wall(site: Site) -> WallClock:
    return set_by_hand(site)


async def test_a_clock_that_is_set_back_does_not_mix_two_quarters_of_the_same_name(site: Site, wall: WallClock) -> None:
    wall.at = BEGIN + timedelta(minutes=45)
    await meter(site, wall, minutes=10, charge_points=1)
    wall.at = BEGIN - timedelta(minutes=15)
    await meter(site, wall, minutes=45, charge_points=1)
    wall.at = BEGIN + timedelta(minutes=45)
    await meter(site, wall, minutes=20, charge_points=1)
    await housekeeper(site, wall, 0.90).tidy()
    ranges = [event["data"] for event in rows(site) if event["type"] == Skipped.TYPE]
    assert [(one["first"], one["last"], one["count"]) for one in ranges] == [
        (1, 10, 10),
        (11, 25, 15),
        (26, 40, 15),
        (41, 55, 15),
        (56, 70, 15),
    ]
    assert all(one["kept"] for one in ranges), "of each quarter some values stay"
    assert len(rows(site)) == 5 + 5, "the quarter that runs stays whole"


@pytest.mark.parametrize("used", [0.1, 0.75])
async def test_a_clock_that_jumps_ahead_makes_nothing_old_but_for_a_disk_that_fills(
    site: Site, wall: WallClock, used: float
) -> None:
    wall.synchronised = False
    keeper = housekeeper(site, wall, used)
    await keeper.tidy()
    for stream in Stream:
        await site.record(stream)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    wall.at += timedelta(days=365)
    await keeper.tidy()
    await housekeeper(site, wall, used).tidy()  # the edge has started anew
    left = [len(rows(site, stream)) for stream in Stream]
    assert left == ([1, 1, 1] if used < 0.7 else [0, 0, 0])
    wall.shift_s += timedelta(days=15).total_seconds()
    await keeper.tidy()
    assert [len(rows(site, stream)) for stream in Stream] == [0, 0, 0], "time that really passed makes old"


@pytest.mark.parametrize(("used", "left"), [(0.1, 300), (0.75, 100), (0.82, 0)])
async def test_events_from_a_clock_that_was_ahead_hold_nothing_behind_them(
    site: Site, wall: WallClock, used: float, left: int
) -> None:
    wall.at = BEGIN + timedelta(days=3650)
    await site.record(Stream.METER, 1200)
    for age, count in ((timedelta(days=15), 1000), (timedelta(days=2), 200), (timedelta(hours=2), 100)):
        wall.at = BEGIN - age
        await site.record(Stream.METER, count)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    wall.at = BEGIN
    await housekeeper(site, wall, used).tidy()
    assert [event["seq"] for event in rows(site)] == list(range(2501 - left, 2501))


async def test_events_from_a_clock_that_was_ahead_stay_until_something_behind_them_is_old(
    site: Site, wall: WallClock
) -> None:
    wall.at = BEGIN + timedelta(days=3650)
    await site.record(Stream.LEDGER, 1200)
    wall.at = BEGIN
    await site.record(Stream.LEDGER, 10)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    await housekeeper(site, wall, 0.1).tidy()
    assert len(rows(site, Stream.LEDGER)) == 1210, "who knows how old they are"
    wall.at = BEGIN + timedelta(hours=23)
    await site.record(Stream.LEDGER)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    await housekeeper(site, wall, 0.75).tidy()
    assert len(rows(site, Stream.LEDGER)) == 11, "a disk that fills takes them; what is younger than a day stays"


async def test_a_clock_that_a_time_server_set_right_is_believed_at_once(site: Site, wall: WallClock) -> None:
    wall.synchronised = False
    keeper = housekeeper(site, wall, 0.1)
    await keeper.tidy()
    await site.record(Stream.LEDGER)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE stream SET acknowledged = head"))
    wall.at += timedelta(days=15)
    wall.synchronised = True
    await keeper.tidy()
    assert rows(site, Stream.LEDGER) == []
