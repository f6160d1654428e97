"""K29: whatever happens in a handler of ours, a record gets a good answer and its frame is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contract.events import TransactionStarted
from edge.operations.from_charge_point import ROUTES
from edge.store import quarantine
from tests.conformance.test_k_rpc import AT, METER, START, STOP
from tests.harness.central import Central, central
from tests.integration.edge.played_site import PlayedSite


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[Central]:
    async with central(tmp_path) as running:
        yield running


def fails(*_: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("action", "payload"), [("StartTransaction", START), ("StopTransaction", STOP), ("MeterValues", METER)]
)
async def test_k29_an_exception_in_a_handler_still_gives_a_good_answer_and_a_row_in_quarantine(
    system: Central, monkeypatch: pytest.MonkeyPatch, action: str, payload: dict[str, Any]
) -> None:
    async with await system.charge_point("K29") as wire:
        await wire.boot()
        monkeypatch.setitem(ROUTES, action, fails)
        answer = await wire.result(action, payload)
        if action == "StartTransaction":
            assert answer["transactionId"] > 0
        else:
            assert answer == {}
        kept = system.readers.run_now(quarantine.page)
        assert [(frame.charge_point, frame.reason) for frame in kept] == [
            ("K29", "its handler failed: ZeroDivisionError")
        ]
        assert action in kept[0].raw
        monkeypatch.undo()
        assert "currentTime" in await wire.result("Heartbeat", {})


async def test_k29_any_other_handler_that_fails_is_a_call_error_and_its_frame_is_kept(
    system: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await system.charge_point("K29") as wire:
        await wire.boot()
        monkeypatch.setitem(ROUTES, "DataTransfer", fails)
        answer = await wire.call("DataTransfer", {"vendorId": "V"})
        assert (answer[0], answer[2]) == (4, "InternalError")
        assert len(system.readers.run_now(quarantine.page)) == 1


async def test_k29_a_handler_that_fails_leaves_the_others_of_its_commit_alone(
    system: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROUTES, "MeterValues", fails)
    async with await system.charge_point("K29-A") as failing, await system.charge_point("K29-B") as fine:
        await asyncio.gather(failing.boot(), fine.boot())
        answers = await asyncio.gather(failing.result("MeterValues", METER), fine.result("StartTransaction", START))
    assert answers[0] == {}
    assert answers[1]["transactionId"] > 0


def test_k29_our_own_fault_does_not_end_the_charging_of_a_good_id_tag(played: PlayedSite) -> None:
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}
    assert played.salvage("StartTransaction", start, "why")["idTagInfo"] == {"status": "Accepted"}
    assert played.salvage("StartTransaction", start | {"idTag": "BLOCKED"}, "why")["idTagInfo"] == {"status": "Blocked"}
    assert played.salvage("StartTransaction", start | {"idTag": None}, "why")["idTagInfo"] == {"status": "Invalid"}
    assert [event.id_tag for event in played.events(TransactionStarted)] == ["TAG", "BLOCKED", ""]
