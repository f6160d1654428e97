"""What the local API shows of the directory that came down."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx

from contract.directory import EMPTY, ChangedEntry, DirectoryAnswer, DirectorySet
from edge.store import directory
from edge.store.writer import WriteTx
from tests.integration.edge_api.site import NOW, Site


async def test_a_site_without_a_cloud_has_no_directory_and_it_is_never_stale(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/api/v1/directory")).json()
    assert (shown["sets"], shown["stale"], shown["policy"]["offline"]) == ({}, False, "allow_known")


async def test_the_age_of_the_directory_is_shown_and_what_follows_from_it(
    client: httpx.AsyncClient, site: Site
) -> None:
    cloud = uuid4()

    def bring(tx: WriteTx) -> None:
        for name, key, content in (
            (DirectorySet.POLICY, "site", {"offline": "deny", "stale_after_s": 3600}),
            (DirectorySet.ID_TAGS, "gone", {"status": "unreadable"}),
        ):
            answer = DirectoryAnswer(
                incarnation=cloud,
                server_time=NOW,
                set=name,
                version=4,
                hash=EMPTY,
                changed=[ChangedEntry(key=key, content=content)],
                removed=[],
            )
            directory.stage(tx.connection, answer)
            directory.switch(tx.connection, name, cloud, 4, NOW - timedelta(hours=2))

    await site.writer.run(bring)
    shown = (await client.get("/api/v1/directory")).json()
    assert shown["stale"] is True
    assert (shown["policy"]["offline"], shown["policy"]["stale_after_s"]) == ("deny", 3600)
    held = shown["sets"]["id_tags"]
    assert (held["version"], held["entries"], held["age_s"], held["incarnation"]) == (4, 1, 7200, str(cloud))
