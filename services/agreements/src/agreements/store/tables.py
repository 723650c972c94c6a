"""Every table of this service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kit import idempotency, outbox

tables = MetaData()

agreement = Table(
    "agreement",
    tables,
    Column("id", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("way", Text, nullable=False),
    Column("revision", BigInteger),
    Column("sent_digest", Text),
    Column("edited_at", DateTime(timezone=True), nullable=False),
    Column("public_body", JSONB),
    Column("public_state", Text),
    Column("public_version", BigInteger),
    Column("public_at", DateTime(timezone=True)),
    Column("ended_on", Date),
    Column("published_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("region", "number", name="agreement_region_number"),
    Index("agreement_state", "state", "region", "number"),
)

_PLAIN = Text(collation="C")

listed = Table(
    "agreement_listed",
    tables,
    Column("side", _PLAIN, primary_key=True, comment="public or working"),
    Column("agreement_id", _PLAIN, primary_key=True),
    Column("region", _PLAIN, nullable=False),
    Column("number", _PLAIN, nullable=False),
    Column("state", _PLAIN, nullable=False),
    Column("name", Text(collation="sv-x-icu")),
    Column("words", _PLAIN, nullable=False, comment="number and name in lower case, to be searched"),
    Column("kind", _PLAIN),
    Column("basis", _PLAIN),
    Column("care_provider", _PLAIN),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("codes", ARRAY(Text), nullable=False, comment="system|code"),
    Column("usable_by", ARRAY(Text), nullable=False, comment="region codes, or * for all"),
    Index("agreement_listed_region", "side", "region", "number"),
    Index("agreement_listed_name", "side", "name", "region", "number"),
    Index("agreement_listed_valid_from", "side", "valid_from", "region", "number"),
    Index("agreement_listed_valid_to", "side", "valid_to", "region", "number"),
    Index("agreement_listed_changed_at", "side", "changed_at", "region", "number"),
    Index("agreement_listed_units", "units", postgresql_using="gin"),
    Index("agreement_listed_codes", "codes", postgresql_using="gin"),
    Index("agreement_listed_usable_by", "usable_by", postgresql_using="gin"),
    Index("agreement_listed_words", "words", postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}),
)

history = Table(
    "agreement_history",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("agreement_id", Text, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("body", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

refusal = Table(
    "refusal",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("region", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("why", Text, nullable=False),
)

submission = Table(
    "submission",
    tables,
    Column("id", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("name", Text),
    Column("size", BigInteger, nullable=False),
    Column("mapping", JSONB),
    Column("status", Text, nullable=False),
    Column("format", Text),
    Column("rows", Integer),
    Column("rows_done", Integer, nullable=False, server_default="0"),
    Column("agreements_done", Integer, nullable=False, server_default="0"),
    Column("counts", JSONB, nullable=False, server_default="{}"),
    Column("findings", JSONB, nullable=False, server_default="[]"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Index("submission_region", "region", "received_at"),
    Index("submission_waiting", "received_at", postgresql_where=text("finished_at IS NULL")),
)

submission_upload = Table(
    "submission_upload",
    tables,
    Column("submission_id", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

submission_verdict = Table(
    "submission_verdict",
    tables,
    Column("submission_id", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("rows", ARRAY(Integer), nullable=False),
    Column("number", Text),
    Column("verdict", Text, nullable=False),
    Column("agreement_id", Text),
    Column("findings", JSONB, nullable=False),
    Index("submission_verdict_agreement", "agreement_id"),
)

column_mapping = Table(
    "column_mapping",
    tables,
    Column("region", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("mapping", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

known_code = Table(
    "known_code",
    tables,
    Column("key", Text, primary_key=True, comment="system|code"),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

known_unit = Table(
    "known_unit",
    tables,
    Column("hsa_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("care_provider", Text, nullable=False, index=True),
    Column("closed_on", Date),
)

catalogue_copy = Table(
    "catalogue_copy",
    tables,
    Column("name", Text, primary_key=True),
    Column("complete_since", DateTime(timezone=True), nullable=False),
)

region_settings = Table(
    "region_settings",
    tables,
    Column("region", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True, comment="append-only: the highest counts"),
    Column("region_review", Boolean, nullable=False),
    Column("another_person", Boolean, nullable=False),
    Column("notices_to", JSONB, comment="a function's channel and value"),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

draft = Table(
    "agreement_draft",
    tables,
    Column("id", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("author", Text, nullable=False, comment="who saved it last"),
    Column("content", JSONB, nullable=False, comment="any part of an agreement"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("agreement_draft_region", "region", "changed_at"),
)

notice = Table(
    "agreement_notice",
    tables,
    Column("agreement_id", Text, primary_key=True),
    Column("valid_to", Date, primary_key=True, comment="prolonged, it is told anew"),
    Column("days", Integer, primary_key=True, comment="90, 30 or 7 before"),
    Column("region", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("agreement_notice_region", "region", "valid_to"),
)

outbox.table(tables)
idempotency.table(tables)
