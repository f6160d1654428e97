"""The directory of the campus, and what of it each site is given."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

from cloud.directory.schemas import NewIdTag
from cloud.directory.service import id_tags
from cloud.directory.service.pulling import forget_removed
from contract.directory import EMPTY, SLICE, AppliedSet, IdTagStatus
from contract.directory_events import DirectoryApplied
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.directory_mirror import Mirror, delete, put, staff


async def test_an_edge_holds_only_what_its_site_needs(campus: Campus) -> None:
    await staff(campus)
    south = campus.another_edge("south")
    await put(campus, "groups/guests", name="Guests", sites=["south"])
    await put(campus, "id-tags/GUEST", status="Accepted", groups=["guests"], note="at the desk")
    await put(campus, "id-tags/NOBODY", status="Accepted")
    here = {name: await Mirror(campus, campus.edge, name).pull() for name in ("id_tags", "people", "groups", "tariffs")}
    there = {name: await Mirror(campus, south, name).pull() for name in ("id_tags", "people", "groups", "tariffs")}
    assert {name: sorted(mirror.entries) for name, mirror in here.items()} == {
        "id_tags": ["p-ann", "p-bob"],
        "people": ["p-ann", "p-bob"],
        "groups": ["staff"],
        "tariffs": ["day"],
    }
    assert {name: sorted(mirror.entries) for name, mirror in there.items()} == {
        "id_tags": ["guest"],
        "people": [],
        "groups": ["guests"],
        "tariffs": [],
    }
    assert "note" not in there["id_tags"].entries["guest"]


async def test_names_come_down_only_where_the_policy_shows_them(campus: Campus) -> None:
    await staff(campus)
    people = Mirror(campus, campus.edge, "people")
    assert (await people.pull()).entries["p-ann"] == {"groups": ["staff"]}
    await put(campus, "sites/tower/policy", show_names=True)
    assert (await people.pull()).entries["p-ann"] == {"groups": ["staff"], "display_name": "P-Ann"}
    assert await delete(campus, "sites/tower/policy") == 204
    assert (await people.pull()).entries["p-ann"] == {"groups": ["staff"]}
    assert (await campus.get("sites/tower/policy")).json()["offline"] == "allow_known"


async def test_a_delta_holds_what_changed_and_nothing_else(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    await put(campus, "id-tags/P-ANN", status="Blocked", person="p-ann")
    await tags.pull()
    assert [entry["key"] for entry in tags.slices[0]["changed"]] == ["p-ann"]
    assert tags.entries["p-ann"]["id_tag"] == "p-ann", "spelled as it was when it was new"
    assert tags.statuses() == {"p-ann": "Blocked", "p-bob": "Accepted"}
    assert await delete(campus, "id-tags/p-bob") == 204
    await tags.pull()
    assert tags.slices[0]["changed"] == []
    assert tags.slices[0]["removed"] == [{"key": "p-bob", "version": 2}]
    before = tags.version
    await tags.pull()
    assert (tags.version, tags.slices[0]["changed"], tags.slices[0]["removed"]) == (before, [], [])


async def test_what_is_no_longer_granted_is_removed_at_the_site(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    await put(campus, "people/p-ann", groups=[])
    assert sorted((await tags.pull()).entries) == ["p-bob"]
    await put(campus, "people/p-ann", groups=["staff"])
    assert sorted((await tags.pull()).entries) == ["p-ann", "p-bob"]
    assert await delete(campus, "tariffs/day") == 409
    assert await delete(campus, "groups/staff") == 204
    assert (await tags.pull()).entries == {}
    for name in ("people", "groups", "tariffs"):
        assert (await Mirror(campus, campus.edge, name).pull()).entries == {}
    assert await delete(campus, "tariffs/day") == 204
    assert (await campus.get("groups/staff")).status_code == 404


async def test_a_removed_person_leaves_id_tags_that_charge_nowhere(campus: Campus) -> None:
    await staff(campus)
    assert await delete(campus, "people/p-ann") == 204
    assert sorted((await Mirror(campus, campus.edge, "id_tags").pull()).entries) == ["p-bob"]
    assert (await campus.get("id-tags/p-ann")).json()["person"] is None


async def test_five_thousand_id_tags_come_in_slices_with_the_blocked_ones_first(campus: Campus) -> None:
    await put(campus, "groups/staff", name="Staff", sites=["tower"])
    many = [NewIdTag(id_tag=f"TAG{n:05}", status=IdTagStatus.ACCEPTED, groups=["staff"]) for n in range(5_000)]
    assert id_tags.put_all(campus.database, many, "tester", campus.clock()) == 5_000
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    assert len(tags.entries) == 5_000
    assert [len(part["changed"]) for part in tags.slices] == [SLICE] * 10
    again = [tag.model_copy(update={"status": IdTagStatus.BLOCKED}) if tag.id_tag > "TAG04990" else tag for tag in many]
    again = again[-SLICE - 50 :]
    assert id_tags.put_all(campus.database, again, "tester", campus.clock()) == 0
    await tags.pull()
    first = [entry["content"]["status"] for entry in tags.slices[0]["changed"]]
    assert first[:9] == ["Blocked"] * 9
    assert set(first[9:]) == {"Accepted"}
    fresh = await Mirror(campus, campus.edge, "id_tags").pull()
    assert fresh.entries == tags.entries
    assert [entry["content"]["status"] for entry in fresh.slices[0]["changed"]][:9] == ["Blocked"] * 9


async def test_a_change_between_two_slices_is_in_the_delta_after_them(campus: Campus) -> None:
    await put(campus, "groups/staff", name="Staff", sites=["tower"])
    many = [NewIdTag(id_tag=f"TAG{n:05}", status=IdTagStatus.ACCEPTED, groups=["staff"]) for n in range(SLICE + 100)]
    id_tags.put_all(campus.database, many, "tester", campus.clock())
    tags = Mirror(campus, campus.edge, "id_tags")
    first = (await tags.ask()).json()
    await put(campus, "id-tags/TAG00550", status="Blocked", groups=["staff"])  # moves from behind to before the cursor
    second = (await tags.ask(after=first["next"])).json()
    for part in (first, second):
        tags.entries.update({entry["key"]: entry["content"] for entry in part["changed"]})
    assert second["version"] == first["version"] + 1
    assert "tag00550" not in tags.entries
    tags.version, tags.incarnation = first["version"], first["incarnation"]
    await tags.pull()
    assert tags.statuses()["tag00550"] == "Blocked"


async def test_who_has_another_past_is_sent_to_a_snapshot(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    assert (await tags.ask(since=tags.version, incarnation=str(campus.edge.store_id))).status_code == 410
    assert (await tags.ask(since=tags.version)).status_code == 410, "a version without its incarnation says nothing"
    assert (await tags.ask(since=99, incarnation=tags.incarnation)).status_code == 410, "a version that never was"
    assert (await tags.ask(since=0, incarnation=tags.incarnation)).status_code == 200
    assert (await tags.ask(after="elsewhere")).status_code == 422
    assert (await Mirror(campus, campus.edge, "wishes").ask()).status_code == 422
    assert (await Mirror(campus, campus.another_edge("south"), "policy").pull()).version == 0


async def test_what_was_removed_long_ago_is_forgotten_and_asks_for_a_snapshot(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    await delete(campus, "id-tags/p-ann")
    after_removal = await Mirror(campus, campus.edge, "id_tags").pull()
    forget_removed(campus.database, campus.clock() + timedelta(days=100))
    gone = await tags.ask(since=tags.version, incarnation=tags.incarnation)
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:gardu:problem:snapshot-needed")
    assert (await after_removal.pull()).entries.keys() == {"p-bob"}
    tags.version, tags.entries = None, {}
    assert (await tags.pull()).entries.keys() == {"p-bob"}


async def test_an_edge_pulls_no_other_site_s_directory(campus: Campus) -> None:
    path = "/api/v1/edges/tower/directory/id_tags"
    south = campus.another_edge("south")
    assert (await campus.client.get(path, headers=south.headers)).status_code == 403
    assert (await campus.client.get(path)).status_code == 401
    assert (await campus.client.get("/api/v1/id-tags", headers=south.headers)).status_code == 403


async def test_a_changed_directory_ends_a_wait_for_commands(campus: Campus) -> None:
    await staff(campus)
    told = (await campus.edge.pull())["directory"]
    assert told == {"id_tags": 2, "people": 2, "groups": 1, "tariffs": 1}

    async def wait() -> dict[str, Any]:
        path = f"/api/v1/edges/tower/commands?wait=50&directory={sum(told.values())}"
        answer = await campus.client.get(path, headers=campus.edge.headers, timeout=60)
        content: dict[str, Any] = answer.json()
        return content

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await put(campus, "id-tags/p-ann", status="Blocked", person="p-ann")
    answer = await asyncio.wait_for(waiting, 30)
    assert (answer["items"], answer["directory"]["id_tags"]) == ([], 3)


async def test_a_site_that_lets_strangers_charge_gets_all_who_may_not(campus: Campus) -> None:
    await put(campus, "id-tags/STOLEN", status="Blocked")
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    assert tags.entries == {}
    await put(campus, "sites/tower/policy", offline="allow_unknown_up_to", unknown_limit_wh=5_000)
    assert (await tags.pull()).statuses() == {"stolen": "Blocked"}
    await put(campus, "id-tags/STOLEN", status="Accepted")
    assert (await tags.pull()).entries == {}
    await put(campus, "id-tags/STOLEN", status="Blocked")
    assert (await tags.pull()).statuses() == {"stolen": "Blocked"}
    await put(campus, "sites/tower/policy", offline="deny")
    assert (await tags.pull()).entries == {}


async def test_the_cloud_shows_what_a_site_should_have_and_has(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()

    async def state() -> dict[str, Any]:
        shown: dict[str, Any] = (await campus.get("sites/tower/directory")).json()["sets"]["id_tags"]
        return shown

    assert (await state())["applied"] is None
    told = {"set": "id_tags", "incarnation": tags.incarnation, "version": tags.version, "entries": 2, "how": "snapshot"}
    await campus.edge.tell(DirectoryApplied.model_validate(told | {"hash": EMPTY}))
    assert ((await state())["in_step"], (await state())["same_content"]) == (False, False)
    await campus.edge.tell(DirectoryApplied.model_validate(told | {"hash": tags.hash()}))
    assert (await state()) | {"received_at": None, "applied_at": None} == {
        "wanted": 2,
        "wanted_entries": 2,
        "applied": 2,
        "applied_entries": 2,
        "applied_at": None,
        "received_at": None,
        "how": "snapshot",
        "in_step": True,
        "same_content": True,
    }
    await put(campus, "id-tags/p-ann", status="Blocked", person="p-ann")
    assert ((await state())["in_step"], (await state())["same_content"]) == (False, None)


async def test_a_wrong_field_is_named_and_nothing_is_changed(campus: Campus) -> None:
    for path, body, field in (
        ("id-tags/" + "x" * 21, {"status": "Accepted"}, "id_tag"),
        ("id-tags/A", {"status": "Concurrent"}, "status"),
        ("id-tags/A", {"status": "Accepted", "person": "p-none"}, "person"),
        ("id-tags/A", {"status": "Accepted", "groups": ["none"]}, "groups"),
        ("id-tags/A", {"status": "Accepted", "sites": ["none"]}, "sites"),
        ("people/p", {"groups": ["none"]}, "groups"),
        ("groups/g", {"name": "G", "tariff": "none"}, "tariff"),
        ("groups/g", {"name": "G", "sites": ["none"]}, "sites"),
        ("tariffs/t", {"name": "T", "currency": "euro"}, "currency"),
        ("tariffs/t", {"name": "T", "currency": "EUR", "price_per_kwh": "0,42"}, "price_per_kwh"),
        ("sites/tower/policy", {"offline": "perhaps"}, "offline"),
    ):
        answer = await campus.client.put(f"/api/v1/{path}", json=body, headers=campus.headers)
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["errors"][0]["field"]
    assert (await campus.edge.pull())["directory"] == {}


async def test_lists_are_paged_by_cursor(campus: Campus) -> None:
    await staff(campus)
    seen, cursor = list[str](), None
    for _ in range(3):
        page = (await campus.get("id-tags", limit=1, **({"cursor": cursor} if cursor else {}))).json()
        seen += [tag["id_tag"] for tag in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == ["p-ann", "p-bob"]
    assert [one["person"] for one in await campus.items("people")] == ["p-ann", "p-bob"]
    assert [one["group"] for one in await campus.items("groups")] == ["staff"]
    assert [one["tariff"] for one in await campus.items("tariffs")] == ["day"]
    assert [one["id_tag"] for one in await campus.items("id-tags", person="p-bob")] == ["p-bob"]
    assert await campus.items("id-tags", status="Blocked") == []


async def test_changes_at_once_give_each_version_once(campus: Campus) -> None:
    await put(campus, "groups/staff", name="Staff", sites=["tower"])

    def put_some(worker: int) -> None:
        for n in range(5):
            tag = NewIdTag(id_tag=f"W{worker}N{n}", status=IdTagStatus.ACCEPTED, groups=["staff"])
            id_tags.put_all(campus.database, [tag], "tester", campus.clock())

    with ThreadPoolExecutor(6) as pool:
        await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, put_some, n) for n in range(6)))
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    assert (len(tags.entries), tags.version) == (30, 30)


async def test_an_edge_tells_what_it_holds_when_it_greets(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    held = AppliedSet(
        incarnation=UUID(tags.incarnation), version=2, hash=tags.hash(), entries=2, applied_at=campus.clock()
    )
    for named, in_step in (({"id_tags": held}, True), ({}, False)):
        greeting = campus.edge.greeting().model_copy(update={"directory": named})
        path, body = "/api/v1/edges/tower/greeting", greeting.model_dump(mode="json")
        assert (await campus.client.post(path, json=body, headers=campus.edge.headers)).status_code == 200
        shown = (await campus.get("sites/tower/directory")).json()["sets"]["id_tags"]
        assert (shown["in_step"], shown["applied"]) == (in_step, 2 if in_step else None)
