"""Announcements of free capacity: one is a basis for offers while it is open."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled from their topic, which is read from the beginning."""
    op.create_table(
        "announcement",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "announcement_line",
        sa.Column("source", sa.Text(collation="C"), nullable=False, comment="the announcement's id"),
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("code_key", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("source", "unit", "code_key"),
        comment="which unit and codes each open offer of capacity is about",
    )
    op.create_index("announcement_line_code_unit", "announcement_line", ["code_key", "unit"])
