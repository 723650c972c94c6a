"""The first tables of search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "agreement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "care_unit",
        sa.Column("hsa_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("hsa_id"),
    )
    op.create_table(
        "code",
        sa.Column("key", sa.Text(), nullable=False, comment="system|code"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "code_map",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("equivalence", sa.Text(), nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "target"),
    )
    op.create_index("code_map_target", "code_map", ["target"], unique=False)
    op.create_table(
        "line",
        sa.Column("kind", sa.Text(), nullable=False, comment="offering or agreement"),
        sa.Column("source", sa.Text(), nullable=False, comment="its key"),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "source", "unit", "code_key"),
        comment="which unit and code each offering and agreement is about",
    )
    op.create_index("line_code", "line", ["code_key"], unique=False)
    op.create_index("line_unit", "line", ["unit"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", sa.Text(), nullable=False, comment="HSA-id|system|code"),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("indexed", sa.BigInteger(), nullable=False, comment="the revision the index holds"),
        sa.Column("fault", sa.Text(), nullable=True, comment="why the index refused it"),
        sa.PrimaryKeyConstraint("id"),
        comment="every offer there is or was; those with revision <> indexed are to be indexed",
    )
    op.create_index(op.f("ix_offer_code_key"), "offer", ["code_key"], unique=False)
    op.create_index(op.f("ix_offer_unit"), "offer", ["unit"], unique=False)
    op.create_index("offer_dirty", "offer", ["revision"], unique=False, postgresql_where="revision <> indexed")
    op.create_table(
        "offering",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "wait",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_wait_subject"), "wait", ["subject"], unique=False)
