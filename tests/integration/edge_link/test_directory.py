"""The directory comes down from the real cloud, through crashes, drift and changes at both ends."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.directory import DirectoryAnswer, DirectoryRequest, DirectorySet
from contract.events import IdTagChanged
from edge.domain.authorisation import DirectoryEntry
from edge.domain.directory import Held
from edge.store import directory, id_tags
from edge.store.writer import WriteTx
from edge.sync.backoff import Backoff
from edge.sync.carrier import Conflict
from edge.sync.directory import DirectoryFollower
from edge.sync.https import HttpsCarrier
from edge.sync.proof import SharedSecret
from tests.integration.edge_link.conftest import QUICK, Site, until
from tests.integration.edge_link.real_cloud import RealCloud

LONG = 60.0


@dataclass
class Office:
    """The operator's desk at the real cloud."""

    cloud: RealCloud
    client: httpx.AsyncClient
    secret: str

    async def put(self, path: str, **body: Any) -> None:
        answer = await self.client.put(f"/api/v1/{path}", json=body)
        assert answer.is_success, answer.text

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1/{path}")
        assert answer.is_success, answer.text
        return answer.json()

    async def in_step(self) -> bool:
        return bool((await self.get("sites/north/directory"))["in_step"])

    async def put_many(self, count: int, first: int = 0) -> None:
        for start in range(first, first + count, 1_000):
            some = [
                {"id_tag": f"TAG{n:05}", "status": "Accepted", "groups": ["staff"]}
                for n in range(start, min(start + 1_000, first + count))
            ]
            answer = await self.client.post("/api/v1/id-tags", json=some)
            assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A cloud's database with the site in it, to be copied; the edge's secret and an API key."""
    folder = tmp_path_factory.mktemp("enrolled")
    return folder / "cloud.db", *RealCloud(folder).enrolled()


@pytest.fixture
async def office(real_cloud: RealCloud, enrolled: tuple[Path, str, str], tmp_path: Path) -> AsyncIterator[Office]:
    file, secret, key = enrolled
    for part in file.parent.glob("cloud.db*"):
        shutil.copy(part, tmp_path)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        real_cloud.running(),
        httpx.AsyncClient(base_url=real_cloud.url, headers=headers, timeout=60) as client,
    ):
        office = Office(real_cloud, client, secret)
        await office.put("groups/staff", name="Staff", sites=["north"])
        yield office


def known(site: Site, id_tag: str) -> str | None:
    found = site.readers.run_now(lambda connection: id_tags.find(connection, id_tag))
    return None if found is None else found.status


def held(site: Site, name: DirectorySet = DirectorySet.ID_TAGS) -> Held | None:
    return site.readers.run_now(lambda connection: directory.held(connection, name))


def count(site: Site, table: str = "id_tag") -> int:
    return int(site.readers.run_now(lambda c: c.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))  # noqa: S608 - own text


async def until_asked(condition: Any, *, within_s: float = LONG) -> None:
    """Wait for something that has to be asked for over HTTP."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.1)


async def change_here(site: Site, id_tag: str, status: str | None) -> None:
    """What the local API does."""
    now = datetime.now(UTC)

    def change(tx: WriteTx) -> None:
        base = id_tags.base_version(tx.connection, id_tag)
        if status is None:
            id_tags.delete(tx.connection, id_tag)
        else:
            id_tags.put(tx.connection, id_tags.IdTag(DirectoryEntry(id_tag, status), None), now)
        event = IdTagChanged(id_tag=id_tag, status=status, changed_by="porter", base_version=base)
        tx.emit(event, subject=f"id-tag/{id_tag}", occurred_at=now)

    await site.writer.run(change)


async def test_a_blocked_id_tag_is_refused_at_the_edge_shortly_after_the_cloud_s_answer(
    site: Site, office: Office
) -> None:
    await office.put("id-tags/ANN", status="Accepted", groups=["staff"])
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "ann") == "Accepted", within_s=LONG)
        await until_asked(office.in_step)
        await office.put("id-tags/ANN", status="Blocked", groups=["staff"])
        await until(lambda: known(site, "ann") == "Blocked", within_s=LONG)  # checks by time come every 5 minutes
        await until_asked(office.in_step)
        tasks = site.readers.run_now(lambda c: c.execute("SELECT kind FROM upkeep_task ORDER BY kind").fetchall())
        assert [task["kind"] for task in tasks] == ["clear_cache", "local_list"]
        shown = (await office.get("sites/north/directory"))["sets"]["id_tags"]
        assert (shown["wanted"], shown["applied"], shown["same_content"], shown["how"]) == (2, 2, True, "delta")


