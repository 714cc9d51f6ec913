"""A data directory is used with its own archive only."""

import os
from pathlib import Path

import pytest

from voxpersona.adapters.blobs.belonging import archive_of, belong, name_archive
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.errors import Code, Configuration, Integrity


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
