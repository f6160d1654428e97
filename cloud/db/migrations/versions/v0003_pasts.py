"""Where the pasts of an edge and of the cloud part, who was granted which epoch, and edges that are locked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; what happened before has no trail, so its forks are found less exactly."""
    op.add_column("edge", sa.Column("locked_at", _INSTANT, nullable=True))
    op.add_column("edge", sa.Column("locked_why", sa.Text(), nullable=True))
    for column in (
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("from_epoch", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.Column("refused_at", _INSTANT, nullable=True),
        sa.Column("chosen_at", _INSTANT, nullable=True),
    ):
        op.add_column("edge_epoch", column)
    _of_a_stream(
        "stream_checkpoint",
        sa.Column("seq", sa.BigInteger(), autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        key="seq",
    )
    _of_a_stream(
        "stream_trail",
        sa.Column("last", sa.BigInteger(), autoincrement=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        key="last",
    )
    _of_a_stream(
        "epoch_fork",
        sa.Column("from_epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "edge_conflict",
        sa.Column("site_id", sa.Text()),
        sa.Column("conflict", sa.Uuid()),
        sa.Column("noticed_at", _INSTANT, nullable=False),
        sa.Column("present_epoch", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("continues", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "conflict", name="pk_edge_conflict"),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name="fk_edge_conflict_site_id"),
    )


def _of_a_stream(table: str, *columns: sa.Column[object], key: str | None = None) -> None:
    keys = ["site_id", "epoch", "stream", *([] if key is None else [key])]
    op.create_table(
        table,
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name=f"fk_{table}_site_id"),
    )
