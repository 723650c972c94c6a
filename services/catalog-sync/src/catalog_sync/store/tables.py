"""The tables of catalog-sync."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Integer, MetaData, Table, Text
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
