"""Agreements that became confidential: which, and from which revision on no document shows anything of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "purged_agreement",
        sa.Column("id", sa.Text(collation="C"), primary_key=True),
        sa.Column(
            "revision", sa.BigInteger(), nullable=False, comment="an index that has come this far shows nothing of it"
        ),
        comment="agreements that became confidential",
    )
