"""Id tags that edges changed by themselves: the last writer by version wins, and both are shown."""

from __future__ import annotations

from typing import Any

from contract.events import IdTagChanged
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.directory_mirror import Mirror, delete, put, staff


def changed(id_tag: str, status: str | None, base: int | None, **more: Any) -> IdTagChanged:
    return IdTagChanged(id_tag=id_tag, status=status, changed_by="porter", base_version=base, **more)


async def test_a_card_added_at_a_site_comes_back_in_its_set_and_in_no_other(campus: Campus) -> None:
    south = campus.another_edge("south")
    await campus.edge.tell(changed("Visitor", "Accepted", 0))
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    assert tags.entries["visitor"]["version"] == 1
    assert (await Mirror(campus, south, "id_tags").pull()).entries == {}
    shown = (await campus.get("id-tags/VISITOR")).json()
    assert (shown["id_tag"], shown["sites"], shown["changed_by"]) == ("Visitor", ["tower"], "edge tower: porter")
    await campus.edge.tell(changed("Visitor", None, 1))
    assert (await tags.pull()).entries == {}
    assert tags.slices[0]["removed"] == [{"key": "visitor", "version": 2}]


async def test_of_two_changes_the_later_by_version_holds_and_both_are_shown(campus: Campus) -> None:
    await staff(campus)
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    base = tags.entries["p-ann"]["version"]
    await put(campus, "id-tags/p-ann", status="Blocked", person="p-ann")
    await campus.edge.tell(changed("p-ann", "Accepted", base, parent_id_tag="TEAM"))
    assert (await tags.pull()).statuses()["p-ann"] == "Blocked"
    assert tags.entries["p-ann"]["version"] == base + 1
    [conflict] = (await campus.get("id-tags/p-ann")).json()["conflicts"]
    assert (conflict["site"], conflict["kept"]["status"], conflict["kept"]["changed_by"]) == (
        "tower",
        "Blocked",
        "tester",
    )
    assert conflict["discarded"]["status"] == "Accepted"
    assert conflict["discarded"]["parent_id_tag"] == "TEAM"
    assert conflict["discarded"]["changed_by"] == "porter"
    assert await campus.items("id-tag-conflicts", site="tower", id_tag="P-ANN") == [conflict]
    await campus.edge.tell(changed("p-ann", "Accepted", base + 1))
    assert (await tags.pull()).statuses()["p-ann"] == "Accepted"
    assert len(await campus.items("id-tag-conflicts")) == 1


async def test_an_edge_that_changed_the_same_in_vain_is_no_conflict(campus: Campus) -> None:
    await staff(campus)
    await put(campus, "id-tags/p-ann", status="Blocked", person="p-ann")
    await campus.edge.tell(changed("p-ann", "Blocked", 1))
    assert await campus.items("id-tag-conflicts") == []
    assert (await campus.get("id-tags/p-ann")).json()["version"] == 2


async def test_a_site_hears_the_verdict_even_where_nothing_changes_for_it(campus: Campus) -> None:
    await put(campus, "id-tags/STRANGER", status="Accepted")
    await delete(campus, "id-tags/STRANGER")
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    await campus.edge.tell(changed("Stranger", "Accepted", 0))
    await tags.pull()
    assert tags.slices[0]["removed"] == [{"key": "stranger", "version": 2}]
    assert [one["kept"]["status"] for one in await campus.items("id-tag-conflicts")] == [None]


async def test_a_change_that_loses_gives_the_site_no_card(campus: Campus) -> None:
    await put(campus, "id-tags/CARD1", status="Accepted", sites=["tower"])
    tags = await Mirror(campus, campus.edge, "id_tags").pull()
    await put(campus, "id-tags/CARD1", status="Accepted", sites=[])
    await campus.edge.tell(changed("CARD1", "Accepted", 1))
    assert (await tags.pull()).entries == {}
    assert (await campus.get("id-tags/CARD1")).json()["sites"] == []


async def test_a_card_that_a_site_adds_is_known_there_although_the_campus_knew_it_before(campus: Campus) -> None:
    await put(campus, "id-tags/ELSEWHERE", status="Blocked")
    await campus.edge.tell(changed("ELSEWHERE", "Accepted", 0))
    card = (await campus.get("id-tags/ELSEWHERE")).json()
    assert (card["sites"], card["status"]) == (["tower"], "Blocked")


async def test_an_edge_that_knows_no_versions_is_believed(campus: Campus) -> None:
    await put(campus, "id-tags/OLD", status="Blocked", sites=["tower"])
    await campus.edge.tell(changed("OLD", "Accepted", None))
    assert (await campus.get("id-tags/old")).json()["status"] == "Accepted"


async def test_an_absurd_change_goes_to_the_dead_letters(campus: Campus) -> None:
    await campus.edge.tell(changed("x" * 30, "Accepted", 0), changed("OK", "Perhaps", 0), changed("OK", "Accepted", 0))
    [site] = await campus.items("sites")
    assert site["link"]["streams"]["ledger"]["dead_letters"] == 2
    assert (await campus.get("id-tags/ok")).status_code == 200


async def test_an_edge_cannot_put_a_card_out_of_the_operators_reach(campus: Campus) -> None:
    await put(campus, "id-tags/CARD1", status="Blocked")
    absurd = (2**63 - 2, 2**53 + 1, 1_000_002, -1)
    await campus.edge.tell(*(changed("CARD1", "Accepted", base) for base in absurd), changed("NEW", "Accepted", 2**62))
    [site] = await campus.items("sites")
    assert site["link"]["streams"]["ledger"]["dead_letters"] == len(absurd) + 1
    kept = (await campus.get("id-tags/CARD1")).json()
    assert (kept["status"], kept["version"]) == ("Blocked", 1)
    assert (await campus.get("id-tags/NEW")).status_code == 404
    await put(campus, "id-tags/CARD1", status="Invalid")
    assert (await campus.get("id-tags/CARD1")).json()["version"] == 2


async def test_an_edge_that_is_ahead_of_a_restored_cloud_is_believed(campus: Campus) -> None:
    await put(campus, "id-tags/CARD1", status="Blocked")
    await campus.edge.tell(changed("CARD1", "Accepted", 40_000))
    await put(campus, "id-tags/CARD1", status="Blocked")
    kept = (await campus.get("id-tags/CARD1")).json()
    assert (kept["status"], kept["version"]) == ("Blocked", 40_002)
