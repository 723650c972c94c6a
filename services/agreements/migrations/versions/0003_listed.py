"""What lists are filtered and sorted by: one narrow row per agreement and side, public and working."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and list what is registered."""
    plain = sa.Text(collation="C")
    op.create_table(
        "agreement_listed",
        sa.Column("agreement_id", plain, nullable=False),
        sa.Column("side", plain, nullable=False, comment="public or working"),
        sa.Column("region", plain, nullable=False),
        sa.Column("number", plain, nullable=False),
        sa.Column("state", plain, nullable=False),
        sa.Column("name", sa.Text(collation="sv-x-icu"), nullable=True),
        sa.Column("words", plain, nullable=False, comment="number and name in lower case, to be searched"),
        sa.Column("kind", plain, nullable=True),
        sa.Column("basis", plain, nullable=True),
        sa.Column("care_provider", plain, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("units", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False, comment="system|code"),
        sa.Column("usable_by", postgresql.ARRAY(sa.Text()), nullable=False, comment="region codes, or * for all"),
        sa.PrimaryKeyConstraint("side", "agreement_id"),
    )
    for key in ("region", "name", "valid_from", "valid_to", "changed_at"):
        # Every sort ends in region and number, so that a page is read from its index in order.
        rest = ["number"] if key == "region" else ["region", "number"]
        op.create_index(f"agreement_listed_{key}", "agreement_listed", ["side", key, *rest])
    for key in ("units", "codes", "usable_by"):
        op.create_index(f"agreement_listed_{key}", "agreement_listed", [key], postgresql_using="gin")
    # Trusted since PostgreSQL 13: whoever owns the database may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(
        "agreement_listed_words",
        "agreement_listed",
        ["words"],
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    # The same words as store.listing, as they were when this migration was written.
    op.execute("""
        INSERT INTO agreement_listed
        SELECT id, side, region, number, shown_state, content->>'name',
          lower((number || ' ' || coalesce(content->>'name', '')) COLLATE "sv-x-icu"),
          content->>'kind', content->>'basis',
          content->'care_provider'->>'hsa_id', (content->>'valid_from')::date, (content->>'valid_to')::date, seen_at,
          ARRAY(SELECT DISTINCT jsonb_array_elements_text(service->'units')
                FROM jsonb_array_elements(content->'services') AS service),
          ARRAY(SELECT DISTINCT (code->>'system') || '|' || (code->>'code')
                FROM jsonb_array_elements(content->'services') AS service,
                jsonb_array_elements(service->'care_services') AS code),
          CASE WHEN content->'use_by_others'->>'use' = 'yes' THEN ARRAY['*'] ELSE ARRAY(
            SELECT jsonb_array_elements_text(content->'commissioning_regions')
            UNION SELECT jsonb_array_elements_text(content->'use_by_others'->'regions')) END
        FROM (
          SELECT id, 'working' AS side, region, number, state AS shown_state, body AS content, changed_at AS seen_at
          FROM agreement
          UNION ALL
          SELECT id, 'public', region, number, public_state, public_body, public_at
          FROM agreement WHERE public_state = 'published'
        ) AS sides
    """)
