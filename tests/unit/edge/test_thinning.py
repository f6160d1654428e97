from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.events import KeptMeterValues
from edge.domain.thinning import thin


def event(second: int, power_w: float | None, *, charge_point: str = "CP-1", register_wh: int = 0) -> dict[str, Any]:
    samples = [{"measurand": "Energy.Active.Import.Register", "value": str(register_wh), "unit": "Wh"}]
    if power_w is not None:
        samples.append({"measurand": "Power.Active.Import", "value": str(power_w), "unit": "W"})
    value = {"sampled_at": f"2026-03-04T12:{second // 60:02d}:{second % 60:02d}.000Z", "samples": samples}
    return {"charge_point": charge_point, "connector_id": 1, "transaction": None, "values": [value]}


def powers(kept: list[dict[str, Any]]) -> list[float]:
    return [float(part["values"][0]["samples"][1]["value"]) for part in kept]


def test_first_last_least_and_most_stay() -> None:
    events = list(enumerate((event(n, power) for n, power in enumerate([5, 7, 1, 9, 4, 6])), start=11))
    kept = thin(events)
    assert powers(kept) == [5, 1, 9, 6]
    assert [part["seq"] for part in kept] == [11, 13, 14, 16]


def test_what_has_no_power_is_judged_by_its_register() -> None:
    events = [(n + 1, event(n, None, register_wh=wh)) for n, wh in enumerate([10, 40, 5, 20, 30])]
    assert [part["seq"] for part in thin(events)] == [1, 2, 3, 5]


def test_each_charge_point_is_judged_for_itself() -> None:
    events = [(1, event(0, 1.0)), (2, event(0, 2.0, charge_point="CP-2")), (3, event(1, 3.0))]
    assert [part["seq"] for part in thin(events)] == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 899), st.none() | st.floats(0, 1e5)), min_size=1, max_size=60))
def test_what_stays_is_of_the_contract_and_never_more_than_four_per_connector(
    points: list[tuple[int, float | None]],
) -> None:
    kept = thin((n + 1, event(second, power)) for n, (second, power) in enumerate(points))
    assert 1 <= len(kept) <= 4
    assert [KeptMeterValues.model_validate(part).seq for part in kept] == sorted(part["seq"] for part in kept)
    moments = [event(second, power)["values"][0]["sampled_at"] for second, power in points]
    stayed = [part["values"][0]["sampled_at"] for part in kept]
    assert min(moments) in stayed
    assert max(moments) in stayed
