"""The boots of an edge's machines, and the epoch that each spoke under last: a copied card's lives alternate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table, with the boots that are known: those that epochs were granted to, and the last of each edge."""
    op.create_table(
        "edge_boot",
        sa.Column("site_id", sa.Text()),
        sa.Column("boot_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name="fk_edge_boot_site_id"),
        sa.PrimaryKeyConstraint("site_id", "boot_id", name="pk_edge_boot"),
    )
    op.execute(
        """INSERT INTO edge_boot (site_id, boot_id, epoch, heard_at)
           SELECT site_id, boot_id, max(epoch), max(granted_at) FROM edge_epoch
           WHERE boot_id IS NOT NULL GROUP BY site_id, boot_id"""
    )
    op.execute(
        """INSERT INTO edge_boot (site_id, boot_id, epoch, heard_at)
           SELECT site_id, boot_id, epoch, greeted_at FROM edge
           WHERE boot_id IS NOT NULL AND greeted_at IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM edge_boot
                             WHERE edge_boot.site_id = edge.site_id AND edge_boot.boot_id = edge.boot_id)"""
    )
