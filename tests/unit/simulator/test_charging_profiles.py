from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.charging_profiles import ChargingProfiles
from simulator.configuration import Configuration
from simulator.local_list import LocalList
from simulator.reservations import Reservation, Reservations

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def profile(
    *limits: tuple[int, float], number: int = 1, purpose: str = "TxDefaultProfile", unit: str = "A", **more: Any
) -> dict[str, Any]:
    schedule = {
        "charging_rate_unit": unit,
        "charging_schedule_period": [{"start_period": start, "limit": limit} for start, limit in limits],
    }
    schedule |= {name: more.pop(name) for name in ("duration", "start_schedule") if name in more}
    return {
        "charging_profile_id": number,
        "stack_level": 0,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": "Relative",
        "charging_schedule": schedule,
        **more,
    }


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_without_a_profile_there_is_no_limit() -> None:
    assert ChargingProfiles().limit_a(1, NOON) is None


def test_periods_follow_each_other_and_end_with_the_duration() -> None:
    profiles = ChargingProfiles()
    profiles.install(1, profile((0, 16), (60, 8), duration=120), NOON)
    assert [profiles.limit_a(1, at(second), NOON) for second in (0, 59, 60, 119, 120)] == [16, 16, 8, 8, None]


def test_the_highest_stack_level_that_holds_now_wins_and_the_lowest_purpose() -> None:
    profiles = ChargingProfiles()
    profiles.install(0, profile((0, 20)), NOON)
    profiles.install(0, profile((0, 10), number=2, stack_level=1, duration=60), NOON)
    assert (profiles.limit_a(1, at(0), NOON), profiles.limit_a(1, at(60), NOON)) == (10, 20)
    profiles.install(0, profile((0, 13), number=3, purpose="ChargePointMaxProfile"), NOON)
    assert (profiles.limit_a(1, at(60), NOON), profiles.limit_a(0, at(60), NOON)) == (13, 13)


def test_a_profile_of_the_connector_replaces_that_of_connector_0_and_a_tx_profile_both() -> None:
    profiles = ChargingProfiles()
    profiles.install(0, profile((0, 8)), NOON)
    profiles.install(1, profile((0, 20), number=2), NOON)
    assert [profiles.limit_a(connector, NOON) for connector in (1, 2)] == [20, 8]
    profiles.install(1, profile((0, 25), number=3, purpose="TxProfile"), NOON)
    assert profiles.limit_a(1, NOON) == 25
    profiles.transaction_ended(1)
    assert profiles.limit_a(1, NOON) == 20


def test_the_same_id_and_the_same_place_replace() -> None:
    profiles = ChargingProfiles()
    for number in (1, 1, 2):
        profiles.install(1, profile((0, 16), number=number), NOON)
    assert len(profiles) == 1


def test_watt_become_ampere_over_the_phases() -> None:
    profiles = ChargingProfiles()
    profiles.install(1, profile((0, 6900), unit="W"), NOON)
    assert profiles.limit_a(1, NOON) == 10


def test_a_recurring_profile_comes_back_each_day() -> None:
    profiles = ChargingProfiles()
    recurring = profile((0, 10), duration=3600, start_schedule="2026-02-01T12:00:00Z")
    profiles.install(
        0, recurring | {"charging_profile_kind": "Recurring", "recurrency_kind": "Daily"}, NOON - timedelta(days=9)
    )
    assert [profiles.limit_a(1, at(hours * 3600)) for hours in (0, 1, 23, 24)] == [10, None, None, 10]


def test_the_composite_schedule_shows_each_change_of_the_limit() -> None:
    profiles = ChargingProfiles()
    profiles.install(1, profile((0, 16), (60, 8), (120, 8), duration=180), NOON)
    assert profiles.composite(1, at(30), 600, 32, NOON) == [(0, 16), (30, 8), (150, 32)]


def test_clearing_takes_what_all_fields_describe_and_an_id_alone() -> None:
    profiles = ChargingProfiles()
    profiles.install(0, profile((0, 16)), NOON)
    profiles.install(1, profile((0, 16), number=2), NOON)
    assert not profiles.clear({"connector_id": 1, "stack_level": 3})
    assert profiles.clear({"connector_id": 1})
    assert profiles.clear({"id": 1, "connector_id": 7})
    assert len(profiles) == 0


def test_a_local_list_is_changed_whole_or_not_at_all() -> None:
    local_list = LocalList(Configuration(1))
    accepted, blocked = ({"status": status} for status in ("Accepted", "Blocked"))
    assert local_list.update(1, "Full", [{"id_tag": "A", "id_tag_info": accepted}, {"id_tag": "B"}]) == "Accepted"
    assert local_list.update(2, "Differential", [{"id_tag": "b", "id_tag_info": blocked}]) == "Accepted"
    assert [local_list.accepts(tag, NOON) for tag in ("a", "B", "C")] == [True, False, None]
    many = [{"id_tag": str(number), "id_tag_info": accepted} for number in range(101)]
    assert local_list.update(3, "Differential", many) == "Failed"
    assert local_list.version == 2
    assert local_list.update(3, "Differential", [{"id_tag": "A"}]) == "Accepted"
    assert local_list.accepts("A", NOON) is None


def test_without_a_local_list_nothing_is_kept() -> None:
    local_list = LocalList(Configuration(1, {"LocalAuthListEnabled": "false"}))
    assert (local_list.version, local_list.update(1, "Full", [])) == (-1, "NotSupported")


def test_a_reservation_of_connector_0_is_used_anywhere_and_once() -> None:
    reservations = Reservations()
    reservations.hold(Reservation(4, 0, "Tag", NOON))
    assert reservations.admits(2, "other")
    assert [reservations.use(2, id_tag) for id_tag in ("other", "TAG", "TAG")] == [None, 4, None]
