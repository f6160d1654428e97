"""K40, K42 to K44, K56: a start is stored once, gets a number that is nobody else's, and blocks nobody wrongly."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.events import TransactionStarted, TransactionStopped
from edge.domain.policy import Policy
from edge.store import authorizations, transaction_changes
from edge.store.database import connect
from edge.store.transactions import State
from tests.integration.edge.played_site import CP2, NOON, PlayedSite


def test_k40_the_same_start_five_times_is_one_transaction(played: PlayedSite) -> None:
    at = played.time
    numbers = set()
    for spelling in (at, at, "2026-03-01 14:00:00.000+0200", at, at):
        numbers.add(played.start(timestamp=spelling))
        played.boot()  # it came back, under new message ids
        played.later(minutes=1)
        played.restart()
    assert len(numbers) == len(played.transactions()) == len(played.events(TransactionStarted)) == 1


def test_k40_a_whole_backlog_told_again_is_nothing_new(played: PlayedSite) -> None:
    backlog = [("2026-03-01T08:00:00Z", 1000, 1500), ("2026-03-01T09:00:00Z", 1500, 2100)]
    for _ in range(3):
        for at, meter_start, meter_stop in backlog:
            number = played.start(timestamp=at, meterStart=meter_start)
            played.stop(number, timestamp=at.replace(":00:00", ":30:00"), meterStop=meter_stop)
    assert [one.energy_wh for one in played.transactions()] == [500, 600]
    assert len(played.events(TransactionStopped)) == 2


@pytest.mark.parametrize("timestamp", ["1970-01-01T00:00:00Z", "", ...])
def test_k40_without_a_clock_each_boot_begins_other_transactions(played: PlayedSite, timestamp: object) -> None:
    first = played.start(timestamp=timestamp)
    assert played.start(timestamp=timestamp) == first
    played.boot()
    second = played.start(timestamp=timestamp)
    assert second != first
    assert played.transaction(first).state is State.PROVISIONALLY_CLOSED


@pytest.mark.parametrize(("meter_start", "meter_stop"), [(1000, 1000), (0, 700)])
def test_k40_a_believable_clock_that_stands_still_keeps_sessions_apart(
    played: PlayedSite, meter_start: int, meter_stop: int
) -> None:
    at, numbers = played.time, []
    for _ in range(3):
        number = played.start(timestamp=at, meterStart=meter_start)
        assert played.start(timestamp=at, meterStart=meter_start) == number
        played.later(hours=1)
        played.stop(number, timestamp=at, meterStop=meter_stop)
        numbers.append(number)
    assert len(set(numbers)) == 3
    assert [one.energy_wh for one in played.transactions()] == [meter_stop - meter_start] * 3


def test_k40_the_thousandth_start_of_a_clockless_charge_point_asks_no_more_than_the_first(played: PlayedSite) -> None:
    def questions() -> int:
        asked: list[str] = []
        played.connection.set_trace_callback(asked.append)
        number = played.start(timestamp="1970-01-01T00:00:00Z")
        played.connection.set_trace_callback(None)
        played.stop(number, meterStop=1000, timestamp="1970-01-01T00:00:00Z")
        return len(asked)

    first = questions()
    for _ in range(200):
        questions()
    assert questions() <= first + 1
    plan = played.connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM charging_transaction WHERE start_said = ? ORDER BY transaction_id DESC",
        ("x",),
    ).fetchall()
    assert "transaction_by_start" in str([tuple(row) for row in plan])


def test_k42_numbers_go_on_above_all_given_ones_after_a_restore(played: PlayedSite, tmp_path: Path) -> None:
    def restart() -> None:
        played.restart()
        played.write(lambda tx: transaction_changes.continue_from(tx.connection, played.clock.now()))

    restart()
    first = played.start()
    assert first > NOON.timestamp()
    played.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = tmp_path / "backup.db"
    shutil.copyfile(played.path, backup)
    given: list[int] = []
    for _ in range(5):
        played.later(minutes=10)
        given.append(played.start(meterStart=1000 + len(given)))
    assert given == sorted(set(given))
    played.later(minutes=1)
    played.close()
    for left in played.path.parent.glob("edge.db-*"):
        left.unlink()
    shutil.copyfile(backup, played.path)
    played.connection = connect(played.path, synchronous="OFF")
    restart()
    assert played.start(meterStart=9000) > max(given)


def test_k42_a_clock_that_is_far_off_burns_no_numbers(played: PlayedSite) -> None:
    before = played.start()
    played.write(lambda tx: transaction_changes.continue_from(tx.connection, NOON + timedelta(days=365 * 30)))
    played.write(lambda tx: transaction_changes.continue_from(tx.connection, datetime.fromtimestamp(0, UTC)))
    assert played.start(connectorId=2) == before + 1


@pytest.mark.parametrize(
    ("id_tag", "status", "reason"),
    [
        ("NOBODY", "Invalid", "This id tag is not known at this site."),
        ("BLOCKED", "Blocked", "This id tag was blocked on Sunday 1 March."),
        ("EXPIRED", "Expired", "This id tag expired on Saturday 28 February."),
    ],
)
def test_k43_a_refused_id_tag_gets_a_number_its_status_and_a_sentence(
    played: PlayedSite, id_tag: str, status: str, reason: str
) -> None:
    answer = played.started(idTag=id_tag)
    number = answer["transactionId"]
    assert (number > 0, answer["idTagInfo"]["status"]) == (True, status)
    played.later(seconds=20)
    played.stop(number, reason="DeAuthorized", meterStop=1000)
    stored = played.transaction(number)
    assert (stored.reason, stored.energy_wh, stored.id_tag_status, stored.id_tag_reason) == (
        "DeAuthorized",
        0,
        status,
        reason,
    )
    (event,) = played.events(TransactionStarted)
    assert event.id_tag_reason == reason
    assert played.ask("Authorize", {"idTag": id_tag})["idTagInfo"]["status"] == status
    asked, started = authorizations.page(played.connection, id_tag=id_tag.lower())
    assert (asked.reason, asked.action, asked.transaction_id) == (reason, "Authorize", None)
    assert (started.reason, started.action, started.transaction_id) == (reason, "StartTransaction", number)


def test_k43_an_id_tag_is_blocked_since_it_was_blocked_not_since_its_note_was_changed(played: PlayedSite) -> None:
    played.later(days=1)
    for note in ("lost", "lost in the canteen"):
        _put(played, "Blocked", note)
        played.later(days=2)
    assert played.started()["idTagInfo"]["status"] == "Blocked"
    assert played.transactions()[-1].id_tag_reason == "This id tag was blocked on Monday 2 March."


def _put(played: PlayedSite, status: str, note: str) -> None:
    from edge.domain.authorisation import DirectoryEntry  # noqa: PLC0415 - one use
    from edge.store import id_tags  # noqa: PLC0415

    entry = id_tags.IdTag(DirectoryEntry("TAG", status), note)
    played.write(lambda tx: id_tags.put(tx.connection, entry, played.clock.now()))


def test_k44_a_start_of_four_hours_ago_keeps_its_time(played: PlayedSite) -> None:
    answer = played.started(timestamp="2026-03-01T08:00:00Z")
    assert answer["idTagInfo"]["status"] == "Accepted"
    stored = played.transaction(answer["transactionId"])
    assert (stored.started_at, stored.flags) == (NOON - timedelta(hours=4), [])


def test_k44_a_start_and_its_stop_that_are_both_old_are_two_normal_records(played: PlayedSite) -> None:
    number = played.start(timestamp="2026-03-01T07:00:00Z")
    played.stop(number, timestamp="2026-03-01T08:00:00Z", meterStop=8000)
    stored = played.transaction(number)
    assert (stored.started_at, stored.stopped_at) == (NOON - timedelta(hours=5), NOON - timedelta(hours=4))
    assert (stored.energy_wh, stored.flags, stored.state) == (7000, [], State.CLOSED)
    # One event for the start, one for the stop: nothing else is set off by records of the past.
    assert [type(event) for event in played.events()] == [TransactionStarted, TransactionStopped]
    assert played.count("command") == 0


def test_k56_only_a_start_is_told_concurrent_tx_and_stopping_stays_possible(played: PlayedSite) -> None:
    running = played.start()
    refused = played.started(charge_point=CP2)
    assert refused["idTagInfo"]["status"] == "ConcurrentTx"
    stored = played.transaction(refused["transactionId"])
    assert (
        stored.id_tag_reason
        == "This id tag is charging already, at CP1, connector 1, since Sunday 1 March at 12:00 UTC."
    )
    assert played.ask("Authorize", {"idTag": "TAG"}) == {"idTagInfo": {"status": "Accepted"}}
    assert played.stop(running, idTag="TAG") == {"idTagInfo": {"status": "Accepted"}}


def test_k56_a_phantom_blocks_no_user(played: PlayedSite) -> None:
    phantom = played.start()
    played.status("Charging")
    played.later(minutes=30)
    played.status("Available")
    played.sweep()
    assert played.transaction(phantom).state is State.SUSPECT
    assert played.started(charge_point=CP2)["idTagInfo"]["status"] == "Accepted"
    played.later(hours=2)
    played.sweep()
    assert played.transaction(phantom).state is State.PROVISIONALLY_CLOSED
    assert played.started(connectorId=2, meterStart=5)["idTagInfo"]["status"] == "ConcurrentTx"  # by CP2's, which runs


def test_k56_an_orphaned_stop_blocks_no_user(played: PlayedSite) -> None:
    played.stop(4711, idTag="TAG")
    assert played.started()["idTagInfo"]["status"] == "Accepted"


def test_k56_an_accepted_id_tag_ages_out_of_the_caches(played: PlayedSite) -> None:
    played.policy = Policy(cache_days=14)
    told = played.ask("Authorize", {"idTag": "TAG"})["idTagInfo"]
    assert told == {"status": "Accepted", "expiryDate": "2026-03-15T12:00:00.000Z"}
    assert played.started()["idTagInfo"]["expiryDate"] == "2026-03-15T12:00:00.000Z"
    assert json.dumps(played.ask("Authorize", {"idTag": "NOBODY"})) == '{"idTagInfo": {"status": "Invalid"}}'
