"""What the public sees stands apart from what is worked on; how the content came in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what has been published until now is public as it stands."""
    op.add_column("agreement", sa.Column("way", sa.Text(), server_default="form", nullable=False))
    op.alter_column("agreement", "way", server_default=None)
    op.add_column("agreement", sa.Column("revision", sa.BigInteger()))
    op.add_column("agreement", sa.Column("sent_digest", sa.Text()))
    op.add_column("agreement", sa.Column("edited_at", sa.DateTime(timezone=True)))
    op.add_column("agreement", sa.Column("public_body", postgresql.JSONB()))
    op.add_column("agreement", sa.Column("public_state", sa.Text()))
    op.add_column("agreement", sa.Column("public_version", sa.BigInteger()))
    op.add_column("agreement", sa.Column("public_at", sa.DateTime(timezone=True)))
    op.add_column("agreement", sa.Column("ended_on", sa.Date()))
    # The form has grown: what is not there says nothing.
    op.execute("""
        UPDATE agreement SET body = jsonb_build_object('leading_region', NULL, 'internal_note', NULL) || body
          || jsonb_build_object(
            'use_by_others',
            '{"price": null, "invoiced_by": null, "volume_left": null}'::jsonb || (body->'use_by_others'),
            'services', (
              SELECT jsonb_agg(service || jsonb_build_object(
                'conditions', '{"self_referral_how": null}'::jsonb || (service->'conditions')) ORDER BY place)
              FROM jsonb_array_elements(body->'services') WITH ORDINALITY AS listed(service, place)))
    """)
    op.execute("UPDATE agreement SET edited_at = changed_at")
    op.execute("""
        UPDATE agreement SET public_body = body, public_state = state, public_version = version, public_at = changed_at,
          ended_on = CASE WHEN state <> 'published' THEN (changed_at AT TIME ZONE 'Europe/Stockholm')::date END
        WHERE published_at IS NOT NULL
    """)
    op.alter_column("agreement", "edited_at", nullable=False)
