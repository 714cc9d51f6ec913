"""LancePassageIndex: a LanceDB table in a local directory.

What is promised, and how it is kept:

- All or none: an upsert, a replacement with fewer passages and a delete are one Lance commit each, and a search reads
  both its rankings from one version of the table. A killed writer leaves the version before or the version after.
- Durable: Lance itself never syncs a local file (measured), so every file a write made is synced here before the call
  returns. Power lost in the middle of a write can still leave a damaged table, which says INDEX_UNAVAILABLE and is
  built again from the archive.
- Several processes may read and write at once: Lance rebases writers, and the declared primary key keeps two upserts
  of one new recording from doubling it. Hits are deduplicated by id all the same.
- The same passages are found in the same order, whatever the history of the table: a table built again answers alike.
  BM25 counts what the words index knows, so that is brought up to date before a search, where something was written
  since; equal scores share a rank, and none of them is cut off. From 20,000 rows on, an index of vectors finds
  nearly the same ones only.
- No word of a question ever reaches a filter: filters hold recording ids of a fixed alphabet and nothing else.

LanceDB takes 2 s and 130 MB to import, so it is imported when the table is first touched.
"""

import contextlib
import hashlib
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from voxpersona.adapters.index.files import create_whole, drop, identity, sync_new
from voxpersona.adapters.index.fusion import Stem, check_passages, check_question, checked_recording, fused
from voxpersona.errors import Code, Unavailable
from voxpersona.model import Hit, Passage, RecordingId
from voxpersona.ports import Floats

_log = logging.getLogger("voxpersona.index")

_LEAST_CANDIDATES = 40
_ROWS_FOR_VECTOR_INDEX = 20_000
_COMMITS_BETWEEN_TIDYING = 50
_TIDYING_ATTEMPTS = 5
_KEEP_VERSIONS = timedelta(hours=1)  # readers in other processes may still stand on an older version
_INDEX_CACHE_BYTES = 256 << 20
_METADATA_CACHE_BYTES = 64 << 20
_PANIC = "RustPanic"
_PLACE = "_place"
_DECIMALS = 5
"""Of scores that are compared: what differs less came of another order of adding up."""

_COLUMNS = ["id", "rec", "start", "end", "speaker", "role", "text", "language"]


