"""What came of a command that its charge point had accepted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; commands from before have none."""
    op.add_column("command", sa.Column("effect", sa.JSON(), nullable=True))
