"""The newest of each connector is shown at once, and nothing of it is history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import update

from cloud.models.sites import EdgeRow
from contract.events import Sample
from contract.live import LiveNews, LiveSample, LiveState
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import NOON

TRANSACTION = uuid4()


def state(status: str, *, connector_id: int = 1, at: datetime = NOON) -> LiveState:
    return LiveState(charge_point="CP1", connector_id=connector_id, status=status, error_code="NoError", status_at=at)


def sample(watts: str, *, at: datetime = NOON) -> LiveSample:
    measured = Sample(measurand="Power.Active.Import", value=watts, unit="W")
    return LiveSample(charge_point="CP1", connector_id=1, transaction=TRANSACTION, sampled_at=at, samples=[measured])


async def tell(campus: Campus, *news: LiveState | LiveSample, site: str = "tower") -> httpx.Response:
    body = LiveNews(
        told_at=NOON,
        states=[one for one in news if isinstance(one, LiveState)],
        samples=[one for one in news if isinstance(one, LiveSample)],
    )
    return await campus.client.post(
        f"/api/v1/edges/{site}/live", json=body.model_dump(mode="json"), headers=campus.edge.headers
    )


def shown(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["connector_id"], row["status"], [one["value"] for one in row["samples"]]


async def test_state_and_samples_of_a_connector_meet_whichever_comes_first(campus: Campus) -> None:
    assert (await tell(campus, sample("7000"))).json() == {"connectors": 1}
    await tell(campus, state("Charging"), state("Available", connector_id=2))
    assert [shown(row) for row in await campus.items("live")] == [(1, "Charging", ["7000"]), (2, "Available", [])]


async def test_a_character_that_no_database_holds_keeps_no_picture_back(campus: Campus) -> None:
    answer = await tell(campus, state("Char\x00ging"), sample("7\x00000"), state("Available", connector_id=2))
    assert answer.is_success, answer.text
    assert [shown(row) for row in await campus.items("live")] == [
        (1, "Char\ufffdging", ["7\ufffd000"]),
        (2, "Available", []),
    ]


async def test_the_newest_word_replaces_the_one_before_and_tells_when_it_was_heard(campus: Campus) -> None:
    await tell(campus, state("Charging"), sample("7000"))
    campus.clock.forward(seconds=1)
    await tell(campus, sample("3500", at=NOON + timedelta(seconds=1)))
    [row] = await campus.items("live")
    assert shown(row) == (1, "Charging", ["3500"])
    assert row["heard_at"] == "2026-03-04T12:00:01Z"
    assert row["transaction"] == str(TRANSACTION)


async def test_nothing_of_it_is_history(campus: Campus) -> None:
    await tell(campus, state("Charging"), sample("7000"))
    assert await campus.items("meter-values") == []
    assert await campus.items("transactions") == []
    assert await campus.items("charge-points") == []


async def test_only_the_edge_itself_tells_of_its_site(campus: Campus) -> None:
    campus.another_edge("annex")
    assert (await tell(campus, state("Charging"), site="annex")).status_code in {401, 403}
    assert await campus.items("live") == []


async def test_the_picture_is_filtered_and_paged(campus: Campus) -> None:
    await tell(campus, *(state("Available", connector_id=n) for n in range(5)))
    first = (await campus.get("live", limit=3)).json()
    rest = await campus.items("live", cursor=first["next_cursor"])
    assert [row["connector_id"] for row in first["items"] + rest] == [0, 1, 2, 3, 4]
    assert await campus.items("live", site="annex") == []


async def test_a_locked_edge_shows_nothing_and_gets_no_directory(campus: Campus) -> None:
    with campus.database.write() as unit:
        unit.execute(update(EdgeRow).values(locked_at=NOON, locked_why="two speak for it"))
    assert (await tell(campus, state("Charging"))).status_code == 403
    path = "/api/v1/edges/tower/directory/id_tags"
    refused = await campus.client.get(path, headers=campus.edge.headers)
    assert (refused.status_code, refused.json()["detail"]) == (403, "two speak for it")
