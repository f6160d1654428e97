"""Cars and meters: believable curves whose energy is what the register counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.car import TAPER_FROM_SOC, Car
from simulator.meter import CURRENT, ENERGY, MEASURANDS, POWER, SOC, VOLTAGE, Draw, Meter
from simulator.plan import Plan

cars = st.builds(
    lambda battery_wh, soc, more, power_w, phases: Car("any", battery_wh, soc, min(1.0, soc + more), power_w, phases),
    st.floats(500, 100_000),
    st.floats(0, 0.95),
    st.floats(0.01, 1),
    st.floats(1_000, 50_000),
    st.sampled_from([1, 3]),
)


@given(cars, st.lists(st.floats(0, 1_800), max_size=12), st.floats(1_000, 30_000))
def test_energy_is_the_integral_of_power_and_equals_the_register(car: Car, steps: list[float], limit_w: float) -> None:
    meter, began_soc, most_wh = Meter(), car.soc, 0.0
    for seconds in steps:
        before_w = car.power_w(limit_w)
        assert before_w <= limit_w
        assert before_w <= car.max_power_w
        energy_wh = car.charge(seconds, limit_w)
        # Power only falls during a step, so the integral lies between its two ends.
        assert car.power_w(limit_w) * seconds / 3600 - 1e-6 <= energy_wh + (1e9 if car.full else 0)
        assert 0 <= energy_wh <= before_w * seconds / 3600 * (1 + 1e-9) + 1e-6
        most_wh += before_w * seconds / 3600
        meter.count(energy_wh)
    assert meter.register_wh == pytest.approx((car.soc - began_soc) * car.battery_wh, abs=1e-3)
    assert meter.register_wh <= most_wh + 1e-3
    assert car.soc <= car.target_soc


def test_power_is_constant_then_tapers_and_ends() -> None:
    car = Car("family car", 60_000, 0.3, 1.0, 11_000, 3)
    curve: list[tuple[float, float]] = []
    while not car.full:
        curve.append((car.soc, car.power_w(22_000)))
        car.charge(60, 22_000)
    flat = {power for soc, power in curve if soc < TAPER_FROM_SOC}
    tail = [power for soc, power in curve if soc >= TAPER_FROM_SOC]
    assert flat == {11_000}
    assert tail == sorted(tail, reverse=True)
    assert 0 < tail[-1] < 2_000
    assert car.power_w(22_000) == 0


def test_shrunk_car_draws_the_same_power_and_fills_sooner() -> None:
    car = Car("compact", 50_000, 0.2, 0.8, 7_400, 1)
    small = car.shrunk(100)
    assert small.power_w(7_360) == car.power_w(7_360) == 7_360
    assert small.needs_wh == pytest.approx(car.needs_wh / 100)
    assert car.battery_wh == 50_000


def test_register_never_falls() -> None:
    meter = Meter(register_wh=10)
    with pytest.raises(ValueError, match="upwards"):
        meter.count(-1)
    assert meter.reading_wh == 10


def test_three_phase_sample_holds_one_current_and_voltage_per_phase() -> None:
    meter = Meter(register_wh=1234.9, draw=Draw(power_w=11_040, phases=3, soc=0.5))
    samples = meter.sample(MEASURANDS, "Sample.Periodic")
    by_name = {(sample["measurand"], sample.get("phase")): sample["value"] for sample in samples}
    assert by_name[ENERGY, None] == "1234"
    assert by_name[POWER, None] == "11040.0"
    assert [by_name[CURRENT, phase] for phase in ("L1", "L2", "L3")] == ["16.00"] * 3
    assert [by_name[VOLTAGE, phase] for phase in ("L1-N", "L2-N", "L3-N")] == ["230.0"] * 3
    assert by_name[SOC, None] == "50"


def test_single_phase_sample_names_one_phase_and_only_what_was_asked() -> None:
    samples = Meter(draw=Draw(power_w=3_680, phases=1)).sample([CURRENT, SOC], "Trigger")
    assert [(sample["measurand"], sample["phase"], sample["value"]) for sample in samples] == [(CURRENT, "L1", "16.00")]


def plan(seed: int = 1, identity: str = "CP001") -> Plan:
    return Plan(seed, identity, {1: ("A", "B"), 2: ("C",)})


def test_same_seed_gives_the_same_visits_in_any_order() -> None:
    forwards = [plan().visit(1, number) for number in range(20)]
    backwards = [plan().visit(1, number) for number in reversed(range(20))]
    assert forwards == backwards[::-1]
    assert plan().register_wh(1) == plan().register_wh(1)


def test_other_seed_identity_or_connector_gives_other_visits() -> None:
    visits = [plan().visit(1, 0), plan(seed=2).visit(1, 0), plan(identity="CP002").visit(1, 0), plan().visit(2, 0)]
    assert len({visit.car.soc for visit in visits}) == 4


def test_planned_cars_need_energy_and_stay_for_it() -> None:
    visits = [plan().visit(connector, number) for connector in (1, 2) for number in range(200)]
    assert all(visit.car.needs_wh > 0 and visit.stay_s >= 300 and 0 < visit.car.soc < 1 for visit in visits)
    assert {visit.car.phases for visit in visits} == {1, 3}
