"""Indexes for the questions about an edge's past: they are asked while its row is locked."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add them."""
    op.create_index("ix_ledger_event_site_id_epoch_seq", "ledger_event", ["site_id", "epoch", "seq"])
    op.create_index(
        "ix_charging_transaction_site_id_transaction_id", "charging_transaction", ["site_id", "transaction_id"]
    )
