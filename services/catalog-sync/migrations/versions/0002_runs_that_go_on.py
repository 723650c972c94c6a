"""Runs that go on after a crash and can be held: a mirror of the source, proposals, the list of rejected rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FINAL = "content ->> 'status' IN ('closed', 'ended', 'retired')"


def upgrade() -> None:
    """What is known stays; the rows that old runs rejected are found anew by the first run."""
    op.add_column("fact", sa.Column("reference", sa.Text(), comment="the row in the source that tells of it"))
    op.execute(
        f"UPDATE fact SET reference = coalesce(content #>> '{{source,reference}}', key), ended = ended OR {_FINAL}"
    )
    op.alter_column("fact", "reference", nullable=False)
    op.alter_column("fact", "ended", comment="its status is final")
    op.create_index("fact_reference", "fact", ["reference"])
    op.drop_column("run", "rejected")
    op.add_column("run", sa.Column("state", sa.Text()))
    op.execute("UPDATE run SET state = CASE WHEN held IS NULL THEN 'done' ELSE 'superseded' END")
    op.alter_column("run", "state", nullable=False)
    op.add_column(
        "run",
        sa.Column(
            "whole",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("true"),
            comment="false: only what has changed since an earlier one",
        ),
    )
    op.alter_column("run", "whole", server_default=None)
    op.add_column("run", sa.Column("started_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE run SET started_at = finished_at")
    op.alter_column("run", "started_at", nullable=False)
    op.alter_column("run", "finished_at", nullable=True)
    op.alter_column("run", "held", comment="why an operator is asked", existing_comment="why nothing was changed")
    op.alter_column("run", "read", server_default=sa.text("0"))
    op.alter_column("run", "ended", server_default=sa.text("0"))
    op.alter_column("run", "changed", server_default=sa.text("0"), comment="new ones among them")
    for column in (
        sa.Column("since", sa.DateTime(timezone=True), comment="what a part was asked for: changed then or later"),
        sa.Column("clock", sa.DateTime(timezone=True), comment="the source's own clock when the reading began"),
        sa.Column("read_at", sa.DateTime(timezone=True), comment="when everything asked for had been read"),
        sa.Column("place", postgresql.JSONB(), comment="resource type and address of the page to go on with"),
        sa.Column("nameless", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("new", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column(
            "stale",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="changed meanwhile, so left as they are",
        ),
        sa.Column("rejected", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("decision", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_why", sa.Text()),
    ):
        op.add_column("run", column)
    op.create_index("run_source", "run", ["source", "id"])
    op.create_table(
        "proposed",
        sa.Column("run", sa.BigInteger(), sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("act", sa.Text(), nullable=False, comment="new, changed, ended"),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), comment="fingerprint of what it was compared with; null: unknown until then"),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("before", postgresql.JSONB(), comment="what it was compared with"),
        sa.Column("outcome", sa.Text(), comment="null: not applied; applied, or stale"),
    )
    op.create_table(
        "rejected",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False, comment="the latest run that met it"),
    )
    op.create_table(
        "resource",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("reference", sa.Text(), primary_key=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSON(), nullable=False, comment="without anybody's personal number"),
        sa.Column("refers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.create_table(
        "pointing",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), primary_key=True, comment="what is pointed to; it need not be there"),
        sa.Column("type", sa.Text(), primary_key=True, comment="of the row that points"),
        sa.Column("reference", sa.Text(), primary_key=True, comment="the row that points"),
    )
    op.create_table(
        "touched",
        sa.Column("run", sa.BigInteger(), sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("reference", sa.Text(), primary_key=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "beside",
            sa.Text(),
            nullable=False,
            comment="what it points to first: rows of one unit are looked at together",
        ),
    )
    op.create_index("touched_order", "touched", ["run", "type", "beside", "reference"])
    op.create_table(
        "page",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("address", sa.Text(), primary_key=True),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("following", sa.Text()),
        sa.Column("holds", postgresql.ARRAY(sa.Text()), nullable=False, comment="the rows on it"),
        sa.Column("run", sa.BigInteger(), nullable=False, comment="the latest run that met it"),
    )
    # Nothing is ever looked up by what it holds, and sampling it made up most of the work of refreshing statistics.
    for table, column in (
        ("resource", "content"),
        ("proposed", "content"),
        ("proposed", "before"),
        ("fact", "content"),
    ):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
