"""What regions tell of brokering: looked up by every answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row a region; filled from its topic, which is read from the beginning."""
    op.create_table(
        "region_profile",
        sa.Column("region", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("region"),
        comment="what regions tell of brokering; in no document, answers look it up",
    )
