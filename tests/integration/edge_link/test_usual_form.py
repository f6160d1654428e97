"""The edge writes meter events in the form that the cloud takes apart quickest; another would be read, but slowly."""

from __future__ import annotations

from pathlib import Path

from cloud.models.plain_samples import read_plain
from contract.events import MeterValuesSampled
from contract.streams import Stream
from edge.store import outbox
from edge.store.migrations import migrate
from tests.integration.edge.played_site import PlayedSite

SAMPLED = [
    {"value": "1200", "unit": "Wh"},
    {"value": "31.2", "measurand": "Current.Import", "unit": "A", "phase": "L1", "context": "Sample.Clock"},
    {"value": "48", "measurand": "Temperature", "location": "Body"},
]


def test_what_the_edge_writes_for_meter_values_is_taken_apart_quickly(tmp_path: Path) -> None:
    migrate(tmp_path / "blank.db")
    site = PlayedSite.create(tmp_path / "blank.db", tmp_path / "edge.db")
    number = site.start()
    for transaction in ({"transactionId": number}, {}):
        value = {"timestamp": site.later(minutes=1), "sampledValue": SAMPLED}
        site.ask("MeterValues", {"connectorId": 1, "meterValue": [value]} | transaction)
    stored = outbox.read_after(site.connection, Stream.METER, 0, limit=100, max_bytes=100_000)
    site.close()
    read = [read_plain(one.event) for one in stored if MeterValuesSampled.TYPE.encode() in one.event]
    assert len(read) >= 2
    assert None not in read
