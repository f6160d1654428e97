from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx

from contract.events import AlarmCleared, AlarmRaised
from tests.integration.cloud.conftest import Campus


def raised(alarm: UUID, kind: str = "ChargePointAbsent", charge_point: str | None = "CP1") -> AlarmRaised:
    return AlarmRaised(alarm=alarm, kind=kind, charge_point=charge_point, detail="last heard yesterday")


def cleared(alarm: UUID, kind: str = "ChargePointAbsent", charge_point: str | None = "CP1") -> AlarmCleared:
    return AlarmCleared(alarm=alarm, kind=kind, charge_point=charge_point)


def names(shown: list[dict[str, Any]]) -> set[str]:
    return {one["alarm"] for one in shown}


async def test_an_alarm_stands_until_its_site_clears_it(campus: Campus) -> None:
    alarm = uuid4()
    await campus.edge.tell(raised(alarm))
    (shown,) = await campus.items("alarms", open=True)
    assert (shown["alarm"], shown["site"], shown["kind"]) == (str(alarm), "tower", "ChargePointAbsent")
    assert (shown["charge_point"], shown["detail"], shown["cleared_at"]) == ("CP1", "last heard yesterday", None)
    await campus.edge.tell(cleared(alarm))
    assert await campus.items("alarms", open=True) == []
    (shown,) = await campus.items("alarms", open=False)
    assert shown["cleared_at"] is not None
    assert shown["raised_at"] <= shown["cleared_at"]


async def test_a_clearing_that_comes_first_is_completed_by_its_raising(campus: Campus) -> None:
    alarm = uuid4()
    await campus.edge.tell(cleared(alarm))
    (shown,) = await campus.items("alarms")
    assert (shown["raised_at"], shown["detail"]) == (None, "")
    await campus.edge.tell(raised(alarm), raised(alarm))
    (shown,) = await campus.items("alarms")
    assert (shown["raised_at"] is None, shown["cleared_at"] is None) == (False, False)
    assert shown["detail"] == "last heard yesterday"


async def test_alarms_are_found_by_site_charge_point_and_kind(campus: Campus) -> None:
    mine, of_site, elsewhere = uuid4(), uuid4(), uuid4()
    await campus.edge.tell(raised(mine), raised(of_site, "ClockSuspect", None))
    await campus.another_edge("harbour").tell(raised(elsewhere))
    assert names(await campus.items("alarms", site="tower")) == {str(mine), str(of_site)}
    assert names(await campus.items("alarms", charge_point="CP1")) == {str(mine), str(elsewhere)}
    assert names(await campus.items("alarms", kind="ClockSuspect")) == {str(of_site)}


async def test_alarms_are_paged_without_gaps_and_for_operators_alone(campus: Campus) -> None:
    alarms = [uuid4() for _ in range(5)]
    await campus.edge.tell(*(raised(alarm, charge_point=f"CP{number}") for number, alarm in enumerate(alarms)))
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await campus.get("alarms", limit=2, **cursor)).json()
        seen += [one["alarm"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == sorted(map(str, alarms))
    assert (await campus.get("alarms", cursor="nonsense")).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert (await campus.client.get("/api/v1/alarms")).status_code == httpx.codes.UNAUTHORIZED
