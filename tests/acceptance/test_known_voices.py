"""A voice is named by the real program on real speech, suggested in another recording, and erased without a trace."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders_media import flac_of
from tests.builders_speech import SHORT, a_piece_text, sample_truth
from tests.program import Program
from tests.speech_server import hearing
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Configuration
from voxpersona.model import KnownVoice, PieceText
from voxpersona.pipeline.layout import KNOWN_VOICES, LIKENESSES
from voxpersona.ports import RATE, Floats
from voxpersona.settings import Settings
from voxpersona.wiring import House
from voxpersona.wiring.store import open_bare, open_store

NAME = "Аполлинария Вознесенская"
STRANGER, CLIENT = "SPEAKER_00", "SPEAKER_01"
CUT, END = SHORT[1], 59.0
"""Seconds of the sample: both speakers are in both of its parts, which are two recordings here."""


def heard(sound: Floats, _language: str | None) -> PieceText:
    """The words of the part that is so long, spread evenly over the sample's turns: words are not the matter here."""
    start, end = (0.0, CUT) if abs(len(sound) / RATE - CUT) < 0.5 else (CUT, END)
    turns = [turn for turn in sample_truth()["turns"] if start <= turn["start"] < end]
    return a_piece_text(*((turn["start"] - start, turn["end"] - start, turn["text"]) for turn in turns))


class Archive:
    """Two recordings of the same two people. In the first the client is named before the second is worked on."""

    def __init__(self, place: Path, url: str) -> None:
        self.place, self.keys = place, place / "safe" / "keys.json"
        Keyring.generate(self.keys)
        told = {
            "VOXPERSONA_KEY_FILE": str(self.keys),
            "VOXPERSONA_TRANSCRIBER_URL": url,
            "VOXPERSONA_LOG_LEVEL": "DEBUG",
        }
        self.off = Program(place / "data", **told)
        self.program = Program(place / "data", **told, VOXPERSONA_KNOWN_VOICES="true")
        self.logged = ""
        self.first = self.received("first.flac", 0.0, CUT)
        self.named = self.many(self.program, ["voices", "name", self.first, CLIENT, NAME])
        self.second = self.received("second.flac", CUT, END)

    def received(self, name: str, start: float, end: float) -> str:
        path = self.place / name
        path.write_bytes(flac_of(start=start, end=end))
        outcome = self.program.run("receive", str(path), "--scenario", "interview", "--wait", "--json")
        (kept,) = outcome.document["recordings"]
        assert kept["state"] == "ready", outcome
        self.logged += outcome.err
        return str(kept["id"])

    def many(self, program: Program, *lines: list[str]) -> list[tuple[int, Any]]:
        """Exit code and document of each command."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.commands"],
            env=program.environment,
            input="".join(json.dumps(line) + "\n" for line in lines).encode(),
            capture_output=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        self.logged += done.stderr.decode()
        assert done.returncode == 0, done.stderr.decode()
        return [(code, document) for code, document in json.loads(done.stdout)]

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


def known(document: Any) -> dict[str, tuple[str | None, list[Any]]]:
    """Of each speaker of a shown recording the name, and whom the voice sounds like."""
    return {one["label"]: (one["name"], one["sounds_like"]) for one in document["speakers"]}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with hearing(ScriptedTranscriber(heard)) as server:
        yield Archive(tmp_path_factory.mktemp("voices"), server.url)


@pytest.fixture(scope="module")
def shown(archive: Archive) -> list[Any]:
    """Both recordings as `show` has them, and as text."""
    export = [["export", one, "--format", "txt"] for one in (archive.first, archive.second)]
    told = archive.many(archive.program, ["show", archive.first], ["show", archive.second], *export)
    assert [code for code, _ in told] == [0, 0, 0, 0]
    return [document for _, document in told]


def test_the_named_voice_is_suggested_in_the_other_recording_and_the_stranger_is_not(shown: list[Any]) -> None:
    assert known(shown[0]) == {STRANGER: (None, []), CLIENT: (NAME, [])}
    second = known(shown[1])
    assert second[STRANGER] == (None, [])
    name, sounds_like = second[CLIENT]
    assert name is None
    assert [one["name"] for one in sounds_like] == [NAME]
    assert 0.85 < sounds_like[0]["score"] <= 1.0


def test_a_given_name_and_a_suggestion_are_shown_and_exported_as_what_they_are(
    archive: Archive, shown: list[Any]
) -> None:
    seen = archive.program.run("show", archive.second).out
    assert f"    sounds like {NAME} (0.9" in seen
    assert f"] {NAME}" not in seen
    first, second = (document["text"] for document in shown[2:])
    assert f"] {NAME} (client): " in first
    assert second.splitlines()[2].startswith(f"client sounds like {NAME} (0.9")
    assert second.count(NAME) == 1


def test_switched_off_nothing_of_it_is_shown_or_made(archive: Archive) -> None:
    show, name = archive.many(
        archive.off, ["show", archive.first], ["voices", "name", archive.first, STRANGER, "Somebody"]
    )
    assert known(show[1]) == {STRANGER: (None, []), CLIENT: (None, [])}
    assert (name[0], name[1]["error"]["code"]) == (7, "setting-missing")
    assert "VOXPERSONA_KNOWN_VOICES" in name[1]["error"]["message"]


def test_a_store_without_a_key_file_is_refused_as_a_copy(archive: Archive, tmp_path: Path) -> None:
    house = House(Settings(data=archive.program.data, key_file=archive.keys, database_url=None))
    bare = open_bare(None, directory=tmp_path / "other", scratch=tmp_path)
    with pytest.raises(Configuration) as caught:
        house.check_target(open_store("other", bare, None, scratch=tmp_path))
    assert caught.value.code is Code.SETTING_MISSING
    house.check_target(open_store("other", bare, Keyring.generate(tmp_path / "keys.json"), scratch=tmp_path))


def test_an_erased_voice_leaves_no_trace(archive: Archive, shown: list[Any]) -> None:
    """The last test of this archive: name and print stand nowhere in plain before, and nowhere at all afterwards."""
    (voice,) = archive.prints()
    assert (voice.name, voice.recording, voice.speaker) == (NAME, archive.first, CLIENT)
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
    first, second, listed, again, check = archive.many(
        archive.program,
        ["show", archive.first],
        ["show", archive.second],
        ["voices", "list"],
        ["voices", "forget", NAME],
        ["check", "--read"],
    )
    assert known(first[1]) == known(second[1]) == {STRANGER: (None, []), CLIENT: (None, [])}
    assert listed == (0, {"voices": []})
    assert (again[0], again[1]["error"]["code"]) == (4, "voice-unknown")
    assert check == (0, {"ok": True, "problems": []})
    assert not any(trace in archive.logged.encode() for trace in traces)
