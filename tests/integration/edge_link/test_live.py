"""The edge tells the newest of each connector beside its streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from contract.events import MeterValue, MeterValuesSampled, Sample
from contract.live import LiveAnswer, LiveNews
from contract.streams import Stream
from edge.domain.registration import Registration
from edge.store import charge_points, connectors
from edge.store.connectors import ConnectorState
from edge.sync.carrier import LiveOutcome, Unavailable
from edge.sync.https import HttpsCarrier
from edge.sync.live import LiveTeller
from edge.sync.proof import SharedSecret
from tests.integration.edge_link.conftest import Site, running, until
from tests.integration.edge_link.real_cloud import RealCloud

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Listener(HttpsCarrier):
    """Keeps what it is told; may be away."""

    def __init__(self) -> None:
        super().__init__(base_url="http://127.0.0.1:9", edge="north", proof=SharedSecret("unused"))
        self.told: list[LiveNews] = []
        self.away = False

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        if self.away:
            return Unavailable("away")
        self.told.append(news)
        return LiveAnswer(connectors=len(news.states))


@asynccontextmanager
async def telling(site: Site, listener: HttpsCarrier) -> AsyncIterator[None]:
    teller = LiveTeller(
        readers=site.readers,
        clock=site.clock,
        carrier=listener,
        is_connected=lambda: True,
        every_s=0.02,
        pause_s=0.05,
    )
    async with running(teller.run()):
        yield
    await listener.close()


async def say(site: Site, status: str, charge_point: str = "CP-1") -> None:
    state = ConnectorState(1, status, "NoError", None, None, "2026-03-04T12:00:00.000Z")

    def write(tx: object) -> None:
        connection = tx.connection  # type: ignore[attr-defined]
        if charge_points.find(connection, charge_point) is None:
            charge_points.put(connection, charge_point, Registration.ACCEPTED, AT)
        connectors.write(connection, charge_point, state, AT)

    await site.writer.run(write)


async def emit(site: Site, event: MeterValuesSampled) -> None:
    await site.writer.run(lambda tx: tx.emit(event, subject="edge", occurred_at=AT))


async def measure(site: Site, *values: str, charge_point: str = "CP-1") -> None:
    for value in values:
        sampled = MeterValue(sampled_at=AT, samples=[Sample(measurand="Power.Active.Import", value=value, unit="W")])
        event = MeterValuesSampled(charge_point=charge_point, connector_id=1, values=[sampled])
        await emit(site, event)


def newest(listener: Listener, charge_point: str = "CP-1") -> str | None:
    told = [one for news in listener.told for one in news.samples if one.charge_point == charge_point]
    return told[-1].samples[0].value if told else None


async def test_states_are_told_when_they_change_and_samples_when_they_come(site: Site) -> None:
    listener = Listener()
    await say(site, "Available")
    await measure(site, "1")
    async with telling(site, listener):
        await until(lambda: len(listener.told) == 1)
        assert [one.status for one in listener.told[0].states] == ["Available"]
        assert listener.told[0].samples == []  # measured before the edge began to tell: no news
        await measure(site, "2", "3")
        await until(lambda: newest(listener) == "3")
        await say(site, "Charging")
        await until(lambda: [one.status for one in listener.told[-1].states] == ["Charging"])
    assert all(news.states or news.samples for news in listener.told)


async def test_after_a_silence_everything_is_told_anew_and_of_each_connector_only_the_newest(site: Site) -> None:
    listener = Listener()
    await say(site, "Available")
    async with telling(site, listener):
        await until(lambda: len(listener.told) == 1)
        listener.away = True
        await measure(site, "1", "2", "3")
        await say(site, "Charging", "CP-2")
        listener.away = False
        await until(lambda: newest(listener) == "3")
        await until(lambda: {one.charge_point for news in listener.told[1:] for one in news.states} >= {"CP-2"})


async def test_the_real_cloud_shows_it_while_a_backlog_waits(site: Site, real_cloud: RealCloud) -> None:
    secret, key = real_cloud.enrolled()
    await say(site, "Charging")
    await site.record(Stream.METER, 50)
    carrier = HttpsCarrier(base_url=real_cloud.url, edge="north", proof=SharedSecret(secret))
    async with (
        real_cloud.running(),
        telling(site, carrier),
        httpx.AsyncClient(base_url=real_cloud.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client,
    ):
        shown: list[dict[str, object]] = []

        async def look() -> bool:
            shown[:] = (await client.get("/api/v1/live")).json()["items"]
            return bool(shown) and bool(shown[0]["samples"])

        while not await look():  # what was measured before the edge began to tell is no news
            await measure(site, "7000")
    assert (shown[0]["status"], shown[0]["samples"][0]["value"]) == ("Charging", "7000")  # type: ignore[index]
    assert site.acknowledged(Stream.METER) == 0
