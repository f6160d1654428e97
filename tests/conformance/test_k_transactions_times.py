"""K35 and K54: times as charge points write them, and the clock that the edge tells."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from contract.edge_events import EdgeClockCorrected
from edge.clock import RELEASED, Clock
from edge.domain.alarms import AlarmKind
from edge.operations.chores import note_clock
from edge.store import alarms, clocks
from tests.integration.edge.played_site import NOON, PlayedSite, SetClock


@pytest.mark.parametrize(
    ("raw", "at", "flags"),
    [
        ("2026-03-01T11:00:00", NOON - timedelta(hours=1), ["no_zone"]),
        ("2026-03-01T13:00:00+0200", NOON - timedelta(hours=1), []),
        ("2026-03-01T13:00:00+02", NOON - timedelta(hours=1), []),
        ("2026-03-01T11:00:00.123456789Z", NOON - timedelta(hours=1) + timedelta(microseconds=123000), []),
        ("2026-03-01T11:00:00,5Z", NOON - timedelta(hours=1) + timedelta(milliseconds=500), []),
        ("2026-03-01 11:00:00z", NOON - timedelta(hours=1), []),
        ("1970-01-01T00:03:00Z", NOON, ["absurd"]),
        ("2036-02-07T06:28:16Z", NOON, ["absurd"]),
        ("", NOON, ["no_time_stamp"]),
        ("soon", NOON, ["unreadable_time_stamp"]),
    ],
)
def test_k54_a_time_is_read_and_kept_as_it_came(played: PlayedSite, raw: str, at: datetime, flags: list[str]) -> None:
    number = played.start(timestamp=raw)
    stored = played.transaction(number)
    assert (stored.started_at, stored.flags) == (at, flags)
    kept = played.connection.execute("SELECT started_at_raw, start_received_at FROM charging_transaction").fetchone()
    assert tuple(kept) == (raw, "2026-03-01T12:00:00.000Z")


def drift(played: PlayedSite, by: timedelta, *, times: int = 3, zone: str = "Z") -> None:
    """Statuses, sent as they happen, by a clock that is off."""
    for _ in range(times):
        played.later(minutes=5)
        written = (played.clock.at + by).strftime("%Y-%m-%dT%H:%M:%S") + zone
        played.status("Charging", timestamp=written)


def test_k54_local_time_that_is_labelled_utc_is_corrected_once_it_is_known(played: PlayedSite) -> None:
    drift(played, timedelta(hours=7))
    number = played.start(timestamp=(played.clock.at + timedelta(hours=5)).isoformat())  # two hours old
    stored = played.transaction(number)
    assert (stored.started_at, stored.flags) == (played.clock.at - timedelta(hours=2), ["skewed"])
    played.restart()
    played.stop(number, timestamp=(played.clock.at + timedelta(hours=6)).isoformat())
    assert played.transaction(number).stopped_at == played.clock.at - timedelta(hours=1)
    assert alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "CP1")


def test_k54_a_time_without_a_zone_gets_the_zone_that_the_clock_shows(played: PlayedSite) -> None:
    drift(played, timedelta(hours=5, minutes=45, seconds=70), zone="")
    number = played.start(timestamp=(played.clock.at + timedelta(hours=5, minutes=45)).isoformat()[:19])
    stored = played.transaction(number)
    assert (stored.started_at, stored.flags) == (played.clock.at, ["zone_from_skew"])


@pytest.mark.parametrize("by", [timedelta(hours=5, minutes=50), timedelta(seconds=40), timedelta(0)])
def test_k54_a_time_without_a_zone_stays_utc_when_no_zone_fits(played: PlayedSite, by: timedelta) -> None:
    drift(played, by, zone="")
    number = played.start(timestamp=played.time[:19])
    assert (played.transaction(number).started_at, played.transaction(number).flags) == (played.clock.at, ["no_zone"])


def test_k54_a_small_or_an_unsteady_offset_corrects_nothing(played: PlayedSite) -> None:
    drift(played, timedelta(seconds=-50))
    old = (played.clock.at - timedelta(hours=2)).isoformat()
    assert played.transaction(played.start(timestamp=old)).flags == []
    drift(played, timedelta(hours=1), times=1)
    drift(played, timedelta(hours=-1), times=1)
    assert clocks.read_skew_s(played.connection, "CP1") is None
    assert played.transaction(played.start(timestamp=old, meterStart=7)).flags == []


def test_k54_a_burst_of_statuses_that_began_hours_ago_teaches_nothing(played: PlayedSite) -> None:
    for _ in range(3):
        for connector_id in range(4):
            began = (played.clock.at - timedelta(hours=3)).isoformat()
            played.status("Available", timestamp=began, connectorId=connector_id)
        played.later(hours=5)
        began = (played.clock.at - timedelta(hours=1)).isoformat()
        played.status("Available", timestamp=began)
    assert clocks.read_skew_s(played.connection, "CP1") is None


def test_k54_a_clock_that_was_set_is_believed_again(played: PlayedSite) -> None:
    drift(played, timedelta(hours=7))
    drift(played, timedelta(0), times=5)
    assert clocks.read_skew_s(played.connection, "CP1") == pytest.approx(0, abs=1)
    assert not alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "CP1")


def test_k54_a_charge_point_whose_clock_is_right_costs_no_row(played: PlayedSite) -> None:
    drift(played, timedelta(seconds=-2))
    assert played.count("charge_point_clock") == 0


def test_k54_the_samples_of_a_corrected_transaction_are_still_its_own(played: PlayedSite) -> None:
    ahead = timedelta(hours=7)
    drift(played, ahead)
    number = played.start(timestamp=(played.clock.at + ahead).isoformat())
    played.later(hours=1)
    value = {"timestamp": (played.clock.at + ahead).isoformat(), "sampledValue": [{"value": "1700"}]}
    played.meter(0, transactionId=number, meterValue=[value])
    played.later(hours=1)
    played.stop(number, timestamp=(played.clock.at + ahead).isoformat(), meterStop=0)
    assert played.transaction(number).energy_wh == 700


class UnsetClock(SetClock):
    """A machine whose own clock says what the test wants."""

    def __init__(self, says: datetime) -> None:
        super().__init__()
        self.says, self.passed_s = says, 0.0
        self.synchronised = False

    def machine_synchronised(self) -> bool:
        return self.synchronised

    def now(self) -> datetime:
        self.at = Clock.now(self)
        return self.at

    def machine(self) -> datetime:
        return self.says + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.passed_s


def waking(played: PlayedSite, says: datetime) -> UnsetClock:
    """Wake up with a clock that says this; every boot is answered with what it knows."""
    clock = UnsetClock(says)
    played.clock = clock
    played.restart()
    played.write(lambda tx: note_clock(tx, clock, started=True))
    return clock


def test_k35_a_clock_before_the_last_known_time_makes_boots_wait_and_then_counts_on(played: PlayedSite) -> None:
    played.write(lambda tx: note_clock(tx, played.clock))
    clock = waking(played, datetime(1970, 1, 1, tzinfo=UTC))
    assert alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "")
    first = played.boot()
    assert (first["status"], first["interval"]) == ("Pending", 30)
    assert first["currentTime"] == "2026-03-01T12:00:00.000Z"
    clock.passed_s = 181
    played.write(lambda tx: note_clock(tx, clock))
    later = played.boot()
    assert (later["status"], later["currentTime"]) == ("Accepted", "2026-03-01T12:03:01.000Z")
    assert played.ask("Heartbeat", {})["currentTime"] == "2026-03-01T12:03:01.000Z"
    number = played.start(timestamp="2026-03-01T12:02:00Z")
    assert played.transaction(number).flags == ["clock_suspect"]


def test_k35_a_clock_that_is_set_ends_the_doubt_at_once(played: PlayedSite) -> None:
    played.write(lambda tx: note_clock(tx, played.clock))
    clock = waking(played, datetime(1970, 1, 1, tzinfo=UTC))
    clock.says = NOON + timedelta(hours=2)
    assert (clock.now(), clock.suspect, clock.synced()) == (NOON + timedelta(hours=2), False, True)
    played.write(lambda tx: note_clock(tx, clock))
    answer = played.boot()
    assert (answer["status"], answer["currentTime"]) == ("Accepted", "2026-03-01T14:00:00.000Z")
    assert not alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "")


@pytest.mark.parametrize("says", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)])
def test_k35_a_first_start_never_tells_a_time_before_the_release(played: PlayedSite, says: datetime) -> None:
    waking(played, says)
    told = [played.boot()["currentTime"], played.ask("Heartbeat", {})["currentTime"]]
    assert all(datetime.fromisoformat(time) >= RELEASED for time in told)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in told)


def test_k35_a_step_back_of_an_hour_while_it_runs_is_a_correction(played: PlayedSite) -> None:
    played.write(lambda tx: note_clock(tx, played.clock))
    played.later(hours=-1)
    played.write(lambda tx: note_clock(tx, played.clock))
    assert (played.clock.suspect, played.boot()["status"]) == (False, "Accepted")


def test_k35_a_clock_that_falls_into_the_past_while_it_runs_is_noticed(played: PlayedSite) -> None:
    clock = waking(played, NOON)
    clock.says = datetime(1970, 1, 1, tzinfo=UTC)
    played.write(lambda tx: note_clock(tx, clock))
    assert (clock.suspect, played.boot()["currentTime"]) == (True, "2026-03-01T12:00:00.000Z")


def poisoned(played: PlayedSite) -> UnsetClock:
    """The clock stood a year ahead when it was last noted, and is right now."""
    played.write(lambda tx: clocks.write_edge(tx.connection, NOON + timedelta(days=365), None))
    clock = waking(played, NOON)
    assert (clock.suspect, clock.now()) == (True, NOON + timedelta(days=365))
    assert alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "")
    return clock


def test_k35_a_noted_time_that_had_not_come_yet_gives_way_to_a_clock_that_a_time_server_keeps(
    played: PlayedSite,
) -> None:
    clock = poisoned(played)
    clock.synchronised, clock.passed_s = True, 60
    played.write(lambda tx: note_clock(tx, clock))
    assert (clock.suspect, clock.now()) == (False, NOON + timedelta(seconds=60))
    assert not alarms.stands(played.connection, AlarmKind.CLOCK_SUSPECT, "")
    (told,) = played.events(EdgeClockCorrected)
    assert (told.noted_at, told.vouched_by) == (NOON + timedelta(days=365), "time_server")
    again = waking(played, NOON + timedelta(minutes=5))
    assert (again.suspect, played.boot()["currentTime"]) == (False, "2026-03-01T12:05:00.000Z")


def test_k35_a_person_who_vouches_for_the_clock_is_believed_at_the_next_look(played: PlayedSite) -> None:
    clock = poisoned(played)
    played.write(lambda tx: clocks.trust_edge(tx.connection, clock.machine()))
    played.write(lambda tx: note_clock(tx, clock))
    assert (clock.suspect, clock.now()) == (False, NOON)
    (told,) = played.events(EdgeClockCorrected)
    assert told.vouched_by == "operator"
    played.write(lambda tx: note_clock(tx, clock))
    assert len(played.events(EdgeClockCorrected)) == 1


def test_k35_nobody_can_vouch_for_a_clock_that_is_older_than_this_release(played: PlayedSite) -> None:
    played.write(lambda tx: note_clock(tx, played.clock))
    clock = waking(played, datetime(1970, 1, 1, tzinfo=UTC))
    clock.synchronised = True
    played.write(lambda tx: clocks.trust_edge(tx.connection, clock.machine()))
    played.write(lambda tx: note_clock(tx, clock))
    assert (clock.suspect, played.events(EdgeClockCorrected)) == (True, [])
