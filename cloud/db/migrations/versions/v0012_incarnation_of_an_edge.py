"""The incarnation of the database to one edge alone: one edge's word about a lost past is no matter of the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; empty, the database's own incarnation holds."""
    op.add_column("edge", sa.Column("incarnation", sa.Uuid(), nullable=True))
