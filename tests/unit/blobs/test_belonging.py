"""A data directory is used with its own archive only."""

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.libraries import at_once
from voxpersona.adapters.blobs.belonging import archive_of, belong, name_archive
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.errors import Code, Configuration, Integrity
from voxpersona.model import BlobFacts


class LastWins(MemoryBlobs):
    """A store that cannot refuse a second writer; its writers wait for each other, if there are several."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        with suppress(threading.BrokenBarrierError):
            self._both.wait(0.5)
        self.delete(key)
        return super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata or {})


def refused(file: Path, blobs: MemoryBlobs) -> bool:
    before = archive_of(blobs)
    with pytest.raises(Configuration) as caught:
        belong(file, blobs, place="there")
    assert caught.value.facts == {"place": "there", "path": str(file.parent)}
    return caught.value.code is Code.STORE_OTHER and archive_of(blobs) == before


def test_what_was_together_once_stays_together(tmp_path: Path) -> None:
    file, store, empty, another = tmp_path / "archive.id", MemoryBlobs(), MemoryBlobs(), MemoryBlobs()
    belong(file, store, place="here")
    belong(file, store, place="the same by another address")
    belong(tmp_path / "of another", another, place="there")
    assert refused(file, empty)
    assert refused(file, another)
    assert archive_of(store) == file.read_text().strip() != archive_of(another)


def test_a_new_data_directory_takes_the_archive_that_is_there(tmp_path: Path) -> None:
    store = MemoryBlobs()
    name_archive(store, "a1")
    belong(tmp_path / "archive.id", store, place="there")
    assert (tmp_path / "archive.id").read_text().strip() == "a1"
    assert [file.name for file in tmp_path.iterdir()] == ["archive.id"]


def test_a_store_is_of_one_archive_for_ever(tmp_path: Path) -> None:
    store = MemoryBlobs()
    name_archive(store, "a1")
    name_archive(store, "a1")
    with pytest.raises(Integrity) as caught:
        name_archive(store, "a2")
    assert caught.value.code is Code.BLOB_CONFLICT
    assert list(store.list()) == []


def test_the_file_and_its_name_are_on_the_disk_before_anything_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    flush = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name.partition(".id")[0])
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    belong(tmp_path / "archive.id", MemoryBlobs(), place="there")
    assert flushed == ["archive", tmp_path.name]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Configuration) as caught:
        belong(tmp_path / "gone" / "archive.id", MemoryBlobs(), place="there")
    assert caught.value.code is Code.DATA_DIRECTORY


def test_processes_that_start_at_once_agree_even_where_the_last_writer_wins(tmp_path: Path) -> None:
    """Found by the torture: one had named the store and another one the directory, and all were refused for ever."""
    for number in range(4):
        file, store = tmp_path / str(number) / "archive.id", LastWins()
        file.parent.mkdir()
        assert at_once(2, lambda _: belong(file, store, place="there")) == [None, None]  # noqa: B023
        assert archive_of(store) == file.read_text().strip()
