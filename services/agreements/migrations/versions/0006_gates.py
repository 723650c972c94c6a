"""What a region has chosen for its gates, drafts that are not complete, and who has been told of an end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "region_settings",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="append-only: the highest counts"),
        sa.Column("region_review", sa.Boolean(), nullable=False),
        sa.Column("another_person", sa.Boolean(), nullable=False),
        sa.Column("notices_to", postgresql.JSONB(), nullable=True, comment="a function's channel and value"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("region", "version"),
    )
    op.create_table(
        "agreement_draft",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False, comment="who saved it last"),
        sa.Column("content", postgresql.JSONB(), nullable=False, comment="any part of an agreement"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("agreement_draft_region", "agreement_draft", ["region", "changed_at"])
    op.create_table(
        "agreement_notice",
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False, comment="prolonged, it is told anew"),
        sa.Column("days", sa.Integer(), nullable=False, comment="90, 30 or 7 before"),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "valid_to", "days"),
    )
    op.create_index("agreement_notice_region", "agreement_notice", ["region", "valid_to"])
