"""Other words of codes: an operator's care area lends its lay words to its codes, and search finds by them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Codes told before are known without them until `rebuild --from topics`, or until they change."""
    op.add_column(
        "code",
        sa.Column(
            "designations",
            postgresql.JSON(),
            nullable=False,
            server_default=sa.text("'[]'"),
            comment="other words for it, lay words",
        ),
    )
