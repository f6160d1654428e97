"""The other end is the real `gardu-cloud` process, which this link's authors did not write."""

from __future__ import annotations

import httpx

from contract.streams import Stream
from edge.sync.syncer import LinkCondition
from tests.integration.edge_link.conftest import Site, until
from tests.integration.edge_link.real_cloud import RealCloud
from tests.integration.edge_link.test_commands import Yard


def all_acknowledged(site: Site, count: int) -> bool:
    return all(site.acknowledged(stream) >= count for stream in Stream)


async def test_events_go_up_and_a_command_comes_down_through_the_real_cloud(site: Site, real_cloud: RealCloud) -> None:
    secret, key = real_cloud.enrolled()
    yard = Yard()
    async with (
        real_cloud.running(),
        site.relaying(yard.perform),
        site.link(real_cloud.url, secret=secret) as syncer,
        httpx.AsyncClient(base_url=real_cloud.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client,
    ):
        for stream in Stream:
            await site.record(stream, 1_200)
        await until(lambda: all_acknowledged(site, 1_200), within_s=30)
        assert syncer.status().condition is LinkCondition.CONNECTED
        path = "/api/v1/sites/north/central-system/clients/CP-1200/reset"
        answer = await client.post(path, params={"wait": 10}, json={"type": "Soft"})
        assert (answer.status_code, answer.json()) == (200, {"status": "Accepted"}), answer.text
    assert yard.calls == [("CP-1200", "Reset", {"type": "Soft"})]


async def test_a_cloud_that_is_killed_again_and_again_loses_and_doubles_nothing(
    site: Site, real_cloud: RealCloud
) -> None:
    secret = real_cloud.ask("add-site", "north", "--secret")["secret"]
    async with site.link(real_cloud.url, secret=secret) as syncer:
        for n in range(1, 3):
            async with real_cloud.running() as process:
                for stream in Stream:
                    await site.record(stream, 700)
                await until(lambda n=n: site.acknowledged(Stream.LEDGER) > (n - 1) * 700, within_s=30)  # type: ignore[misc]
                process.kill()
        async with real_cloud.running():
            await until(lambda: all_acknowledged(site, 1_400), within_s=30)
        assert syncer.status().condition is not LinkCondition.FORKED


async def test_a_wrong_secret_is_refused_by_the_real_cloud(site: Site, real_cloud: RealCloud) -> None:
    real_cloud.ask("add-site", "north", "--name", "North building")
    async with real_cloud.running(), site.link(real_cloud.url, secret="wrong") as syncer:
        await until(lambda: syncer.status().condition is LinkCondition.REFUSED)
