"""The tables. Plain SQL types only: the same on SQLite and PostgreSQL.

A result row (`transcription`, `attribution`, `audit`) carries the number of the run that made it; rows are never
updated. `document` is the noun as JSON, the same bytes that stand in the bucket.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _recording_id(**options: bool) -> sa.Column[str]:
    return sa.Column(
        "recording_id",
        sa.String(12),
        sa.ForeignKey("recording.id", ondelete="CASCADE"),
        nullable=False,
        **options,  # type: ignore[arg-type]  # Column's keyword overloads know no Mapping
    )


source = sa.Table(
    "source",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    # No foreign key: a source outlives its recording, so that a redelivery is recognised for ever.
    sa.Column("recording_id", sa.String(12), nullable=False, index=True),
    sa.Column("seen_at", sa.String(32), nullable=False),
    sa.Column("forgotten_at", sa.String(32)),
)

recording = sa.Table(
    "recording",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("source_key", sa.Text, nullable=False, unique=True),
    sa.Column("received_at", sa.String(32), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("blob_key", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("media", sa.Text, nullable=False),
    # Set while `forget` removes what belongs to it: hidden from every read, erased at the end.
    sa.Column("forgotten_at", sa.String(32)),
)

details = sa.Table(
    "details",
    metadata,
    _recording_id(primary_key=True),
    *(
        sa.Column(name, sa.Text)
        for name in (
            "scenario",
            "number",
            "date",
            "employee",
            "client",
            "place",
            "building",
            "zone",
            "city",
            "language",
        )
    ),
    sa.Column("speakers", sa.Integer),
)

transcription = sa.Table(
    "transcription",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _recording_id(),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("saved_at", sa.String(32), nullable=False),
    sa.UniqueConstraint("recording_id", "number"),
)

attribution = sa.Table(
    "attribution",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _recording_id(),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("transcription_number", sa.Integer, nullable=False),
    sa.Column("diarizer", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("saved_at", sa.String(32), nullable=False),
    sa.UniqueConstraint("recording_id", "number"),
)

speaker = sa.Table(
    "speaker",
    metadata,
    sa.Column(
        "attribution_id",
        sa.Integer,
        sa.ForeignKey("attribution.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=True,
    ),
    sa.Column("label", sa.String(32), nullable=False, primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _recording_id(),
    sa.Column(
        "transcription_id",
        sa.Integer,
        sa.ForeignKey("transcription.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("template", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("saved_at", sa.String(32), nullable=False),
    sa.UniqueConstraint("recording_id", "template", "number"),
)

run = sa.Table(
    "run",
    metadata,
    _recording_id(primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("start", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("failed_stage", sa.String(16)),
    sa.Column("failed_code", sa.String(64)),
    sa.Column("failed_reason", sa.Text),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
    # The one that may write on it: who claimed it last.
    sa.Column("worker", sa.String(36)),
    # What it waits for outside: all four or none.
    sa.Column("waiting_code", sa.String(64)),
    sa.Column("waiting_reason", sa.Text),
    sa.Column("waiting_since", sa.String(32)),
    sa.Column("waiting_until", sa.String(32)),
)

stage = sa.Table(
    "stage",
    metadata,
    _recording_id(primary_key=True),
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("stage", sa.String(16), primary_key=True),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("worker", sa.String(36), primary_key=True),
    # Seconds since 1970 by the database's clock.
    sa.Column("until", sa.Float, nullable=False),
)

switch = sa.Table(
    "switch",
    metadata,
    # Standing here is being switched on.
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("since", sa.String(32), nullable=False),
)

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    # When the next turn is, and when that was told: seconds since 1970 by the database's clock.
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("told", sa.Float, nullable=False),
)
