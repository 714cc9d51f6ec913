"""Indexing a recording makes its attributed words searchable, again and again."""

import datetime as dt

from tests.builders_search import the_sample
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.index.memory import MemoryPassageIndex
from voxpersona.model import Details, MediaFacts, Original, Recording
from voxpersona.pipeline.index import index
from voxpersona.pipeline.stems import stems

MEDIA = MediaFacts(
    seconds=59.1, container="ogg", codec="opus", rate=48_000, channels=1, content_type="audio/ogg", peak=0.5
)
RECORDING = Recording(
    id=the_sample().recording,
    source="path:/x",
    received_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
    details=Details(),
    original=Original(name="x.ogg", key="recordings/x/original/x.ogg", sha256="0" * 64, bytes=1, media=MEDIA),
)


def test_an_indexed_recording_is_found_and_indexing_again_changes_nothing() -> None:
    embedder = HashingEmbedder(stem=stems)
    kept = MemoryPassageIndex(dimensions=embedder.dimensions, stem=stems)
    told: list[float] = []
    for _ in range(2):
        told.clear()
        assert index(RECORDING, the_sample(), embedder, kept, "en", told.append) == 10
    assert kept.counts() == {RECORDING.id: 10}
    best = kept.search("breakfast cold", embedder.query("breakfast cold"), limit=1)[0]
    assert "breakfast was cold" in best.passage.text
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_a_recording_in_which_nobody_spoke_leaves_nothing_in_the_index() -> None:
    embedder = HashingEmbedder(stem=stems)
    kept = MemoryPassageIndex(dimensions=embedder.dimensions, stem=stems)
    index(RECORDING, the_sample(), embedder, kept, "en", lambda _: None)
    silent = the_sample().model_copy(update={"segments": ()})
    assert index(RECORDING, silent, embedder, kept, "en", lambda _: None) == 0
    assert kept.counts() == {}
