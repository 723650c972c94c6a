"""One row per source thing, the links between them, and the offers they make."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

tables = MetaData()

care_unit = Table(
    "care_unit",
    tables,
    Column("hsa_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSONB, nullable=False),
)

offering = Table(
    "offering",
    tables,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSONB, nullable=False),
)

agreement = Table(
    "agreement",
    tables,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSONB, nullable=False),
)

wait = Table(
    "wait",
    tables,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("code_key", Text, nullable=False, index=True),
    Column("content", JSONB, nullable=False),
)

code = Table(
    "code",
    tables,
    Column("key", Text, primary_key=True, comment="system|code"),
    Column("version", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("place", JSONB),
)

code_map = Table(
    "code_map",
    tables,
    Column("source", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("equivalence", Text, nullable=False),
    Column("map", Text, nullable=False),
    Index("code_map_target", "target"),
)

line = Table(
    "line",
    tables,
    Column("kind", Text, primary_key=True, comment="offering or agreement"),
    Column("source", Text, primary_key=True, comment="its key"),
    Column("unit", Text, primary_key=True),
    Column("code_key", Text, primary_key=True),
    Index("line_unit", "unit"),
    Index("line_code", "code_key"),
    comment="which unit and code each offering and agreement is about",
)

offer = Table(
    "offer",
    tables,
    Column("id", Text, primary_key=True, comment="HSA-id|system|code"),
    Column("unit", Text, nullable=False, index=True),
    Column("code_key", Text, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
    Column("indexed", BigInteger, nullable=False, comment="the revision the index holds"),
    Column("fault", Text, comment="why the index refused it"),
    Index("offer_dirty", "revision", postgresql_where="revision <> indexed"),
    comment="every offer there is or was; those with revision <> indexed are to be indexed",
)
