"""Section K of the field guide: what was said can be looked up and replayed, and no secret of it is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.station import Station

SOON_S = 30.0
SECRET = "gardu-hunter2-0123456789"


async def frames(api: httpx.AsyncClient, least: int, **query: Any) -> list[dict[str, Any]]:
    """Search until at least so many frames are found: the journal follows a moment later."""
    async with asyncio.timeout(SOON_S):
        while True:
            answer = await api.get("frames", params=query)
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()["items"]
            if len(found) >= least:
                return found
            await asyncio.sleep(0.05)


async def test_every_frame_is_found_both_ways(station: Station, api: httpx.AsyncClient) -> None:
    await station.ask("DataTransfer", vendor_id="VendorA", message_id="customMsg", data="needle-17")
    call, *_ = await frames(api, 1, text="needle-17")
    assert (call["charge_point"], call["direction"], call["action"]) == (CHARGE_POINT, "received", "DataTransfer")
    answer, again = await frames(api, 2, message_id=call["message_id"], charge_point=CHARGE_POINT)
    assert again == call
    assert (answer["direction"], answer["action"]) == ("sent", "DataTransfer")
    assert '"status":"Accepted"' in answer["frame"]
    assert answer["at"] >= call["at"]
    window: dict[str, str] = {
        "since": call["at"],
        "until": call["at"],
        "action": "DataTransfer",
        "charge_point": CHARGE_POINT,
    }
    assert call in await frames(api, 1, **window)
    assert await frames(api, 0, charge_point="nobody") == []


async def test_frames_are_paged_newest_first(station: Station, api: httpx.AsyncClient) -> None:
    for number in range(5):
        await station.ask("DataTransfer", vendor_id="VendorA", message_id="customMsg", data=f"page-{number}")
    await frames(api, 5, text="page-")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        query: dict[str, str] = {"text": "page-", "limit": "2"} | cursor
        page = (await api.get("frames", params=query)).json()
        seen += [item["frame"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [frame[frame.index("page-") :][:6] for frame in seen] == [f"page-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"text": ""}, {"limit": "0"}, {"cursor": "x"}])
async def test_a_search_that_cannot_be_understood_is_refused(api: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await api.get("frames", params=query)).status_code == 422


async def test_k08_no_secret_is_found_in_the_journal_the_database_or_the_log(
    site: Site, station: Station, api: httpx.AsyncClient
) -> None:
    station.answers["GetConfiguration"] = {
        "configuration_key": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]
    }
    url = f"central-system/clients/{CHARGE_POINT}"
    for operation, request in (
        ("change-configuration", {"key": "VendorPassword", "value": SECRET}),
        ("get-configuration", {"key": ["AuthorizationKey"]}),
        ("get-diagnostics", {"location": f"ftp://user:{SECRET}@10.0.0.1/up"}),
    ):
        answer = await api.post(f"{url}/{operation}", json=request)
        assert answer.is_success, answer.text
    await station.ask("DataTransfer", vendor_id="VendorA", message_id="customMsg", data=f'{{"password":"{SECRET}"}}')
    torn = f'[2,"t1","DataTransfer",{{"vendorId":"VendorA","data":"password={SECRET}"'
    await station.websocket.send(torn)
    await frames(api, 1, message_id="t1")
    assert await frames(api, 0, text=SECRET) == []  # its file is compressed
    for file in (site.edge.folder / "data").iterdir():
        assert SECRET.encode() not in file.read_bytes(), file
    assert SECRET not in site.edge.log.read_text()
    shown = await frames(api, 3, text="(redacted)")
    assert {"ChangeConfiguration", "GetConfiguration"} <= {frame["action"] for frame in shown}
