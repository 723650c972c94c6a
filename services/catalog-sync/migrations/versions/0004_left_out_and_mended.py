"""Runs tell how many rows a rule left out, and how many were mended, by rule and by repair."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs before this have told neither."""
    for name, comment in (
        ("left_out", "rows by the rule, which is no fault"),
        ("noted", "rows by what was mended in them"),
    ):
        column = sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'"), comment=comment)
        op.add_column("run", column)
