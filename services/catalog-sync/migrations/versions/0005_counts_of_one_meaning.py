"""What a run changed is told without what was new: the list, one run and the log say the same."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New things were counted among the changed ones until now."""
    op.execute("UPDATE run SET changed = greatest(changed - new, 0)")
    op.alter_column("run", "changed", existing_type=sa.Integer(), comment="new ones not among them")
