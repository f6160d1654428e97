from __future__ import annotations

import sqlite3
from typing import Any

import httpx
import pytest

from contract.streams import Stream
from edge.api.doors import ApiKey, Doors
from edge.domain import keys
from edge.store import id_tags
from edge.store import keys as stored_keys
from tests.integration.edge_api.site import Site, problem


async def _opens(site: Site, charge_point: str, presented: bytes) -> bool:
    hashes = await site.readers.run(lambda connection: stored_keys.of_charge_point(connection, charge_point))
    return any(keys.matches(presented, key.salt, key.hash) for key in hashes)


async def test_a_new_id_tag_is_created_and_a_known_one_replaced(client: httpx.AsyncClient) -> None:
    body = {"status": "Accepted", "expires_at": "2027-01-01T07:00:00+07:00", "parent_id_tag": "LAB", "note": "Lab 3"}
    created = await client.put("/api/v1/id-tags/AbC", json=body)
    assert created.status_code == 201
    assert created.json() == {**body, "id_tag": "AbC", "expires_at": "2027-01-01T00:00:00Z"}
    replaced = await client.put("/api/v1/id-tags/abc", json={"status": "Blocked"})
    assert replaced.status_code == 200
    assert replaced.json()["id_tag"] == "AbC"
    assert (await client.get("/api/v1/id-tags/ABC")).json() == replaced.json()


async def test_a_changed_id_tag_tells_the_cloud(client: httpx.AsyncClient, site: Site) -> None:
    await client.put("/api/v1/id-tags/AbC", json={"status": "Expired", "parent_id_tag": "LAB"})
    assert (await client.delete("/api/v1/id-tags/abc")).status_code == 204
    written, removed = await site.events(Stream.LEDGER)
    assert written["type"] == "IdTagChanged.v1"
    assert written["subject"] == "id-tag/AbC"
    assert written["data"] == {
        "id_tag": "AbC",
        "status": "Expired",
        "expires_at": None,
        "parent_id_tag": "LAB",
        "changed_by": "local",
        "base_version": 0,
    }
    assert removed["subject"] == "id-tag/AbC"
    assert (removed["data"]["status"], removed["data"]["base_version"]) == (None, 1)


async def test_a_change_names_the_key_that_made_it(site: Site) -> None:
    doors = Doors(api_keys=(ApiKey("night watch", b"salt", keys.hash_key(b"k", b"salt")),))
    async with site.client(doors) as client:
        headers = {"Authorization": "Bearer k"}
        await client.put("/api/v1/id-tags/a", json={"status": "Accepted"}, headers=headers)
    assert [event["data"]["changed_by"] for event in await site.events(Stream.LEDGER)] == ["night watch"]


async def test_removing_an_id_tag_twice_is_a_problem_and_no_event(client: httpx.AsyncClient, site: Site) -> None:
    await client.put("/api/v1/id-tags/a", json={"status": "Accepted"})
    assert (await client.delete("/api/v1/id-tags/a")).content == b""
    problem(await client.delete("/api/v1/id-tags/a"), 404, "unknown-id-tag", hint=False)
    problem(await client.get("/api/v1/id-tags/a"), 404, "unknown-id-tag", hint=False)
    assert len(await site.events(Stream.LEDGER)) == 2


@pytest.mark.parametrize("id_tag", ["x" * 21, "a%0Ab", "%C3%A9", "a%00"])
async def test_an_id_tag_that_no_charge_point_could_send_is_refused(client: httpx.AsyncClient, id_tag: str) -> None:
    answer = await client.put(f"/api/v1/id-tags/{id_tag}", json={"status": "Accepted"})
    assert problem(answer, 422, "invalid-request", hint=False)["errors"][0]["field"] == "id_tag"


