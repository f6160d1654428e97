from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.domain.commissioning import CommissioningWindow
from edge.domain.duplicates import BORNE, Origin, Takeovers
from edge.domain.patience import Deafness, Step, bears_s, ping_interval_s


def test_one_that_answers_pings_is_judged_by_them_and_any_other_by_its_heartbeats() -> None:
    assert bears_s(30, 300, pongs=True) == 90
    assert bears_s(30, 300, pongs=False) == 900
    assert bears_s(300, 30, pongs=False) == 900


def test_pings_come_as_often_as_the_site_sends_them_or_as_the_line_needs_them() -> None:
    assert [ping_interval_s(site, needed) for site, needed in ((60, None), (60, 30), (20, 30))] == [60, 30, 20]


def test_three_new_connections_within_an_hour_are_tried_and_then_a_person_is_told_once() -> None:
    deafness = Deafness()
    steps = [deafness.unanswered("CP", second) for second in (0, 600, 1200, 1800, 9000)]
    assert steps == [Step.CLOSE, Step.CLOSE, Step.CLOSE_AND_ALARM, Step.BEAR, Step.BEAR]
    assert deafness.unanswered("other", 1200) is Step.CLOSE
    assert deafness.answered("CP")
    assert not deafness.answered("CP")
    assert deafness.unanswered("CP", 9001) is Step.CLOSE


@given(st.lists(st.floats(min_value=1801, max_value=10_000), max_size=20))
def test_what_happens_less_than_three_times_an_hour_raises_no_alarm(pauses: list[float]) -> None:
    deafness, second = Deafness(), 0.0
    for pause in pauses:
        second += pause
        assert deafness.unanswered("CP", second) is Step.CLOSE


def test_an_alarm_of_before_a_restart_still_stands() -> None:
    deafness = Deafness()
    deafness.restore({"CP"})
    assert deafness.unanswered("CP", 0) is Step.BEAR
    assert deafness.answered("CP")


def test_two_devices_that_throw_each_other_out_are_told_from_one_that_comes_back() -> None:
    here, there = Origin("10.0.0.1", None), Origin("10.0.0.2", None)
    takeovers = Takeovers()
    verdicts = [takeovers.replaced("CP", (here, there)[turn % 2], turn) for turn in range(BORNE + 3)]
    assert verdicts == [False] * (BORNE + 2) + [True]
    assert not any(takeovers.replaced("CP", here, turn) for turn in range(100))


def test_serial_numbers_decide_where_both_are_known() -> None:
    moving = [Origin(f"10.0.0.{turn}", "S1") for turn in range(50)]
    takeovers = Takeovers()
    assert not any(takeovers.replaced("CP", origin, turn) for turn, origin in enumerate(moving))
    behind_one_router = [Origin("10.0.0.1", f"S{turn % 2}") for turn in range(BORNE + 2)]
    assert [takeovers.replaced("twins", origin, turn) for turn, origin in enumerate(behind_one_router)][-1]


def test_one_that_has_another_address_each_time_is_one() -> None:
    takeovers = Takeovers()
    origins = [Origin(f"10.0.0.{turn}", "S1" if turn % 3 == 0 else None) for turn in range(50)]
    assert not any(takeovers.replaced("CP", origin, turn) for turn, origin in enumerate(origins))


def test_slow_changes_of_address_are_borne() -> None:
    takeovers = Takeovers()
    origins = [Origin(f"10.0.0.{turn % 2}", None) for turn in range(50)]
    assert not any(takeovers.replaced("CP", origin, turn * 121.0) for turn, origin in enumerate(origins))


def test_the_commissioning_window_closes_by_itself() -> None:
    window = CommissioningWindow()
    assert window.left_s(0) == 0
    window.open(100, 60)
    assert [window.left_s(now) for now in (100, 130, 160, 200)] == [60, 30, 0, 0]
    window.open(100, 60)
    window.close()
    assert window.left_s(101) == 0
