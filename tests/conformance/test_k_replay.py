"""Section K of the field guide: the frames that were kept make the database's transactions again."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.conftest import Site
from tests.harness.station import Station


def replayed(site: Site, *options: str) -> tuple[int, dict[str, Any]]:
    """Run `gardu-edge replay` beside the running edge."""
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "replay", "--json", *options],
        cwd=site.edge.folder,
        env=site.edge._whole_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.stdout, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, outcome


@contextmanager
def database(site: Site) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(site.edge.folder / "data" / "edge.db", timeout=30)) as connection, connection:
        yield connection


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def values(at: str, register_wh: int) -> list[dict[str, Any]]:
    return [{"timestamp": at, "sampled_value": [{"value": str(register_wh), "unit": "Wh"}]}]


async def charge(station: Station, connector_id: int, id_tag: str, *, begin: int, end: int | None, age: float) -> int:
    """Charge once, with a meter value on the way; `end` None: its stop is lost."""
    start = await station.ask(
        "StartTransaction", connector_id=connector_id, id_tag=id_tag, meter_start=begin, timestamp=ago(age)
    )
    await station.ask(
        "MeterValues",
        connector_id=connector_id,
        transaction_id=start.transaction_id,
        meter_value=values(ago(age - 1), begin + 400),
    )
    if end is not None:
        await station.ask(
            "StopTransaction",
            transaction_id=start.transaction_id,
            id_tag=id_tag,
            meter_stop=end,
            timestamp=ago(age - 2),
            transaction_data=values(ago(age - 1.5), end - 1),
        )
    return int(start.transaction_id)


async def play(station: Station) -> list[int]:
    """Everything that makes transactions: ends, refusals, lost stops, repeats, ends of nothing, no clock."""
    numbers = [
        await charge(station, 1, "12345", begin=1000, end=9000, age=50),
        await charge(station, 1, "BLOCKED", begin=9000, end=9000, age=40),
        await charge(station, 2, "FAMILY", begin=500, end=None, age=38),  # its stop is lost
        await charge(station, 2, "nobody", begin=2000, end=2500, age=30),
        await charge(station, 1, "12345", begin=9000, end=None, age=20),  # still runs
    ]
    for _ in range(2):  # an end that belongs nowhere, twice
        await station.ask(
            "StopTransaction", transaction_id=987654, meter_stop=77, timestamp=ago(10), reason="PowerLoss"
        )
    again = await station.ask(
        "StartTransaction", connector_id=3, id_tag="12345", meter_start=5, timestamp="1970-01-01T00:00:00Z"
    )
    await station.ask("StopTransaction", transaction_id=again.transaction_id, meter_stop=6, timestamp="1970-01-01")
    return [*numbers, int(again.transaction_id)]


async def test_k97_the_frames_that_were_kept_make_the_same_transactions_while_the_edge_runs(
    site: Site, station: Station
) -> None:
    numbers = await play(station)
    status, outcome = replayed(site)
    assert outcome["differences"] == []
    assert (outcome["only_in_store"], outcome["only_in_replay"]) == ([], [])
    assert outcome["transactions"] == outcome["equal"] >= len(numbers) + 1, outcome["not_replayed"]
    assert (status, outcome["same"]) == (0, True)


async def test_k97_a_record_that_its_frames_do_not_make_is_named_with_its_field(site: Site, station: Station) -> None:
    number = await charge(station, 4, "12345", begin=100, end=4100, age=9)
    with database(site) as connection:
        connection.execute(
            "UPDATE charging_transaction SET energy_wh = energy_wh + 1 WHERE transaction_id = ?", (number,)
        )
    try:
        status, outcome = replayed(site)
    finally:
        with database(site) as connection:
            connection.execute(
                "UPDATE charging_transaction SET energy_wh = energy_wh - 1 WHERE transaction_id = ?", (number,)
            )
    assert (status, outcome["same"]) == (1, False)
    assert outcome["differences"] == [{"transaction_id": number, "field": "energy_wh", "store": 4001, "replay": 4000}]


async def test_k97_a_window_that_begins_in_the_middle_knows_what_ran_before_it(site: Site, station: Station) -> None:
    before = await charge(station, 5, "12345", begin=100, end=None, age=9)
    since = datetime.now(UTC).isoformat()
    await station.ask("StopTransaction", transaction_id=before, meter_stop=900, timestamp=ago(1))
    number = await charge(station, 5, "FAMILY", begin=900, end=1900, age=1)
    with database(site) as connection:
        numbers = connection.execute(
            "SELECT transaction_id FROM charging_transaction WHERE start_received_at >= ?", (since,)
        ).fetchall()
    assert numbers == [(number,)]
    status, outcome = replayed(site, "--since", since)
    assert (status, outcome["transactions"], outcome["equal"], outcome["differences"]) == (0, 1, 1, [])


async def test_k97_what_cannot_be_replayed_is_said(site: Site, station: Station) -> None:
    number = await charge(station, 6, "12345", begin=1, end=2, age=9)
    with database(site) as connection:
        connection.execute("DELETE FROM transaction_frame WHERE instr(answer, ?)", (str(number),))
    status, outcome = replayed(site)
    assert any(f"Transaction {number}" in sentence for sentence in outcome["not_replayed"])
    assert number not in outcome["only_in_store"]
    status, outcome = replayed(site, "--until", "2020-01-01T00:00:00Z")
    assert (status, outcome["transactions"]) == (0, 0)