class LancePassageIndex:
    """Passages, their stems and vectors in one table, which is named for everything that shapes it.

    `embedder_name`, `dimensions` and `version` (of how passages and stems are cut) are part of the table's name: after
    a change of one of them the index is empty until it is built again, and never mixes two kinds of vectors.
    `stem` cuts passages and questions into stems. One call at a time per instance; others wait.
    Unavailable INDEX_UNAVAILABLE with `remedy` where the table is damaged or the disk refuses.
    """

    def __init__(self, directory: Path, *, embedder_name: str, dimensions: int, stem: Stem, version: int = 1) -> None:
        readable = re.sub(r"[^A-Za-z0-9]+", "-", embedder_name).strip("-")[:40]
        digest = hashlib.sha256(embedder_name.encode()).hexdigest()[:8]
        self._directory = directory
        self._name = f"passages-{readable}-{digest}-{dimensions}-v{version}"
        self._dimensions = dimensions
        self._stem = stem
        self._lock = threading.RLock()
        self._table: Any = None
        self._identity = ""
        self._synced: set[Path] = set()
        self._tidied = ("", -1)
        """The table, by its identity, and its version whose indexes are known to be up to date."""

    def upsert(self, recording: RecordingId, passages: Sequence[Passage], vectors: Floats) -> None:
        """Make these the recording's passages in one commit, on disk when it returns."""
        check_passages(recording, passages, vectors, self._dimensions)
        if not passages:
            self.delete(recording)
            return
        with self._lock, _turned():
            table = self._opened_for_writing()
            before = table.version
            written = {passage.id for passage in passages}
            merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            if self._ids_of(table, recording) - written:  # reads the whole table, so only where there is a tail
                merge = merge.when_not_matched_by_source_delete(_only([recording]))
            merge.execute(self._rows(passages, vectors))
            self._synced_and_tidied(table, before)

    def delete(self, recording: RecordingId) -> None:
        """Forget the recording's passages in one commit, on disk when it returns."""
        expression = _only([recording])
        with self._lock, _turned():
            table = self._opened()
            if table is None or table.count_rows(expression) == 0:
                return
            before = table.version
            table.delete(expression)
            self._synced_and_tidied(table, before)

    def search(
        self, question: str, vector: Floats, *, limit: int, recordings: Sequence[RecordingId] | None = None
    ) -> Sequence[Hit]:
        """The best passages by cosine and by BM25 over stems, fused by rank; both read one version of the table."""
        check_question(vector, self._dimensions)
        expression = None if recordings is None else _only(recordings)
        if limit < 1 or (recordings is not None and not recordings):
            return []
        with self._lock, _turned():
            table = self._opened()
            if table is None:
                return []
            self._bring_up_to_date(table)
            depth = max(limit, _LEAST_CANDIDATES)
            found = [_by_meaning(table, vector, expression, depth)]
            stems = " ".join(self._stem(question))
            if stems:
                found.append(_by_words(table, stems, expression, depth))
        rows = {row["id"]: row for ranking in found for row in ranking}
        best = fused(*({row["id"]: row[_PLACE] for row in ranking} for ranking in found))[:limit]
        return [Hit(passage=_passage(rows[identity]), score=score) for identity, score in best]

    def counts(self) -> Mapping[RecordingId, int]:
        """How many passages of each recording are indexed."""
        with self._lock, _turned():
            table = self._opened()
            if table is None:
                return {}
            rows = table.search().select(["id", "rec"]).to_arrow().to_pylist()
        return dict(Counter(RecordingId(recording) for _, recording in {(row["id"], row["rec"]) for row in rows}))

    def clear(self) -> None:
        """Drop every table in the directory, whatever its state and whichever embedder it was for."""
        with self._lock:
            self._table = None
            self._synced.clear()
            try:
                drop(self._directory)
            except OSError as error:
                raise Unavailable(Code.INDEX_UNAVAILABLE, "the passage index cannot be dropped") from error

    @property
    def _path(self) -> Path:
        return self._directory / f"{self._name}.lance"

    def _opened(self) -> Any:
        """The table at its latest version, or None where nothing was ever written: then nothing is imported either."""
        if not self._path.is_dir():
            self._table = None
            return None
        found = identity(self._path)
        if found != self._identity:  # another process dropped the table and built a new one: nothing cached holds
            self._table = None
            self._synced.clear()
        if self._table is None:
            self._table = _connected(self._directory).open_table(self._name)
            self._identity = found
        self._table.checkout_latest()
        return self._table

    def _opened_for_writing(self) -> Any:
        if not self._path.is_dir():
            create_whole(self._path, lambda parent: _create(parent, self._name, self._dimensions))
        return self._opened()

    def _ids_of(self, table: Any, recording: RecordingId) -> set[str]:
        rows = table.search().where(_only([recording])).select(["id"]).to_arrow()
        return set(rows["id"].to_pylist())

    def _rows(self, passages: Sequence[Passage], vectors: Floats) -> Any:
        import pyarrow as pa

        vector_column = pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.astype("float32").reshape(-1)), self._dimensions
        )
        columns: dict[str, Any] = {
            "id": [passage.id for passage in passages],
            "rec": [passage.recording for passage in passages],
            "start": [passage.start for passage in passages],
            "end": [passage.end for passage in passages],
            "speaker": [passage.speaker for passage in passages],
            "role": [passage.role for passage in passages],
            "text": [passage.text for passage in passages],
            "language": [passage.language for passage in passages],
            "stems": [" ".join(self._stem(passage.text)) for passage in passages],
            "vector": vector_column,
        }
        return pa.table(columns, schema=_schema(self._dimensions))

    def _bring_up_to_date(self, table: Any) -> None:
        """Before a search: tidy, where something was written since. On a disk that takes nothing it is left undone."""
        if (self._identity, table.version) == self._tidied:
            return
        try:
            _tidy(table)
            sync_new(self._path, self._synced)
        except OSError as error:
            _log.warning("the passage index could not be tidied: %s", error)
        self._tidied = (self._identity, table.version)

    def _synced_and_tidied(self, table: Any, before: int) -> None:
        """Put the write on disk; every so many commits, whoever made them, compact the table and its indexes."""
        sync_new(self._path, self._synced)
        if table.version // _COMMITS_BETWEEN_TIDYING > before // _COMMITS_BETWEEN_TIDYING:
            _tidy(table)
            sync_new(self._path, self._synced)


def _only(recordings: Sequence[RecordingId]) -> str:
    """The one kind of filter there is."""
    return "rec IN ({})".format(", ".join(f"'{checked_recording(recording)}'" for recording in recordings))


