"""What is pulled from regions' own interfaces, and what is disclosed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; what the audit of disclosures holds is never changed."""
    op.create_table(
        "pull_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("clock", sa.DateTime(timezone=True), comment="the interface's own, when the reading began"),
        sa.Column("place", sa.Text(), comment="address of the next page"),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            for name in (
                "pages",
                "bytes",
                "read",
                "accepted",
                "unchanged",
                "conflict",
                "rejected",
                "passed",
                "gone",
                "ended",
            )
        ),
        sa.Column("nameless", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("suspicious", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("held", sa.Text()),
        sa.Column("decision", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_why", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pull_run_region", "pull_run", ["region", "id"])
    op.create_table(
        "pull_item",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="the interface's own name of the row"),
        sa.Column("number", sa.Text()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text()),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("run", "reference"),
    )
    op.create_table(
        "pull_met",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "number"),
    )
    op.create_table(
        "pull_gone",
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("run", "agreement_id"),
    )
    op.create_table(
        "pull_page",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("following", sa.Text()),
        sa.Column("numbers", postgresql.JSONB(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "address"),
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="who sent the request"),
        sa.Column("region", sa.Text(), comment="for whom: only its own people may fetch it; none: the agency"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("counts", postgresql.JSONB()),
        sa.Column("digest", sa.Text()),
        sa.Column("size", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("disclosure_state", "disclosure", ["state", "created_at"])
    op.create_table(
        "disclosure_part",
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("disclosure", "part"),
    )
    op.create_table(
        "disclosure_decision",
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("masked", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("reason", sa.Text()),
        sa.Column("legal_ground", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("disclosure", "agreement_id"),
    )
    op.create_table(
        "disclosure_key",
        sa.Column("id", sa.Text(), nullable=False, comment="fingerprint of the public key"),
        sa.Column("public_key", sa.Text(), nullable=False, comment="PEM"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "disclosure_audit",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB()),
        sa.Column("digest", sa.Text()),
        sa.PrimaryKeyConstraint("seq"),
        comment="append-only: a trigger refuses everything else",
    )
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME; END $$
    """)
    op.execute("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON disclosure_audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
