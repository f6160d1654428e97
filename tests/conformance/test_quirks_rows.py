"""Each row of `quirks.yaml`, from the frames of its symptom (`quirk_frames`), through a real edge: one test per row.

All rows are played at once, since some of them take their time; each test then tells of its own.
"""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.ocpp16.quirks import Row, merged, quirks_of, rows
from tests.harness.plain_http import PLAIN
from tests.harness.processes import Edge
from tests.harness.quirk_player import Player
from tests.harness.quirk_story import Story, stories

SETTINGS = {
    "CENTRAL_SYSTEM__BOOT_GRACE_S": "10",  # none is called before it boots
    "UPKEEP__PROVISION": "true",
    "UPKEEP__LOCAL_LISTS": "true",
    "UPKEEP__AFTER_BOOT_S": "0",
    "UPKEEP__CONFIGURATION": '{"MeterValueSampleInterval":"5"}',
}
LONG_TAG = "LONGER-THAN-SIXTEEN"
HERE = Path(__file__).parent
STORIES = stories()
PLAYED = {name: story for name, story in STORIES.items() if story.then is not None}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with Edge.create(tmp_path_factory.mktemp("edge"), **SETTINGS).start() as edge:
        edge.add_id_tag(LONG_TAG)
        yield edge


@pytest.fixture(scope="module")
def played(edge: Edge, request: pytest.FixtureRequest) -> dict[str, BaseException | None]:
    """Play the rows whose tests were chosen; gives what each came to."""
    chosen = {item.name for item in request.session.items if item.path == Path(__file__)}
    test = test_the_frames_of_a_row.__name__
    return asyncio.run(_play(edge, {name: story for name, story in PLAYED.items() if f"{test}[{name}]" in chosen}))


async def _play(edge: Edge, chosen: dict[str, Story]) -> dict[str, BaseException | None]:
    base_url = f"http://127.0.0.1:{edge.api_port}/api/v1/"
    async with httpx.AsyncClient(verify=PLAIN, base_url=base_url, timeout=120, trust_env=False) as api:
        players = [
            Player(row, chosen[row.name], edge.ws_url, api, f"Q-{row.name}", f"Q{number}")
            for number, row in enumerate(rows())
            if row.name in chosen
        ]
        ends = await asyncio.gather(*(player.play() for player in players), return_exceptions=True)
    return {player.row.name: end for player, end in zip(players, ends, strict=True)}


@pytest.mark.parametrize("row", [row for row in rows() if row.name in PLAYED], ids=lambda row: row.name)
def test_the_frames_of_a_row(played: dict[str, BaseException | None], row: Row) -> None:
    failure = played[row.name]
    if failure is not None:
        raise failure


def test_the_frames_that_were_kept_make_the_same_transactions_again(
    edge: Edge, played: dict[str, BaseException | None]
) -> None:
    """What is known of each charge point decides in a replay as it did when the frames came."""
    assert played
    outcome = json.loads(edge.cli("replay", "--json"))
    assert outcome["differences"] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_row_has_the_frames_of_its_symptom(row: Row) -> None:
    story = STORIES.get(row.name)
    assert story is not None, "Add what such a charge point sends, and what must come of it, to quirk_frames."
    if story.test is not None:
        file, _, function = story.test.partition("::")
        source = (HERE / file).read_text(encoding="utf-8")
        (test,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == function)
        assert row.name in ast.unparse(test), "The test plays the row by its name."


def test_no_frames_are_kept_of_a_row_that_there_is_not() -> None:
    assert STORIES.keys() == {row.name for row in rows()}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_charge_point_of_the_row_is_known_by_its_boot(row: Row) -> None:
    found, alone = quirks_of(*row.example), merged([row])
    for flag in row.flags:
        if flag == "advice":
            assert set(alone.advice) <= set(found.advice)
        else:
            assert getattr(found, flag) == getattr(alone, flag), flag
