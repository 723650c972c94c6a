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
    false,
    text,
    true,
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
    Column("agreement_id", Text, comment="the version that was registered here"),
    Index("refusal_of_registered", "region", "at", postgresql_where=text("agreement_id IS NOT NULL")),
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
    Column("purge_when_marked", Boolean, nullable=False, server_default=true()),
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
    Column("copied_from", Text, comment="the agreement it began as a copy of"),
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

pull_run = Table(
    "pull_run",
    tables,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("region", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("since", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("clock", DateTime(timezone=True), comment="the interface's own, when the reading began"),
    Column("place", Text, comment="address of the next page"),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
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
    Column("nameless", Boolean, nullable=False, server_default=false()),
    Column("suspicious", Boolean, nullable=False, server_default=false()),
    Column("held", Text),
    Column("decision", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_why", Text),
    Index("pull_run_region", "region", "id"),
)

pull_item = Table(
    "pull_item",
    tables,
    Column("run", BigInteger, primary_key=True),
    Column("reference", Text, primary_key=True, comment="the interface's own name of the row"),
    Column("number", Text),
    Column("answer", Text, nullable=False),
    Column("agreement_id", Text),
    Column("reasons", JSONB, nullable=False),
)

pull_met = Table(
    "pull_met",
    tables,
    Column("run", BigInteger, primary_key=True),
    Column("number", Text, primary_key=True),
)

pull_gone = Table(
    "pull_gone",
    tables,
    Column("run", BigInteger, primary_key=True),
    Column("agreement_id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("outcome", Text),
)

pull_page = Table(
    "pull_page",
    tables,
    Column("region", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("following", Text),
    Column("numbers", JSONB, nullable=False),
    Column("run", BigInteger, nullable=False),
)

disclosure = Table(
    "disclosure",
    tables,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("regions", JSONB, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="who sent the request"),
    Column("region", Text, comment="for whom: only its own people may fetch it; none: the agency"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("made_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("counts", JSONB),
    Column("digest", Text),
    Column("size", BigInteger),
    Column("failure", Text, comment="why it could not be made, in words for whoever asked"),
    Index("disclosure_state", "state", "created_at"),
)

disclosure_part = Table(
    "disclosure_part",
    tables,
    Column("disclosure", Text, primary_key=True),
    Column("part", BigInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

disclosure_decision = Table(
    "disclosure_decision",
    tables,
    Column("disclosure", Text, primary_key=True),
    Column("agreement_id", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("decision", Text),
    Column("masked", JSONB, nullable=False, server_default="[]"),
    Column("reason", Text),
    Column("legal_ground", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("side", Text, comment="who decided: the region's code, or agency"),
)

disclosure_decided = Table(
    "disclosure_decided",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("disclosure", Text, nullable=False),
    Column("agreement_id", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("masked", JSONB, nullable=False),
    Column("reason", Text),
    Column("legal_ground", Text),
    Column("actor", Text, nullable=False),
    Index("disclosure_decided_of", "disclosure", "agreement_id"),
    comment="every decision of a secrecy check, only ever added; a purge takes its agreement's",
)

disclosure_key = Table(
    "disclosure_key",
    tables,
    Column("id", Text, primary_key=True, comment="fingerprint of the public key"),
    Column("public_key", Text, nullable=False, comment="PEM"),
    Column("since", DateTime(timezone=True), nullable=False),
)

disclosure_audit = Table(
    "disclosure_audit",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("disclosure", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("regions", JSONB, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("counts", JSONB),
    Column("digest", Text),
    comment="append-only: a trigger refuses everything else",
)

outbox.table(tables)
idempotency.table(tables)
