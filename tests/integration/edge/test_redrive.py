"""`gardu-edge redrive` asks the running edge, and says plainly when there is none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest

from tests.harness.processes import Edge
from tests.integration.edge.test_process import refused

pytestmark = pytest.mark.timeout(180)


def test_what_was_set_aside_is_shown_and_sent_again(tmp_path: Path) -> None:
    with Edge.create(tmp_path / "edge").start() as edge:
        event = {
            "id": str(uuid4()),
            "seq": 4,
            "type": "SecurityEventRecorded.v1",
            "occurred_at": "2026-03-04T12:00:00Z",
            "recorded_at": "2026-03-04T12:00:00Z",
            "clock_synced": True,
            "boot_id": "boot",
            "monotonic_ms": 1,
            "subject": "edge",
            "data": {"kind": "test", "detail": "from before"},
        }
        with sqlite3.connect(edge.folder / "data" / "edge.db") as connection:
            connection.executemany(
                "INSERT INTO set_aside (stream, seq, set_aside_at, why, event) VALUES ('ledger', 4, ?, 'why', ?)",
                [("2026-03-04T12:00:00Z", json.dumps(event).encode()), ("2026-03-04T12:00:00Z", b"no event")],
            )
        connection.close()
        with edge.client() as client:
            assert client.get("/api/v1/outbox").json()["set_aside"] == 2
            first = client.get("/api/v1/outbox/set-aside", params={"limit": 1}).json()
            assert (first["items"][0]["event"], first["items"][0]["why"]) == ("no event", "why")
            assert json.loads(edge.cli("redrive", "--json")) == {"sent": 1, "unreadable": 1}
            assert json.loads(edge.cli("redrive", "--json")) == {"sent": 0, "unreadable": 1}
            shown = edge.items("/api/v1/outbox/set-aside", limit=1)
            assert [one["sent_again_at"] is None for one in shown] == [True, False]
            assert client.get("/api/v1/outbox").json()["set_aside"] == 1
    with sqlite3.connect(edge.folder / "data" / "edge.db") as connection:
        sent = connection.execute("SELECT event FROM outbox WHERE stream = 'ledger' ORDER BY seq DESC").fetchone()
    connection.close()
    assert json.loads(sent[0])["data"] == event["data"]
    assert "Is `gardu-edge run` running" in refused(edge, "redrive")
