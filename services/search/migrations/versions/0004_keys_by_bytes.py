"""Keys are compared byte by byte: another collation costs every look-up, and says nothing of identifiers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEYS = {
    "care_unit": ("hsa_id",),
    "offering": ("unit", "code_key"),
    "agreement": ("id",),
    "wait": ("key", "subject", "code_key"),
    "code": ("key",),
    "code_map": ("source", "target"),
    "line": ("source", "unit", "code_key"),
    "offer": ("unit", "code_key"),
    "followed_index": ("name", "unit", "code_key"),
    "refused_document": ("index_name", "unit", "code_key"),
}


def upgrade() -> None:
    """Indexes on these columns are built anew; one serves both who asks for a code and who asks for a unit's."""
    for index, table in (
        ("line_unit_code", "line"),
        ("line_code", "line"),
        ("wait_subject_code", "wait"),
        ("ix_wait_code_key", "wait"),
    ):
        op.drop_index(index, table)
    for table, columns in _KEYS.items():
        for column in columns:
            op.alter_column(table, column, type_=sa.Text(collation="C"))
    op.create_index("line_code_unit", "line", ["code_key", "unit"])
    op.create_index("wait_code_subject", "wait", ["code_key", "subject"])
