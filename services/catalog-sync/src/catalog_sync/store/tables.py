"""The tables of catalog-sync."""

from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    any_,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from kit import outbox

tables = MetaData()


def one_of(column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """The column holds one of the values: one parameter, however many there are."""
    return column == any_(literal(list(values), ARRAY(Text)))


fact = Table(
    "fact",
    tables,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("ended", Boolean, nullable=False, comment="its status is final"),
    Column("reference", Text, nullable=False, comment="the row in the source that tells of it"),
    Column("content", JSONB, nullable=False),
    # Whoever keeps the codes in memory asks every second whether any has changed.
    Index("fact_kind_version", "kind", "version"),
    Index("fact_reference", "reference"),
)

run = Table(
    "run",
    tables,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("whole", Boolean, nullable=False, comment="false: only what has changed since an earlier one"),
    Column("since", DateTime(timezone=True), comment="what a part was asked for: changed then or later"),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("clock", DateTime(timezone=True), comment="the source's own clock when the reading began"),
    Column("read_at", DateTime(timezone=True), comment="when everything asked for had been read"),
    Column("finished_at", DateTime(timezone=True)),
    Column("place", JSONB, comment="resource type and address of the page to go on with"),
    Column("nameless", Boolean, nullable=False, server_default=text("false")),
    Column("read", Integer, nullable=False, server_default=text("0")),
    Column("new", Integer, nullable=False, server_default=text("0")),
    Column("changed", Integer, nullable=False, server_default=text("0"), comment="new ones not among them"),
    Column("ended", Integer, nullable=False, server_default=text("0")),
    Column(
        "stale", Integer, nullable=False, server_default=text("0"), comment="changed meanwhile, so left as they are"
    ),
    Column("rejected", Integer, nullable=False, server_default=text("0")),
    Column(
        "left_out", JSONB, nullable=False, server_default=text("'{}'"), comment="rows by the rule, which is no fault"
    ),
    Column("noted", JSONB, nullable=False, server_default=text("'{}'"), comment="rows by what was mended in them"),
    Column("held", Text, comment="why an operator is asked"),
    Column("decision", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_why", Text),
    Index("run_source", "source", "id"),
)

proposed = Table(
    "proposed",
    tables,
    Column("run", BigInteger, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("act", Text, nullable=False, comment="new, changed, ended"),
    Column("reference", Text, nullable=False),
    Column("base", Text, comment="fingerprint of what it was compared with; null: unknown until then"),
    Column("fingerprint", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("before", JSONB, comment="what it was compared with"),
    Column("outcome", Text, comment="null: not applied; applied, or stale"),
)

rejected = Table(
    "rejected",
    tables,
    Column("source", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    Column("run", BigInteger, nullable=False, comment="the latest run that met it"),
)

resource = Table(
    "resource",
    tables,
    Column("source", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("content", JSON, nullable=False, comment="without anybody's personal number"),
    Column("refers", ARRAY(Text), nullable=False),
    Column("gone", Boolean, nullable=False, server_default=text("false")),
)

pointing = Table(
    "pointing",
    tables,
    Column("source", Text, primary_key=True),
    Column("target", Text, primary_key=True, comment="what is pointed to; it need not be there"),
    Column("type", Text, primary_key=True, comment="of the row that points"),
    Column("reference", Text, primary_key=True, comment="the row that points"),
)

touched = Table(
    "touched",
    tables,
    Column("run", BigInteger, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("beside", Text, nullable=False, comment="what it points to first: rows of one unit are looked at together"),
    Index("touched_order", "run", "type", "beside", "reference"),
)

page = Table(
    "page",
    tables,
    Column("source", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("following", Text),
    Column("holds", ARRAY(Text), nullable=False, comment="the rows on it"),
    Column("run", BigInteger, nullable=False, comment="the latest run that met it"),
)

outbox.table(tables)

region_profile = Table(
    "region_profile",
    tables,
    Column("region", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

region_profile_history = Table(
    "region_profile_history",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("region", Text, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
