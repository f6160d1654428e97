"""Events without a table of their own are kept as they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud.db.database import Unit
from cloud.ingest import repository
from cloud.models.received import Received


def keep_raw(unit: Unit, events: Sequence[Received[Any]]) -> None:
    """Store the envelopes for those who will want to read them."""
    repository.add_raw_events(
        unit,
        [
            {
                "site_id": event.site,
                "epoch": event.epoch,
                "stream": event.stream.value,
                "seq": event.envelope.seq,
                "type": event.envelope.type,
                "received_at": event.received_at,
                "raw": event.envelope.model_dump_json().encode(),
            }
            for event in events
        ],
    )
