"""How far time has certainly come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain.passed_time import passed_to, removal_time

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
A_MINUTE, A_YEAR = timedelta(minutes=1), timedelta(days=365)


@pytest.mark.parametrize("jump", [A_YEAR, -A_YEAR])
def test_a_jump_of_a_clock_that_nobody_keeps_counts_for_the_time_that_passed(jump: timedelta) -> None:
    assert passed_to(NOON, NOON + jump, 60.0, synchronised=False) == NOON + A_MINUTE


@pytest.mark.parametrize("jump", [A_YEAR, -A_YEAR])
def test_a_clock_that_a_time_server_keeps_is_right(jump: timedelta) -> None:
    assert passed_to(NOON, NOON + jump, 60.0, synchronised=True) == NOON + jump


def test_a_jump_during_a_restart_is_not_believed() -> None:
    assert passed_to(NOON, NOON + A_YEAR, 0.0, synchronised=False) == NOON


def test_the_first_time_is_what_the_clock_says() -> None:
    assert passed_to(None, NOON, 0.0, synchronised=False) == NOON


def test_ages_count_from_the_earlier_of_both() -> None:
    assert removal_time(NOON, NOON + A_YEAR) == NOON
    assert removal_time(NOON, NOON - A_YEAR) == NOON - A_YEAR
