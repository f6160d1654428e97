from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.domain import condition
from edge.domain.condition import Seen
from edge.domain.connector import ODD, STATUSES, is_late, is_odd

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seen(
    status: str = "Available", error_code: str = "NoError", *, since: str | None = None, suspect: bool = False
) -> Seen:
    return Seen(status, error_code, "2026-03-01T12:00:00Z", since, suspect)


def test_the_table_of_transitions_has_nineteen_gaps_and_no_status_of_its_own() -> None:
    assert sum(is_odd(before, after) for before in STATUSES for after in STATUSES) == 19
    assert set(ODD) <= set(STATUSES)
    assert not any(is_odd("Faulted", after) for after in STATUSES)
    assert not any(is_odd(status, status) for status in STATUSES)


@pytest.mark.parametrize(
    ("status", "occupancy", "energy", "health"),
    [
        ("Available", "free", "none", "ok"),
        ("Preparing", "unknown", "none", "ok"),
        ("Charging", "plugged", "flowing", "ok"),
        ("SuspendedEV", "plugged", "paused", "ok"),
        ("SuspendedEVSE", "plugged", "paused", "ok"),
        ("Finishing", "plugged", "none", "ok"),
        ("Reserved", "free", "none", "ok"),
        ("Unavailable", "unknown", "none", "ok"),
        ("Faulted", "unknown", "none", "fault"),
    ],
)
def test_each_status_is_evidence_for_some_of_the_condition(
    status: str, occupancy: str, energy: str, health: str
) -> None:
    it = seen(status)
    assert condition.occupancy(it).value == occupancy
    assert condition.energy(it).value == energy
    assert condition.health(it).value == health


def test_a_warning_hides_no_charging() -> None:
    it = seen("Charging", "HighTemperature", since="2026-03-01T11:00:00Z")
    assert condition.health(it).value == "warning"
    assert condition.energy(it).value == "flowing"
    assert condition.session(it).value == "open"


def test_a_session_is_ended_by_no_status_but_doubted() -> None:
    assert condition.session(seen()).value == "none"
    assert condition.session(seen("Available", since="2026-03-01T11:00:00Z")).value == "suspect"
    assert condition.session(seen("Charging", since="2026-03-01T11:00:00Z", suspect=True)).value == "suspect"


def test_a_status_is_late_only_when_it_is_older_than_the_known_one_and_not_of_now() -> None:
    def late(at: float, known: float, received: float = 0, now: float = 0) -> bool:
        minutes = [NOON + timedelta(minutes=minute) for minute in (at, known, received, now)]
        return is_late(*minutes)

    assert late(-60, -30)
    assert not late(-30, -60)
    assert not late(-30, -30)
    assert not late(-0.1, 0)  # both of now: the clock was set meanwhile
    assert not late(-60, 90, received=0)  # the known one lay in the future
