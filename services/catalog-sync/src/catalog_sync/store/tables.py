"""The tables of catalog-sync."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from kit import outbox

tables = MetaData()

fact = Table(
    "fact",
    tables,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("content", JSONB, nullable=False),
    # Whoever keeps the codes in memory asks every second whether any has changed.
    Index("fact_kind_version", "kind", "version"),
)

run = Table(
    "run",
    tables,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("read", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("held", Text, comment="why nothing was changed"),
    Column("rejected", JSONB, nullable=False),
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