async def test_an_id_tag_may_hold_a_slash(client: httpx.AsyncClient, site: Site) -> None:
    assert (await client.put("/api/v1/id-tags/a%2Fb", json={"status": "Accepted"})).json()["id_tag"] == "a/b"
    assert await site.readers.run(lambda connection: id_tags.find(connection, "a/b")) is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "ConcurrentTx"}, "status"),
        ({}, "status"),
        ({"status": "Accepted", "expires_at": "tomorrow"}, "expires_at"),
        ({"status": "Accepted", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"status": "Accepted", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"status": "Accepted", "parent_id_tag": "x" * 21}, "parent_id_tag"),
        ({"status": "Accepted", "note": "x" * 501}, "note"),
    ],
)
async def test_a_wrong_id_tag_entry_names_its_field(
    client: httpx.AsyncClient, site: Site, body: dict[str, Any], field: str
) -> None:
    document = problem(await client.put("/api/v1/id-tags/a", json=body), 422, "invalid-request")
    assert [error["field"] for error in document["errors"]] == [field]
    assert await site.events(Stream.LEDGER) == []


async def test_a_new_charge_point_gets_a_key_that_is_shown_once(client: httpx.AsyncClient, site: Site) -> None:
    answer = await client.put("/api/v1/charge-points/ID0122120103")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["charge_point"]["registration_status"] == "Accepted"
    password = answer.json()["password"]
    assert len(bytes.fromhex(password)) == 20
    for form in (password.encode(), password.upper().encode(), bytes.fromhex(password)):
        assert await _opens(site, "ID0122120103", form)
    assert not await _opens(site, "ID0122120103", b"guess")
    again = await client.put("/api/v1/charge-points/ID0122120103", json={"registration_status": "Rejected"})
    assert (again.status_code, again.json()["password"]) == (200, None)
    assert again.json()["charge_point"]["registration_status"] == "Rejected"
    assert await _opens(site, "ID0122120103", password.encode())


async def test_a_new_key_ends_the_old_one(client: httpx.AsyncClient, site: Site) -> None:
    old = (await client.put("/api/v1/charge-points/a")).json()["password"]
    new = (await client.put("/api/v1/charge-points/a", json={"new_key": True})).json()["password"]
    assert await _opens(site, "a", new.encode())
    assert not await _opens(site, "a", old.encode())


async def test_a_charge_point_can_be_made_known_without_a_key(client: httpx.AsyncClient, site: Site) -> None:
    answer = await client.put("/api/v1/charge-points/a", json={"new_key": False, "registration_status": "Pending"})
    assert (answer.status_code, answer.json()["password"]) == (201, None)
    assert await site.readers.run(lambda connection: stored_keys.of_charge_point(connection, "a")) == []


async def test_no_key_is_stored_in_a_form_that_could_be_used(client: httpx.AsyncClient, store_path: Any) -> None:
    password = (await client.put("/api/v1/charge-points/a")).json()["password"]
    stored = b"".join(path.read_bytes() for path in store_path.parent.iterdir() if path.is_file())
    for form in keys.key_forms(bytes.fromhex(password)):
        assert form not in stored


@pytest.mark.parametrize("identity", ["a:b", "a%2Fb", "x" * 49, "a%07"])
async def test_an_identity_that_would_not_work_is_not_given(client: httpx.AsyncClient, identity: str) -> None:
    answer = await client.put(f"/api/v1/charge-points/{identity}")
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == "charge_point"
    assert (await client.get("/api/v1/charge-points")).json()["items"] == []


async def test_a_charge_point_that_named_itself_can_be_accepted(client: httpx.AsyncClient, site: Site) -> None:
    await site.add_charge_point("its/own:name")
    answer = await client.put("/api/v1/charge-points/its%2Fown%3Aname")
    assert answer.status_code == 200
    assert answer.json()["charge_point"]["charge_point"] == "its/own:name"


@pytest.mark.parametrize("body", [{"registration_status": "Maybe"}, {"new_key": "perhaps"}])
async def test_a_wrong_setting_names_its_field(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    document = problem(await client.put("/api/v1/charge-points/a", json=body), 422, "invalid-request")
    assert document["errors"][0]["field"] == next(iter(body))


async def test_a_store_that_takes_no_commit_is_a_problem(
    client: httpx.AsyncClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(id_tags, "put", refuse)
    answer = await client.put("/api/v1/id-tags/a", json={"status": "Accepted"})
    document = problem(answer, 503, "store-unavailable")
    assert "disk" in document["hint"]
    assert answer.headers["retry-after"] == "5"