async def test_five_thousand_id_tags_come_down_and_drift_is_mended_by_a_snapshot(site: Site, office: Office) -> None:
    await office.put_many(5_000)
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: count(site) == 5_000, within_s=LONG)
        await until_asked(office.in_step)

    def damage(tx: WriteTx) -> None:
        tx.connection.execute("DELETE FROM directory_entry WHERE key = 'tag00007'")
        tx.connection.execute("DELETE FROM id_tag WHERE id_tag = 'TAG00007'")

    await site.writer.run(damage)
    assert known(site, "TAG00007") is None
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "TAG00007") == "Accepted", within_s=LONG)
        assert count(site, "directory_staged") == 0


async def test_an_edge_of_another_epoch_brings_nothing_down_and_greets_again(site: Site, office: Office) -> None:
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: held(site) is not None, within_s=LONG)
    await site.writer.run(lambda tx: tx.connection.execute("UPDATE identity SET epoch = 2"))
    carrier = HttpsCarrier(base_url=office.cloud.url, edge="north", proof=SharedSecret(office.secret))
    outcome = await follower(site, carrier).pull(DirectorySet.ID_TAGS)
    await carrier.close()
    assert isinstance(outcome, Conflict)
    assert "Epoch 2 is not this site's present one" in outcome.why


class Cut(Exception):  # noqa: N818 - the end of a process, not an error
    """The process ends here."""


class CutCarrier(HttpsCarrier):
    """Dies after some slices, as the process would."""

    left = 3

    async def pull_directory(self, request: Any) -> Any:
        if self.left == 0:
            raise Cut
        self.left -= 1
        return await super().pull_directory(request)


def follower(site: Site, carrier: HttpsCarrier) -> DirectoryFollower:
    return DirectoryFollower(
        writer=site.writer,
        readers=site.readers,
        clock=site.clock,
        carrier=carrier,
        backoff=Backoff(QUICK, lambda: 0.0),
    )


async def test_a_snapshot_that_is_cut_off_counts_for_nothing_and_is_taken_anew(site: Site, office: Office) -> None:
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: len(site.readers.run_now(directory.all_held)) == len(DirectorySet), within_s=LONG)
    await office.put_many(2_000)
    await site.writer.run(lambda tx: tx.connection.execute("DELETE FROM directory_set"))
    carrier = CutCarrier(base_url=office.cloud.url, edge="north", proof=SharedSecret(office.secret))
    with pytest.raises(Cut):
        await follower(site, carrier).pull(DirectorySet.ID_TAGS)
    assert (count(site), count(site, "directory_staged")) == (0, 1_500)
    assert held(site) is None
    carrier.left = 100
    assert await follower(site, carrier).pull(DirectorySet.ID_TAGS) == 2_000
    assert (count(site), count(site, "directory_staged")) == (2_000, 0)
    await carrier.close()


async def test_a_delta_that_is_cut_off_or_applied_twice_ends_as_if_it_had_come_once(site: Site, office: Office) -> None:
    carrier = CutCarrier(base_url=office.cloud.url, edge="north", proof=SharedSecret(office.secret))
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: held(site) is not None, within_s=LONG)
    await office.put_many(1_200)
    await office.put("id-tags/ZZZ", status="Blocked", groups=["staff"])
    carrier.left = 1
    with pytest.raises(Cut):
        await follower(site, carrier).pull(DirectorySet.ID_TAGS)
    before = held(site)
    assert before is not None
    assert (before.version, before.entries) == (0, 500)
    assert known(site, "zzz") == "Blocked", "those come with the first slice, and count at once"
    carrier.left = 100
    assert await follower(site, carrier).pull(DirectorySet.ID_TAGS) == 1_201
    after = held(site)
    assert after is not None
    assert after.entries == count(site) == 1_201
    answer = await carrier.pull_directory(directory_request(after, since=1_000))
    assert isinstance(answer, DirectoryAnswer)
    await site.writer.run(lambda tx: directory.apply_delta(tx.connection, answer, 1_201, datetime.now(UTC)))
    again = held(site)
    assert again is not None
    assert (again.hash, again.entries) == (after.hash, after.entries)
    await carrier.close()


def directory_request(held: Held, since: int) -> Any:
    return DirectoryRequest(set=DirectorySet.ID_TAGS, since=since, incarnation=held.incarnation)


