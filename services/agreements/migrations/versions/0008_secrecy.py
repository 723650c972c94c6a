"""Where drafts come from, marks on what is registered, every decision of a secrecy check, archives that fail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("agreement_draft", sa.Column("copied_from", sa.Text(), comment="the agreement it began as a copy of"))
    op.add_column("refusal", sa.Column("agreement_id", sa.Text(), comment="the version that was registered here"))
    op.create_index(
        "refusal_of_registered",
        "refusal",
        ["region", "at"],
        postgresql_where=sa.text("agreement_id IS NOT NULL"),
    )
    op.add_column(
        "region_settings",
        sa.Column("purge_when_marked", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column(
        "disclosure",
        sa.Column("failure", sa.Text(), comment="why it could not be made, in words for whoever asked"),
    )
    op.add_column(
        "disclosure_decision",
        sa.Column("side", sa.Text(), comment="who decided: the region's code, or agency"),
    )
    op.create_table(
        "disclosure_decided",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("masked", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("legal_ground", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="every decision of a secrecy check, only ever added; a purge takes its agreement's",
    )
    op.create_index("disclosure_decided_of", "disclosure_decided", ["disclosure", "agreement_id"])
