from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contract.events import TransactionStarted, TransactionStopped
from edge.store.transactions import Transaction
from tests.integration.edge.played_site import CP1, CP2, NOON, PlayedSite


def test_a_start_is_stored_with_what_it_says(site: PlayedSite) -> None:
    answer = site.started(reservationId=9)
    assert answer == {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}
    stored = site.transaction(1)
    assert (stored.charge_point, stored.connector_id, stored.id_tag, stored.meter_start_wh) == ("CP1", 1, "TAG", 1000)
    assert (stored.started_at, stored.open, stored.flags) == (NOON, True, [])
    (event,) = site.events(TransactionStarted)
    assert (event.transaction, event.transaction_id, event.reservation_id) == (stored.uuid, 1, 9)


def test_the_same_start_five_times_is_one_transaction_also_across_a_restart(site: PlayedSite) -> None:
    at = site.time
    numbers = set()
    for id_tag in ("TAG", "tag", "TAG", "Tag", "TAG"):
        numbers.add(site.start(timestamp=at, idTag=id_tag))
        site.later(minutes=1)
        site.restart()
    assert numbers == {1}
    assert len(site.transactions()) == 1
    assert len(site.events(TransactionStarted)) == 1


def test_a_retry_spells_its_time_in_another_way(site: PlayedSite) -> None:
    assert site.start(timestamp="2026-03-01T12:00:00Z") == site.start(timestamp="2026-03-01 14:00:00.000+0200")


def test_a_retry_is_told_what_the_id_tag_is_worth_now(site: PlayedSite) -> None:
    number = site.start(idTag="OTHER")
    site.connection.execute("UPDATE id_tag SET status = 'Blocked' WHERE id_tag = 'OTHER'")
    assert site.started(idTag="OTHER") == {"transactionId": number, "idTagInfo": {"status": "Blocked"}}