@pytest.mark.parametrize("version", [999, -1])
async def test_a_version_that_never_was_and_another_cloud_s_lead_to_a_snapshot(
    site: Site, office: Office, version: int
) -> None:
    await office.put("id-tags/ANN", status="Accepted", groups=["staff"])
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "ann") == "Accepted", within_s=LONG)

    def forge(tx: WriteTx) -> None:
        if version > 0:
            tx.connection.execute("UPDATE directory_set SET version = ?", (version,))
        else:
            tx.connection.execute("UPDATE directory_set SET incarnation = 'f0000000-0000-4000-8000-000000000000'")
        tx.connection.execute("DELETE FROM id_tag")

    await site.writer.run(forge)
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "ann") == "Accepted", within_s=LONG)
        await until_asked(office.in_step)


async def test_a_card_added_while_the_link_was_down_goes_up_and_comes_back(site: Site, office: Office) -> None:
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: held(site) is not None, within_s=LONG)
    await change_here(site, "Guest", "Accepted")
    await change_here(site, "Guest", "Blocked")
    await change_here(site, "Guest", "Accepted")
    assert known(site, "guest") == "Accepted"
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: (now := held(site)) is not None and now.entries == 1, within_s=LONG)
        await until_asked(office.in_step)
        shown = await office.get("id-tags/guest")
        assert (shown["status"], shown["version"], shown["sites"], shown["conflicts"]) == ("Accepted", 3, ["north"], [])
        assert known(site, "guest") == "Accepted"
        local = site.readers.run_now(lambda c: c.execute("SELECT local FROM id_tag").fetchone()["local"])
        assert local == 0, "from now on it is the cloud's"


async def test_of_two_changes_during_an_outage_the_cloud_s_holds_and_shows_both(site: Site, office: Office) -> None:
    await office.put("id-tags/ANN", status="Accepted", groups=["staff"])
    await office.put("id-tags/BOB", status="Accepted", groups=["staff"])
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "bob") == "Accepted", within_s=LONG)
    await office.put("id-tags/ANN", status="Blocked", groups=["staff"])
    await change_here(site, "ANN", "Expired")
    await change_here(site, "BOB", None)
    assert (known(site, "ann"), known(site, "bob")) == ("Expired", None)
    async with site.link(office.cloud.url, secret=office.secret):
        await until(lambda: known(site, "ann") == "Blocked", within_s=LONG)

        async def bob_is_gone() -> bool:
            return (await office.client.get("/api/v1/id-tags/bob")).status_code == 404

        await until_asked(bob_is_gone)
        await until_asked(office.in_step)
        assert known(site, "bob") is None
        [conflict] = (await office.get("id-tags/ann"))["conflicts"]
        assert (conflict["kept"]["status"], conflict["discarded"]["status"]) == ("Blocked", "Expired")
        assert count(site, "id_tag_removal") == 0


async def test_a_cloud_restored_from_a_backup_is_followed_back_and_the_edge_s_own_change_is_not_lost(
    site: Site, real_cloud: RealCloud, enrolled: tuple[Path, str, str], tmp_path: Path
) -> None:
    file, secret, key = enrolled
    for part in file.parent.glob("cloud.db*"):
        shutil.copy(part, tmp_path)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=real_cloud.url, headers=headers, timeout=60) as client:
        office = Office(real_cloud, client, secret)
        async with real_cloud.running(), site.link(real_cloud.url, secret=secret):
            await office.put("id-tags/ANN", status="Accepted", sites=["north"])
            await until(lambda: known(site, "ann") == "Accepted", within_s=LONG)
        real_cloud.back_up()
        async with real_cloud.running(), site.link(real_cloud.url, secret=secret):
            await office.put("id-tags/ANN", status="Blocked", sites=["north"])
            await office.put("id-tags/BOB", status="Accepted", sites=["north"])
            await change_here(site, "GUEST", "Accepted")
            await until(lambda: known(site, "ann") == "Blocked" and known(site, "bob") is not None, within_s=LONG)
            await until_asked(office.in_step)
        real_cloud.restore()
        async with real_cloud.running(), site.link(real_cloud.url, secret=secret):
            await until(lambda: known(site, "ann") == "Accepted" and known(site, "bob") is None, within_s=LONG)
            await until_asked(office.in_step)
            await until(lambda: known(site, "guest") == "Accepted", within_s=LONG)
