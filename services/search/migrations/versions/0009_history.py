"""What was shown on which days: every document that was, who writes it down, and the indexes it is searched in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")


def upgrade() -> None:
    """The history begins on the day on which every offer there is has been written down."""
    op.create_table(
        "shown_document",
        sa.Column("unit", _KEY, primary_key=True),
        sa.Column("code_key", _KEY, primary_key=True),
        sa.Column(
            "shown_from", sa.Date(), primary_key=True, comment="the first Stockholm day at whose end it was shown"
        ),
        sa.Column("shown_to", sa.Date(), comment="the first day at whose end it was not any more; null: still shown"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="rises with every change of a row"),
        sa.Column("digest", sa.Text(), nullable=False, comment="of the content: the same again is not written"),
        sa.Column("agreements", postgresql.ARRAY(sa.Text()), nullable=False, comment="ids of those it shows"),
        sa.Column("content", postgresql.JSON(), comment="as it was indexed; null: shown at the end of no day"),
        comment="documents of offers as they were shown at the ends of days: from shown_from up to before shown_to",
    )
    op.create_index(
        "shown_document_standing",
        "shown_document",
        ["unit", "code_key"],
        unique=True,
        postgresql_where=sa.text("shown_to IS NULL"),
    )
    op.create_index("shown_document_revision", "shown_document", ["revision"], unique=True)
    # Apart: what still stands must not be looked for among all that does.
    op.create_index(
        "shown_document_ended", "shown_document", ["shown_to"], postgresql_where=sa.text("shown_to IS NOT NULL")
    )
    op.create_index("shown_document_agreements", "shown_document", ["agreements"], postgresql_using="gin")
    op.create_table(
        "historian",
        sa.Column("the_only", sa.Boolean(), primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="with unit and code_key: the last offer seen"),
        sa.Column("unit", _KEY, nullable=False),
        sa.Column("code_key", _KEY, nullable=False),
        sa.Column("since", sa.Date(), comment="the first day that can be asked for; null: none yet"),
        sa.Column(
            "complete_to", sa.DateTime(timezone=True), comment="what was shown until then is written down and findable"
        ),
        sa.Column("purged", sa.BigInteger(), nullable=False, comment="the last purge whose agreement left the rows"),
        sa.Column("cleaned", sa.BigInteger(), nullable=False, comment="the last row that a purge changed"),
        comment="how far the history is; one row",
    )
    op.execute(
        "INSERT INTO historian (the_only, revision, unit, code_key, purged, cleaned) VALUES (true, 0, '', '', 0, 0)"
    )
    op.create_table(
        "history_index",
        sa.Column("name", _KEY, primary_key=True),
        sa.Column(
            "uuid", sa.Text(), nullable=False, comment="the engine's own: another one is another index of that name"
        ),
        sa.Column("shape", sa.Text(), nullable=False, comment="which mapping it was made with"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="the last row that is findable in it"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), comment="when searches were led to it; null: never yet"),
        comment="how far each index of the history has followed the rows",
    )
