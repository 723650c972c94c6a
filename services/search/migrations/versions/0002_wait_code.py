"""Waits are found by their code too: a new map leads them to other offers."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f("ix_wait_code_key"), "wait", ["code_key"], unique=False)
