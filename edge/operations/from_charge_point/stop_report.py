"""What a charge point says about the end of a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.store.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Report:
    """A StopTransaction, read as far as it can be."""

    transaction_id: int | None
    meter_stop_wh: int | None
    stopped_at: datetime
    stopped_at_raw: str | None
    believed: bool
    """Whether the time is the charge point's own, not that of the receipt."""
    id_tag: str | None
    reason: str
    flags: list[str]


def differs(transaction: Transaction, report: Report) -> bool:
    """Whether this is another stop than the one that is known."""
    stopped_at = report.stopped_at.replace(microsecond=report.stopped_at.microsecond // 1000 * 1000)
    said = (report.meter_stop_wh, report.reason)
    known = (transaction.meter_stop_wh, transaction.reason)
    if "meter_stop_from_transaction_end" in transaction.flags:  # what is stored is not what the stop said
        said, known = (None, report.reason), (None, transaction.reason)
    return said != known or (report.believed and stopped_at != transaction.stopped_at)
