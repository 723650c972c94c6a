"""One row per source thing, the links between them, the offers they make, and how far each index has followed."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

tables = MetaData()

# Compared byte by byte: any other collation costs every look-up in an index.
_Key = Text(collation="C")

care_unit = Table(
    "care_unit",
    tables,
    Column("hsa_id", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
)

offering = Table(
    "offering",
    tables,
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    # No statement looks into it: kept as text it is neither taken apart nor put together again.
    Column("content", JSON, nullable=False),
)

agreement = Table(
    "agreement",
    tables,
    Column("id", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
)

purged_agreement = Table(
    "purged_agreement",
    tables,
    Column("id", _Key, primary_key=True),
    Column("revision", BigInteger, nullable=False, comment="an index that has come this far shows nothing of it"),
    comment="agreements that became confidential",
)

announcement = Table(
    "announcement",
    tables,
    Column("id", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
)

wait = Table(
    "wait",
    tables,
    Column("key", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("subject", _Key, nullable=False),
    Column("code_key", _Key, nullable=False),
    Column("content", JSONB, nullable=False),
    Index("wait_code_subject", "code_key", "subject"),
)

region_profile = Table(
    "region_profile",
    tables,
    Column("region", _Key, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
    comment="what regions tell of brokering; in no document, answers look it up",
)

code = Table(
    "code",
    tables,
    Column("key", _Key, primary_key=True, comment="system|code"),
    Column("version", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("designations", JSON, nullable=False, server_default=text("'[]'"), comment="other words for it, lay words"),
    Column("place", JSONB),
)

code_map = Table(
    "code_map",
    tables,
    Column("source", _Key, primary_key=True),
    Column("target", _Key, primary_key=True),
    Column("equivalence", Text, nullable=False),
    Column("map", Text, nullable=False),
    Index("code_map_target", "target"),
)

line = Table(
    "line",
    tables,
    Column("source", _Key, primary_key=True, comment="the agreement's id"),
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Index("line_code_unit", "code_key", "unit"),
    comment="which units and codes each agreement is about",
)

announcement_line = Table(
    "announcement_line",
    tables,
    Column("source", _Key, primary_key=True, comment="the announcement's id"),
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Index("announcement_line_code_unit", "code_key", "unit"),
    comment="which unit and codes each open offer of capacity is about",
)

# Few indexes on purpose: every touch of an offer writes to each of them.
offer = Table(
    "offer",
    tables,
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Column(
        "revision", BigInteger, nullable=False, comment="rises with every change of what its document is built from"
    ),
    Index("offer_revision", "revision", "unit", "code_key"),
    comment="every offer there is or was",
)

followed_index = Table(
    "followed_index",
    tables,
    Column("name", _Key, primary_key=True),
    Column("uuid", Text, nullable=False, comment="the engine's own: another one is another index of that name"),
    Column("shape", Text, nullable=False, comment="which mapping it was made with"),
    Column("revision", BigInteger, nullable=False, comment="with unit and code_key: the last offer it has"),
    Column("unit", _Key, nullable=False),
    Column("code_key", _Key, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("searched_at", DateTime(timezone=True), comment="when searches were led to it; null: never yet"),
    comment="how far each index has followed the offers",
)

refused_document = Table(
    "refused_document",
    tables,
    Column("index_name", _Key, primary_key=True),
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    comment="offers an index does not show as they are, and why; gone when a later revision succeeds",
)

shown_document = Table(
    "shown_document",
    tables,
    Column("unit", _Key, primary_key=True),
    Column("code_key", _Key, primary_key=True),
    Column("shown_from", Date, primary_key=True, comment="the first Stockholm day at whose end it was shown"),
    Column("shown_to", Date, comment="the first day at whose end it was not any more; null: still shown"),
    Column("revision", BigInteger, nullable=False, comment="rises with every change of a row"),
    Column("digest", Text, nullable=False, comment="of the content: the same again is not written"),
    Column("agreements", ARRAY(Text), nullable=False, comment="ids of those it shows"),
    Column("content", JSON, comment="as it was indexed; null: shown at the end of no day"),
    Index("shown_document_standing", "unit", "code_key", unique=True, postgresql_where=text("shown_to IS NULL")),
    Index("shown_document_revision", "revision", unique=True),
    Index("shown_document_ended", "shown_to", postgresql_where=text("shown_to IS NOT NULL")),
    Index("shown_document_agreements", "agreements", postgresql_using="gin"),
    comment="documents of offers as they were shown at the ends of days: from shown_from up to before shown_to",
)

historian = Table(
    "historian",
    tables,
    Column("the_only", Boolean, primary_key=True),
    Column("revision", BigInteger, nullable=False, comment="with unit and code_key: the last offer seen"),
    Column("unit", _Key, nullable=False),
    Column("code_key", _Key, nullable=False),
    Column("since", Date, comment="the first day that can be asked for; null: none yet"),
    Column("complete_to", DateTime(timezone=True), comment="what was shown until then is written down and findable"),
    Column("purged", BigInteger, nullable=False, comment="the last purge whose agreement left the rows"),
    Column("cleaned", BigInteger, nullable=False, comment="the last row that a purge changed"),
    comment="how far the history is; one row",
)

history_index = Table(
    "history_index",
    tables,
    Column("name", _Key, primary_key=True),
    Column("uuid", Text, nullable=False, comment="the engine's own: another one is another index of that name"),
    Column("shape", Text, nullable=False, comment="which mapping it was made with"),
    Column("revision", BigInteger, nullable=False, comment="the last row that is findable in it"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("searched_at", DateTime(timezone=True), comment="when searches were led to it; null: never yet"),
    comment="how far each index of the history has followed the rows",
)
