"""A site that has not heard of its cloud for too long does what its policy says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from contract.directory import (
    EMPTY,
    ChangedEntry,
    DirectoryAnswer,
    DirectoryPolicy,
    DirectorySet,
    OfflineMode,
    RemovedEntry,
)
from edge.domain.authorisation import DirectoryEntry
from edge.operations.energy_limits import EnergyLimits
from edge.store import directory, id_tags
from edge.store.database import connect
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.integration.edge.played_site import NOON, PlayedSite

CLOUD = uuid4()


def brought(
    played: PlayedSite,
    name: DirectorySet,
    version: int,
    removed: dict[str, int] | None = None,
    **entries: dict[str, Any],
) -> None:
    """A snapshot has come down."""
    answer = DirectoryAnswer(
        incarnation=CLOUD,
        server_time=NOON,
        set=name,
        version=version,
        hash=EMPTY,
        changed=[ChangedEntry(key=key, content=content) for key, content in entries.items()],
        removed=[RemovedEntry(key=key, version=own) for key, own in (removed or {}).items()],
    )

    def bring(tx: Any) -> None:
        directory.begin_snapshot(tx.connection, name)
        directory.stage(tx.connection, answer)
        directory.switch(tx.connection, name, CLOUD, version, played.clock.now())

    played.write(bring)


def offline(site: PlayedSite, mode: OfflineMode, *, limit_wh: int = 5_000) -> None:
    """The policy came down, and then nothing for an hour."""
    policy = DirectoryPolicy(offline=mode, unknown_limit_wh=limit_wh)
    brought(site, DirectorySet.POLICY, 1, site=policy.model_dump(mode="json"))
    brought(site, DirectorySet.ID_TAGS, 0)
    site.later(hours=1)


def authorize(site: PlayedSite, id_tag: str) -> str:
    return str(site.ask("Authorize", {"idTag": id_tag})["idTagInfo"]["status"])


def test_until_the_directory_is_stale_its_policy_changes_nothing(site: PlayedSite) -> None:
    offline(site, OfflineMode.DENY)
    site.clock.at -= timedelta(minutes=50)
    assert (authorize(site, "TAG"), authorize(site, "STRANGER")) == ("Accepted", "Invalid")


def test_deny_lets_nobody_begin_and_whoever_charges_end(site: PlayedSite) -> None:
    number = site.start()
    offline(site, OfflineMode.DENY)
    assert (authorize(site, "TAG"), authorize(site, "OTHER")) == ("Accepted", "Invalid")
    site.stop(number)
    assert authorize(site, "TAG") == "Invalid"
    assert site.started(idTag="OTHER")["idTagInfo"]["status"] == "Invalid"
    brought(site, DirectorySet.ID_TAGS, 1)
    assert authorize(site, "OTHER") == "Accepted"


def test_allow_known_goes_on_as_ever(site: PlayedSite) -> None:
    offline(site, OfflineMode.ALLOW_KNOWN)
    assert (authorize(site, "TAG"), authorize(site, "STRANGER")) == ("Accepted", "Invalid")


async def test_an_unknown_id_tag_is_ended_at_the_limit_and_nobody_else_is(site: PlayedSite) -> None:
    offline(site, OfflineMode.ALLOW_UNKNOWN, limit_wh=5_000)
    assert authorize(site, "BLOCKED") == "Blocked"
    info = site.ask("Authorize", {"idTag": "STRANGER"})["idTagInfo"]
    assert info == {"status": "Accepted", "expiryDate": "2026-03-02T13:00:00.000Z"}, "caches soon forget it"
    number = site.start(idTag="STRANGER")
    site.start(idTag="TAG", connectorId=2)
    asked: list[tuple[str, str, dict[str, Any]]] = []

    async def perform(charge_point: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        asked.append((charge_point, action, payload))
        return {"status": "Accepted"}

    connection, readers = connect(site.path), Readers(site.path)
    writer = Writer(connection, site.clock)
    limits = EnergyLimits(writer, readers, site.clock, perform)
    async with working(writer):
        for register in (1_000, 5_999):
            site.later(minutes=10)
            site.meter(str(register), transactionId=number)
            site.meter("99000", connectorId=2)
            await limits.look()
        assert asked == []
        site.later(minutes=10)
        site.meter("6000", transactionId=number)
        await limits.look()
        await limits.look()
        assert asked == [("CP1", "RemoteStopTransaction", {"transactionId": number})], "once a minute at most"
        site.later(minutes=2)
        await limits.look()
        assert len(asked) == 2
        site.stop(number, meterStop=6_050)
        site.later(minutes=2)
        await limits.look()
        assert len(asked) == 2
    readers.close()
    connection.close()


@asynccontextmanager
async def working(writer: Writer) -> AsyncIterator[None]:
    """Run the writer for a while."""
    task = asyncio.create_task(writer.work())
    yield
    await writer.close()
    await task


def tag(status: str, version: int, id_tag: str) -> dict[str, Any]:
    return {"id_tag": id_tag, "status": status, "status_since": "2026-03-01T12:00:00Z", "version": version}


def test_an_id_tag_of_the_cloud_counts_beside_those_that_only_the_site_knows(site: PlayedSite) -> None:
    site.connection.execute("UPDATE id_tag SET version = 0")  # as before there were versions
    brought(site, DirectorySet.ID_TAGS, 2, tag=tag("Blocked", 1, "Tag"), new=tag("Accepted", 1, "NEW"))
    assert [authorize(site, one) for one in ("TAG", "NEW", "OTHER")] == ["Blocked", "Accepted", "Accepted"]
    brought(site, DirectorySet.ID_TAGS, 3, {"other": 4}, tag=tag("Accepted", 2, "Tag"))
    assert [authorize(site, one) for one in ("TAG", "NEW", "OTHER")] == ["Accepted", "Invalid", "Invalid"]


@pytest.mark.parametrize(("version", "holds"), [(1, "Accepted"), (2, "Accepted"), (3, "Blocked"), (4, "Blocked")])
def test_a_change_made_here_holds_until_one_as_new_comes_down(site: PlayedSite, version: int, holds: str) -> None:
    site.connection.execute("UPDATE id_tag SET version = 1, local = 0")
    for _ in range(2):  # changed here twice: from version 1 to what will be 3
        site.write(
            lambda tx: id_tags.put(
                tx.connection, id_tags.IdTag(DirectoryEntry("TAG", "Accepted"), "a note"), site.clock.now()
            )
        )
    brought(site, DirectorySet.ID_TAGS, 9, tag=tag("Blocked", version, "TAG"))
    assert authorize(site, "TAG") == holds
    row = id_tags.read(site.connection, "TAG")
    assert row is not None
    assert row.note == "a note"


@pytest.mark.parametrize(("version", "holds"), [(1, "Invalid"), (2, "Accepted")])
def test_what_was_removed_here_does_not_come_back_by_what_is_older(site: PlayedSite, version: int, holds: str) -> None:
    site.connection.execute("UPDATE id_tag SET version = 1, local = 0")
    site.write(lambda tx: id_tags.delete(tx.connection, "TAG"))
    brought(site, DirectorySet.ID_TAGS, 9, tag=tag("Accepted", version, "TAG"))
    assert authorize(site, "TAG") == holds


def test_an_entry_that_this_release_cannot_read_is_held_and_means_nothing(site: PlayedSite) -> None:
    brought(site, DirectorySet.ID_TAGS, 1, new=tag("Perhaps", 1, "NEW"))
    assert authorize(site, "NEW") == "Invalid"
    held = directory.held(site.connection, DirectorySet.ID_TAGS)
    assert held is not None
    assert held.entries == 1
