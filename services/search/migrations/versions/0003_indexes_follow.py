"""Indexes follow the offers: a cursor for each index in place of a mark on each offer. Everything is indexed again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What messages told is kept; what was made from it is arranged anew."""
    op.execute("DELETE FROM line WHERE kind = 'offering'")
    op.drop_constraint("line_pkey", "line")
    op.drop_index("line_unit", "line")
    op.drop_column("line", "kind")
    op.create_primary_key("line_pkey", "line", ["source", "unit", "code_key"])
    op.create_index("line_unit_code", "line", ["unit", "code_key"])
    op.create_table_comment("line", "which units and codes each agreement is about")
    op.alter_column("line", "source", comment="the agreement's id")

    op.add_column("offering", sa.Column("unit", sa.Text()))
    op.add_column("offering", sa.Column("code_key", sa.Text()))
    op.execute(
        "UPDATE offering SET unit = content->>'unit',"
        " code_key = (content->'care_service'->>'system') || '|' || (content->'care_service'->>'code')"
    )
    op.drop_constraint("offering_pkey", "offering")
    op.drop_column("offering", "key")
    op.create_primary_key("offering_pkey", "offering", ["unit", "code_key"])
    # As text: it is read whole, and PostgreSQL need not take it apart and put it together.
    for name in ("offering", "care_unit", "agreement"):
        op.alter_column(name, "content", type_=postgresql.JSON(), postgresql_using="content::json")

    op.drop_index("ix_wait_subject", "wait")
    op.create_index("wait_subject_code", "wait", ["subject", "code_key"])

    op.drop_constraint("offer_pkey", "offer")
    for name in ("ix_offer_unit", "ix_offer_code_key", "offer_dirty"):
        op.drop_index(name, "offer")
    for name in ("id", "indexed", "fault"):
        op.drop_column("offer", name)
    op.create_primary_key("offer_pkey", "offer", ["unit", "code_key"])
    op.create_index("offer_revision", "offer", ["revision", "unit", "code_key"])
    op.alter_column("offer", "revision", comment="rises with every change of what its document is built from")
    op.create_table_comment("offer", "every offer there is or was")

    op.create_table(
        "followed_index",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "uuid", sa.Text(), nullable=False, comment="the engine's own: another one is another index of that name"
        ),
        sa.Column("shape", sa.Text(), nullable=False, comment="which mapping it was made with"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="with unit and code_key: the last offer it has"),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "searched_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when searches were led to it; null: never yet",
        ),
        sa.PrimaryKeyConstraint("name"),
        comment="how far each index has followed the offers",
    )
    op.create_table(
        "refused_document",
        sa.Column("index_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("index_name", "unit", "code_key"),
        comment="offers an index does not show as they are, and why; gone when a later revision succeeds",
    )