def _connected(directory: Path) -> Any:
    import lancedb

    # Unbounded, the caches grew by 420 MB in 1,000 upserts.
    session = lancedb.Session(
        index_cache_size_bytes=_INDEX_CACHE_BYTES, metadata_cache_size_bytes=_METADATA_CACHE_BYTES
    )
    return lancedb.connect(directory, session=session)


def _schema(dimensions: int) -> Any:
    import pyarrow as pa

    key = {"lance-schema:unenforced-primary-key": "true"}
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False, metadata=key),
            pa.field("rec", pa.string(), nullable=False),
            pa.field("start", pa.float64()),
            pa.field("end", pa.float64()),
            pa.field("speaker", pa.string()),
            pa.field("role", pa.string()),
            pa.field("text", pa.string()),
            pa.field("language", pa.string()),
            pa.field("stems", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _create(directory: Path, name: str, dimensions: int) -> None:
    """An empty table with its indexes."""
    from lancedb.index import FTS, BTree

    table = _connected(directory).create_table(name, schema=_schema(dimensions))
    for column in ("id", "rec"):
        table.create_index(column, config=BTree())
    # The column holds stems already, of two languages; Lance would stem one.
    words = FTS(base_tokenizer="whitespace", stem=False, remove_stop_words=False, ascii_folding=False)
    table.create_index("stems", config=words)


def _by_meaning(table: Any, vector: Floats, expression: str | None, depth: int) -> list[dict[str, Any]]:
    def search() -> Any:
        return table.search(vector, vector_column_name="vector").distance_type("cosine")

    return _best(search, expression, depth, "_distance", better=-1)


def _by_words(table: Any, stems: str, expression: str | None, depth: int) -> list[dict[str, Any]]:
    def search() -> Any:
        return table.search(stems, query_type="fts", fts_columns="stems")

    return _best(search, expression, depth, "_score", better=1)


def _best(
    search: Callable[[], Any], expression: str | None, depth: int, column: str, *, better: int
) -> list[dict[str, Any]]:
    """The `depth` best rows, and those that are as good as the last of them, each with how good it is as `_PLACE`.
    `better` is 1 where more of the column is better, and -1 where less is."""
    wanted = depth
    while True:
        wanted *= 2
        asked = search() if expression is None else search().where(expression, prefilter=True)
        rows: list[dict[str, Any]] = asked.select([*_COLUMNS, column]).limit(wanted).to_list()
        for row in rows:
            row[_PLACE] = round(better * row[column], _DECIMALS)
        rows.sort(key=lambda row: -row[_PLACE])
        if len(rows) < wanted or rows[-1][_PLACE] < rows[depth - 1][_PLACE]:
            return [row for row in rows if row[_PLACE] >= rows[min(depth, len(rows)) - 1][_PLACE]]


def _passage(row: Mapping[str, Any]) -> Passage:
    return Passage(
        id=row["id"],
        recording=RecordingId(row["rec"]),
        start=row["start"],
        end=row["end"],
        speaker=row["speaker"],
        role=row["role"],
        text=row["text"],
        language=row["language"],
    )


def _tidy(table: Any) -> None:
    """Compact the table and bring its indexes up to date. A commit that overtakes it makes it start again."""
    from lancedb.index import IvfFlat

    for attempt in range(1, _TIDYING_ATTEMPTS + 1):
        try:
            indexed = {column for index in table.list_indices() for column in index.columns}
            if "vector" not in indexed and table.count_rows() > _ROWS_FOR_VECTOR_INDEX:
                table.create_index("vector", config=IvfFlat(distance_type="cosine"))
            table.optimize(cleanup_older_than=_KEEP_VERSIONS)
            return
        except RuntimeError as error:
            # The upsert itself is done and safe: tidying left undone costs speed only, the next one makes up for it.
            if "conflict" not in str(error).lower() or attempt == _TIDYING_ATTEMPTS:
                return
            table.checkout_latest()


@contextlib.contextmanager
def _turned() -> Iterator[None]:
    """Lance tells everything by RuntimeError, ValueError and OSError; where a file is damaged in a way it never thought
    of, it panics, by an error that cannot be imported."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, RuntimeError | ValueError | OSError) and type(error).__name__ != _PANIC:
            raise
        raise Unavailable(
            Code.INDEX_UNAVAILABLE, "the passage index cannot be read or written", remedy="voxpersona reindex"
        ) from error
