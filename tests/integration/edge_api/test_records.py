from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest

from contract.streams import Stream
from edge.api.collaborators import LinkStatus
from edge.store import charge_points, connectors, outbox, quarantine
from edge.store.connectors import ConnectorState
from edge.store.writer import WriteTx
from tests.integration.edge_api.site import NOW, Site, problem

LISTS = ["/api/v1/charge-points", "/api/v1/transactions", "/api/v1/id-tags", "/api/v1/quarantine"]


def _quarantine(tx: WriteTx, raw: str) -> None:
    quarantine.insert(tx.connection, "123", raw.encode(), "no JSON", NOW)


async def _all(client: httpx.AsyncClient, path: str, **params: Any) -> list[Any]:
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(path, params={**params, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert len(page["items"]) == params["limit"]
        cursor = {"cursor": page["next_cursor"]}


async def test_a_charge_point_shows_its_connectors_and_whether_it_is_connected(
    client: httpx.AsyncClient, site: Site
) -> None:
    await site.add_charge_point("123")
    await site.add_charge_point("124")
    state = ConnectorState(1, "Available", "NoError", None, None, "2026-03-01T12:00:00.000Z")
    await site.writer.run(lambda tx: connectors.write(tx.connection, "123", state, NOW))
    await site.writer.run(lambda tx: charge_points.record_seen(tx.connection, "123", NOW))
    shown = (await client.get("/api/v1/charge-points/123")).json()
    evidence = {"source": "status", "since": "2026-03-01T12:00:00Z", "age_s": 0}
    assert shown == {
        "site": "landmark",
        "charge_point": "123",
        "connected": True,
        "registration_status": "Accepted",
        "vendor": None,
        "model": None,
        "serial_number": None,
        "firmware_version": None,
        "last_seen_at": "2026-03-01T12:00:00Z",
        "advice": [],
        "connectors": [
            {
                "connector_id": 1,
                "status": "Available",
                "error_code": "NoError",
                "info": None,
                "status_at": "2026-03-01T12:00:00Z",
                "stale_since": None,
                "condition": {
                    "occupancy": evidence | {"value": "free"},
                    "session": {"value": "none", "source": "transaction", "since": None, "age_s": None},
                    "energy": evidence | {"value": "none"},
                    "health": evidence | {"value": "ok"},
                },
            }
        ],
    }
    listed = (await client.get("/api/v1/charge-points")).json()["items"]
    assert [item["connected"] for item in listed] == [True, False]
    assert listed[0] == shown


async def test_an_unknown_charge_point_is_a_problem(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/v1/charge-points/nobody"), 404, "unknown-charge-point")


async def test_transactions_come_newest_first_and_exactly_once_while_others_begin(
    client: httpx.AsyncClient, site: Site
) -> None:
    known = [(await site.add_transaction())[0] for _ in range(7)]
    seen: list[int] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = (await client.get("/api/v1/transactions", params={"limit": 2, **cursor})).json()
        seen += [item["transaction_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        await site.add_transaction()
    assert page["next_cursor"] is None
    assert seen == sorted(known, reverse=True)


async def test_transactions_are_found_by_charge_point_id_tag_and_state(client: httpx.AsyncClient, site: Site) -> None:
    first, _ = await site.add_transaction(charge_point="A", id_tag="abc", stopped=True)
    second, _ = await site.add_transaction(charge_point="A", id_tag="def")
    third, _ = await site.add_transaction(charge_point="B", id_tag="abc")
    for params, expected in (
        ({"charge_point": "A"}, [second, first]),
        ({"id_tag": "ABC"}, [third, first]),
        ({"open": "true"}, [third, second]),
        ({"open": "false"}, [first]),
        ({"open": "true", "charge_point": "A", "id_tag": "def"}, [second]),
        ({"charge_point": "C"}, []),
    ):
        items = await _all(client, "/api/v1/transactions", limit=1, **params)
        assert [item["transaction_id"] for item in items] == expected


async def test_a_transaction_answers_to_its_uuid_and_to_its_number(client: httpx.AsyncClient, site: Site) -> None:
    number, uuid = await site.add_transaction(stopped=True)
    by_number = await client.get(f"/api/v1/transactions/{number}")
    by_uuid = await client.get(f"/api/v1/transactions/{uuid}")
    assert by_number.json() == by_uuid.json()
    assert UUID(by_uuid.json()["transaction"]) == uuid
    assert by_uuid.json()["energy_wh"] == 25


@pytest.mark.parametrize("name", ["77", "9" * 30, "9223372036854775808", "-1", "x", "²", str(UUID(int=5))])
@pytest.mark.parametrize("of", ["", "/meter-values"])
async def test_an_unknown_transaction_is_a_problem(client: httpx.AsyncClient, name: str, of: str) -> None:
    problem(await client.get(f"/api/v1/transactions/{name}{of}"), 404, "unknown-transaction")


async def test_meter_values_come_oldest_first_over_pages_while_newer_ones_arrive(
    client: httpx.AsyncClient, site: Site
) -> None:
    number, uuid = await site.add_transaction()
    other, _ = await site.add_transaction()
    await site.add_meter_value(other, 1)
    for second in (5, 1, 3):
        await site.add_meter_value(number, second)
    await site.add_meter_value(number, 3, connector_id=2)  # reported for a connector that it is not on
    path = f"/api/v1/transactions/{uuid}/meter-values"
    first = (await client.get(path, params={"limit": 2})).json()
    await site.add_meter_value(number, 9)
    rest = await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]})
    last = await client.get(path, params={"limit": 2, "cursor": rest.json()["next_cursor"]})
    items = first["items"] + rest.json()["items"] + last.json()["items"]
    assert [item["samples"][0]["value"] for item in items] == ["1", "3", "3", "5", "9"]
    assert [item["connector_id"] for item in items] == [1, 1, 2, 1, 1]
    assert items[0]["transaction"] == str(uuid)
    assert items[0]["samples"][0]["location"] == "Outlet"
    assert last.json()["next_cursor"] is None


async def test_every_charge_point_and_id_tag_is_listed_once(client: httpx.AsyncClient, site: Site) -> None:
    for number in range(5):
        await site.add_charge_point(f"cp-{number}")
        await client.put(f"/api/v1/id-tags/{'Tt'[number % 2]}ag{number}", json={"status": "Accepted"})
    listed = await _all(client, "/api/v1/charge-points", limit=1)
    assert [item["charge_point"] for item in listed] == [f"cp-{number}" for number in range(5)]
    tags = await _all(client, "/api/v1/id-tags", limit=1)
    assert [tag["id_tag"] for tag in tags] == ["Tag0", "tag1", "Tag2", "tag3", "Tag4"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", ["", "x", "é", "e30", "W10", "WyJ4IiwxXQ", "WyJ0cmFuc2FjdGlvbnMiLHRydWVd", "%%%"])
async def test_a_bad_cursor_is_a_problem_with_a_hint(client: httpx.AsyncClient, path: str, cursor: str) -> None:
    document = problem(await client.get(path, params={"cursor": cursor}), 422, "invalid-request")
    assert document["errors"][0]["field"] == "cursor"


async def test_a_cursor_of_another_list_is_refused(client: httpx.AsyncClient, site: Site) -> None:
    for identity in ("a", "b"):
        await site.add_charge_point(identity)
    cursor = (await client.get("/api/v1/charge-points", params={"limit": 1})).json()["next_cursor"]
    problem(await client.get("/api/v1/id-tags", params={"cursor": cursor}), 422, "invalid-request")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "1001", "x", "9" * 40])
async def test_a_limit_has_bounds(client: httpx.AsyncClient, path: str, limit: str) -> None:
    document = problem(await client.get(path, params={"limit": limit}), 422, "invalid-request")
    assert document["errors"][0]["field"] == "limit"


async def test_the_outbox_shows_each_stream_and_the_link(client: httpx.AsyncClient, site: Site) -> None:
    for name in ("a", "b", "c"):
        await client.put(f"/api/v1/id-tags/{name}", json={"status": "Accepted"})
    await site.writer.run(lambda tx: outbox.acknowledge(tx.connection, Stream.LEDGER, 1, b"x" * 32))
    site.link = LinkStatus("offline", NOW, None, "no route to host")
    empty = {"head": 0, "acknowledged": 0, "oldest_unsent": None, "depth": 0}
    assert (await client.get("/api/v1/outbox")).json() == {
        "streams": {
            "ledger": {"head": 3, "acknowledged": 1, "oldest_unsent": "2026-03-01T12:00:00Z", "depth": 2},
            "state": empty,
            "meter": empty,
        },
        "link": {
            "state": "offline",
            "since": "2026-03-01T12:00:00Z",
            "last_success_at": None,
            "last_error": "no route to host",
        },
        "set_aside": 0,
    }


async def test_quarantine_comes_newest_first(client: httpx.AsyncClient, site: Site) -> None:
    for raw in ("[0", "[1", "[2", "[3", "[4"):
        await site.writer.run(partial(_quarantine, raw=raw))
    items = await _all(client, "/api/v1/quarantine", limit=1)
    assert [item["raw"] for item in items] == ["[4", "[3", "[2", "[1", "[0"]
    assert items[0]["reason"] == "no JSON"


async def test_a_page_of_very_long_frames_ends_early(client: httpx.AsyncClient, site: Site) -> None:
    raw = b"x" * quarantine.MAX_RAW
    for _ in range(5):
        await site.writer.run(lambda tx: quarantine.insert(tx.connection, "123", raw, "too long", NOW))
    page = (await client.get("/api/v1/quarantine")).json()
    assert len(page["items"]) == 4
    rest = await client.get("/api/v1/quarantine", params={"cursor": page["next_cursor"]})
    assert len(rest.json()["items"]) == 1
    assert rest.json()["next_cursor"] is None


async def test_readiness_says_no_while_the_edge_cannot_serve(client: httpx.AsyncClient, site: Site) -> None:
    site.ready = False
    problem(await client.get("/readyz"), 503, "not-ready", hint=False)
    assert (await client.get("/healthz")).status_code == 200


async def test_a_database_that_cannot_be_read_is_a_problem(client: httpx.AsyncClient, site: Site) -> None:
    await site.writer.run(lambda tx: tx.connection.execute("ALTER TABLE id_tag RENAME TO elsewhere"))
    answer = await client.get("/api/v1/id-tags")
    problem(answer, 503, "store-unavailable")
    assert answer.headers["retry-after"] == "5"


async def test_quarantine_is_listed_by_charge_point_and_hides_secrets(client: httpx.AsyncClient, site: Site) -> None:
    frame = b'[2,"1","DataTransfer",{"vendorId":"V","data":"password=hunter2"}]'
    await site.writer.run(lambda tx: quarantine.insert(tx.connection, "A", frame, "why", NOW, repeats=2))
    await site.writer.run(lambda tx: quarantine.insert(tx.connection, "B", b"odd", "why", NOW))
    (item,) = await _all(client, "/api/v1/quarantine", charge_point="A")
    assert (item["charge_point"], item["repeats"]) == ("A", 2)
    assert "DataTransfer" in item["raw"]
    assert "hunter2" not in item["raw"]