def test_a_retry_is_not_refused_for_a_transaction_that_came_after_it(site: PlayedSite) -> None:
    at = site.time
    number = site.start(timestamp=at)
    site.later(minutes=1)
    elsewhere = site.started(charge_point=CP2)
    assert elsewhere["idTagInfo"]["status"] == "ConcurrentTx"
    retry = site.started(timestamp=at)  # its first answer was lost
    assert retry == {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
    assert site.started(charge_point=CP2, timestamp=site.time) == elsewhere


def test_a_retry_of_a_start_is_known_after_its_stop_too(site: PlayedSite) -> None:
    at = site.time
    number = site.start(timestamp=at)
    site.stop(number)
    assert site.start(timestamp=at) == number
    assert not site.transaction(number).open


@pytest.mark.parametrize("timestamp", [None, "", "soon", "1970-01-01T00:00:00Z", ...])
def test_a_clock_that_stands_still_does_not_melt_two_transactions_into_one(site: PlayedSite, timestamp: object) -> None:
    numbers = []
    for _ in range(3):
        number = site.start(timestamp=timestamp)
        assert site.start(timestamp=timestamp) == number  # a retry
        site.later(hours=1)
        site.stop(number, meterStop=1000)
        numbers.append(number)
    assert len(set(numbers)) == 3
    assert not any(transaction.open for transaction in site.transactions())


@pytest.mark.parametrize(
    ("id_tag", "status"), [("BLOCKED", "Blocked"), ("EXPIRED", "Expired"), ("NOBODY", "Invalid"), ("TAG", "Accepted")]
)
def test_a_start_gets_a_number_whatever_its_id_tag_is_worth(site: PlayedSite, id_tag: str, status: str) -> None:
    answer = site.started(idTag=id_tag)
    assert answer["idTagInfo"]["status"] == status
    assert answer["transactionId"] > 0
    site.later(minutes=1)
    site.stop(answer["transactionId"], reason="DeAuthorized")
    assert site.transaction(answer["transactionId"]).reason == "DeAuthorized"


def test_a_second_transaction_of_an_id_tag_elsewhere_is_concurrent(site: PlayedSite) -> None:
    site.start()
    assert site.started(connectorId=2)["idTagInfo"]["status"] == "ConcurrentTx"
    assert site.started(charge_point=CP2, idTag="tag")["idTagInfo"]["status"] == "ConcurrentTx"
    assert site.ask("Authorize", {"idTag": "TAG"}) == {"idTagInfo": {"status": "Accepted"}}  # stopping stays possible


def test_an_id_tag_is_free_again_after_its_stop(site: PlayedSite) -> None:
    site.stop(site.start())
    assert site.started(charge_point=CP2)["idTagInfo"]["status"] == "Accepted"


def test_a_transaction_whose_stop_was_lost_does_not_block_its_own_connector(site: PlayedSite) -> None:
    site.start()
    site.later(hours=1)
    assert site.started(meterStart=1200)["idTagInfo"]["status"] == "Accepted"


def superseded(site: PlayedSite, number: int) -> Transaction:
    site.later(hours=5)
    site.start(meterStart=2000, idTag="OTHER")
    stored = site.transaction(number)
    assert (stored.estimated, stored.reason, "superseded" in stored.flags) == (True, "Other", True)
    (event,) = site.events(TransactionStopped)
    assert (event.transaction, event.estimated, event.energy_wh) == (stored.uuid, True, stored.energy_wh)
    return stored


def test_a_lost_stop_is_estimated_from_the_last_sample(site: PlayedSite) -> None:
    number = site.start()
    sampled_at = site.clock.at + timedelta(hours=1)
    site.later(hours=1)
    site.meter("1.7", meterValue=[_kwh(site.time, "1.7")], transactionId=number)
    stored = superseded(site, number)
    assert (stored.meter_stop_wh, stored.energy_wh, stored.stopped_at) == (1700, 700, sampled_at)


def test_a_lost_stop_is_estimated_from_the_next_start(site: PlayedSite) -> None:
    stored = superseded(site, site.start())
    assert (stored.meter_stop_wh, stored.energy_wh, stored.stopped_at) == (2000, 1000, NOON)


def test_a_lost_stop_of_a_register_that_went_back_is_worth_nothing(site: PlayedSite) -> None:
    stored = superseded(site, site.start(meterStart=5000))
    assert (stored.meter_stop_wh, stored.energy_wh) == (5000, 0)


def test_a_lost_stop_without_a_baseline_has_no_energy(site: PlayedSite) -> None:
    stored = superseded(site, site.start(meterStart=...))
    assert stored.energy_wh is None
    assert "no_baseline" in stored.flags


@pytest.mark.parametrize("value", ["1e300", "-5", "9" * 30])
def test_an_absurd_sample_stops_no_later_start(site: PlayedSite, value: str) -> None:
    number = site.start()
    site.later(minutes=1)
    site.meter(value, transactionId=number)
    assert superseded(site, number).meter_stop_wh == 2000


def test_samples_before_the_start_do_not_end_a_transaction_before_it_began(site: PlayedSite) -> None:
    at = site.later(minutes=30)
    number = site.start(timestamp=at)
    site.meter("1000", transactionId=number, meterValue=[_kwh("2026-03-01T12:10:00Z", "1")])
    stored = superseded(site, number)
    assert stored.stopped_at is not None
    assert stored.started_at is not None
    assert stored.stopped_at >= stored.started_at


def test_another_connector_and_another_charge_point_go_on(site: PlayedSite) -> None:
    first, second = site.start(connectorId=2), site.start(charge_point=CP2, idTag="OTHER")
    site.later(hours=1)
    site.start(idTag="MOTHER")
    assert site.transaction(first).open
    assert site.transaction(second).open


def test_the_order_of_arrival_decides_whatever_the_clock_says(site: PlayedSite) -> None:
    older = site.start()
    newer = site.start(idTag="OTHER", timestamp="2026-03-01T08:00:00Z")  # its clock was set back meanwhile
    assert "superseded" in site.transaction(older).flags
    assert site.transaction(newer).open
    site.stop(older, meterStop=7_000)  # and if its stop comes after all, that is the last word
    assert not site.transaction(older).estimated


def test_a_start_of_four_hours_ago_keeps_its_time(site: PlayedSite) -> None:
    stored = site.transaction(site.start(timestamp="2026-03-01T08:00:00Z"))
    assert (stored.started_at, stored.flags) == (NOON - timedelta(hours=4), [])


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"timestamp": "1970-01-01T00:00:00Z"}, "absurd"),
        ({"timestamp": "2026-03-01T12:00:00"}, "no_zone"),
        ({"timestamp": ...}, "no_time_stamp"),
        ({"timestamp": "2026-03-01T19:00:00Z"}, "future"),
        ({"meterStart": -1}, "no_baseline"),
        ({"meterStart": ...}, "no_baseline"),
        ({"meterStart": 2**63}, "no_baseline"),
        ({"meterStart": "none"}, "no_baseline"),
        ({"meterStart": True}, "no_baseline"),
        ({"connectorId": 0}, "odd_connector"),
        ({"connectorId": -1}, "odd_connector"),
        ({"connectorId": 2**64 - 1}, "odd_connector"),
        ({"connectorId": ...}, "odd_connector"),
        ({"idTag": ...}, "no_id_tag"),
        ({"idTag": []}, "no_id_tag"),
    ],
)
def test_an_odd_start_is_kept_with_its_doubt(site: PlayedSite, fields: dict[str, Any], flag: str) -> None:
    stored = site.transaction(site.start(**fields))
    assert stored.flags == [flag]


@pytest.mark.parametrize("reservation", [0, -1, 2**63, None])
def test_no_reservation_is_spelled_in_several_ways(site: PlayedSite, reservation: int | None) -> None:
    site.start(reservationId=reservation)
    (event,) = site.events(TransactionStarted)
    assert event.reservation_id is None


def test_an_empty_start_is_kept(site: PlayedSite) -> None:
    assert site.ask("StartTransaction", {}) == {"transactionId": 1, "idTagInfo": {"status": "Invalid"}}
    assert len(site.reasons()) == 1


def _kwh(at: str, value: str) -> dict[str, object]:
    return {"timestamp": at, "sampledValue": [{"value": value, "unit": "kWh"}]}


def test_a_start_and_the_sweep_cost_the_same_however_many_transactions_have_ended(site: PlayedSite) -> None:
    ended = [(str(number), CP1, 1, site.time) for number in range(20_000)]
    site.write(
        lambda tx: tx.connection.executemany(
            "INSERT INTO charging_transaction (uuid, charge_point, connector_id, stopped_at) VALUES (?, ?, ?, ?)", ended
        )
    )
    thousands: list[None] = []
    site.connection.set_progress_handler(lambda: thousands.append(None), 1000)  # steps of SQLite's machine
    site.start()
    site.sweep()
    site.connection.set_progress_handler(None, 0)
    assert len(thousands) < 10
