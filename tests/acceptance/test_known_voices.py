"""A voice is named by the real program on real speech, suggested in another recording, and erased without a trace."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders_media import flac_of
from tests.builders_speech import SHORT
from tests.program import Program
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.model import KnownVoice
from voxpersona.pipeline.layout import KNOWN_VOICES, LIKENESSES

NAME = "Аполлинария Вознесенская"
CUT, END = SHORT[1], 59.0
"""Seconds of the sample: both speakers are in both of its parts, which are two recordings here."""


class Archive:
    """Two recordings of the same two people. In the first the client is named before the second is worked on."""

    def __init__(self, place: Path) -> None:
        keys = place / "safe" / "keys.json"
        Program(place / "data").json("keys", "generate", "--output", str(keys))
        self.keys = keys
        self.off = Program(place / "data", VOXPERSONA_KEY_FILE=str(keys), VOXPERSONA_LOG_LEVEL="DEBUG")
        self.program = Program(
            place / "data",
            VOXPERSONA_KEY_FILE=str(keys),
            VOXPERSONA_LOG_LEVEL="DEBUG",
            VOXPERSONA_KNOWN_VOICES="true",
        )
        self.logged = ""
        self.place = place
        self.first = self.received("first.flac", 0.0, CUT)
        self.client = self.label(self.first, "client")
        self.interviewer = self.label(self.first, "interviewer")
        self.named = self.told("voices", "name", self.first, self.client, NAME)
        self.second = self.received("second.flac", CUT, END)

    def told(self, *arguments: str) -> Any:
        outcome = self.program.run(*arguments, "--json")
        assert outcome.code == 0, outcome
        self.logged += outcome.err
        return outcome.document

    def received(self, name: str, start: float, end: float) -> str:
        path = self.place / name
        path.write_bytes(flac_of(start=start, end=end))
        (kept,) = self.told("receive", str(path), "--scenario", "interview", "--wait")["recordings"]
        assert kept["state"] == "ready"
        return str(kept["id"])

    def speakers(self, identity: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told("show", identity)["speakers"]
        return found

    def label(self, identity: str, role: str) -> str:
        (label,) = [one["label"] for one in self.speakers(identity) if one["role"] == role]
        return str(label)

    def prints(self) -> list[KnownVoice]:
        """What stands in the bucket, read with the key."""
        below = DirectoryBlobs(self.program.data / "store" / "main")
        blobs = EncryptingBlobs(below, Keyring(self.keys), plain=below)
        return [KnownVoice.model_validate_json(b"".join(blobs.read(one.key))) for one in [*blobs.list(KNOWN_VOICES)]]

    def everything(self) -> dict[str, bytes]:
        """Every byte of the data directory, which holds both buckets, by path; names of files are bytes of it, too."""
        wal = sqlite3.connect(self.program.data / "voxpersona.db")
        wal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        wal.close()
        return {
            str(path.relative_to(self.program.data)): str(path).encode() + b"\0" + path.read_bytes()
            for path in self.program.data.rglob("*")
            if path.is_file()
        }


def forms(voice: KnownVoice) -> list[bytes]:
    """Name and print as they could stand somewhere: as text, as JSON escapes them, as numbers of either size."""
    vector = np.array(voice.vector)
    numbers = [f"{each:.6f}"[:7].encode() for each in voice.vector[:3]]
    return [
        voice.name.encode(),
        voice.name.encode("utf-16-le"),
        json.dumps(voice.name).strip('"').encode(),
        vector.astype("<f4")[:4].tobytes(),
        vector.astype("<f8")[:4].tobytes(),
        b",".join(json.dumps(each).encode() for each in voice.vector[:2]),
        b", ".join(json.dumps(each).encode() for each in voice.vector[:2]),
        *(number for number in numbers if len(number.strip(b"-0.")) >= 4),
    ]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(tmp_path_factory.mktemp("voices"))


def test_the_named_voice_is_suggested_in_the_other_recording_and_the_stranger_is_not(archive: Archive) -> None:
    suggested = {one["role"]: (one["name"], one["sounds_like"]) for one in archive.speakers(archive.second)}
    name, sounds_like = suggested["client"]
    assert name is None
    assert [one["name"] for one in sounds_like] == [NAME]
    assert 0.85 < sounds_like[0]["score"] <= 1.0
    assert suggested["interviewer"] == (None, [])


def test_a_given_name_and_a_suggestion_are_shown_and_exported_as_what_they_are(archive: Archive) -> None:
    shown = archive.program.run("show", archive.first).out
    assert f"    {NAME}\n" in shown
    assert f"{NAME} (client): " in shown
    heard = archive.program.run("show", archive.second).out
    assert f"sounds like {NAME} (0.9" in heard
    assert f"{NAME} (client)" not in heard
    assert f"] {NAME} (client): " in archive.program.run("export", archive.first, "--format", "txt").out
    text = archive.program.run("export", archive.second, "--format", "txt").out
    assert [line for line in text.splitlines() if NAME in line] == [text.splitlines()[2]]
    assert text.splitlines()[2].startswith(f"client sounds like {NAME} (0.9")


def test_switched_off_nothing_of_it_is_shown_or_made(archive: Archive) -> None:
    off = archive.off
    assert {one["name"] for one in off.json("show", archive.first)["speakers"]} == {None}
    told = off.json("voices", "name", archive.first, archive.interviewer, "Somebody", code=7)["error"]
    assert (told["code"], "VOXPERSONA_KNOWN_VOICES" in told["message"]) == ("setting-missing", True)


def test_without_a_key_file_it_is_refused_and_said_what_to_do(archive: Archive) -> None:
    plain = Program(archive.place / "plain", VOXPERSONA_KNOWN_VOICES="true")
    outcome = plain.run("list")
    assert outcome.code == 7
    assert "VOXPERSONA_KEY_FILE" in outcome.err
    assert "voxpersona keys generate" in outcome.err


def test_prints_are_not_copied_into_a_store_that_is_not_encrypted(archive: Archive) -> None:
    other = archive.place / "other.env"
    other.write_text("MINIO_ENDPOINT=127.0.0.1:9\n")
    told = archive.program.json("storage", "migrate", "--to", str(other), code=7)["error"]
    assert told["code"] == "setting-missing"


def test_an_erased_voice_leaves_no_trace(archive: Archive) -> None:
    """The last test of this archive: name and print stand nowhere in plain before, and nowhere at all afterwards."""
    (voice,) = archive.prints()
    assert (voice.name, voice.recording, voice.speaker) == (NAME, archive.first, archive.client)
    traces = forms(voice)
    before = archive.everything()
    assert [path for path, content in before.items() if any(trace in content for trace in traces)] == []
    assert sum(path.startswith(("store/main/known-voices", "store/main/likenesses")) for path in before) >= 2
    assert archive.off.json("voices", "forget", NAME) == {"erased": 1}  # also while it is switched off
    after = archive.everything()
    below = DirectoryBlobs(archive.program.data / "store" / "main")
    assert [*below.list(KNOWN_VOICES), *below.list(LIKENESSES)] == []
    assert [path for path, content in after.items() if any(trace in content for trace in traces)] == []
    assert [path for path, content in after.items() if voice.identity.encode() in content] == []
    for identity in (archive.first, archive.second):
        assert {(one["name"], str(one["sounds_like"])) for one in archive.speakers(identity)} == {(None, "[]")}
    assert not any(trace in archive.logged.encode() for trace in traces)
    assert archive.told("voices", "list") == {"voices": []}
    assert archive.program.json("voices", "forget", NAME, code=4)["error"]["code"] == "voice-unknown"
    assert archive.told("check", "--read") == {"ok": True, "problems": []}
