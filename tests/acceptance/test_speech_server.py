"""The whole way with transcription by a server, named by one setting: a real one on this machine."""

from pathlib import Path

from tests.builders_media import flac_of
from tests.program import Program
from tests.speech_server import hearing
from voxpersona.adapters.transcriber.faster_whisper import FasterWhisperTranscriber
from voxpersona.adapters.weights.find import Hints, find_whisper


def test_a_server_does_the_transcribing_when_its_url_is_set(tmp_path: Path) -> None:
    path = tmp_path / "short.flac"
    path.write_bytes(flac_of(start=6.5, end=16.2))
    weights = find_whisper(
        path=None, cache=tmp_path / "models", model="base", allow_download=False, hints=Hints("PATH", "DOWNLOAD")
    )
    with hearing(FasterWhisperTranscriber(weights, model_name="base")) as server:
        program = Program(tmp_path / "data", VOXPERSONA_TRANSCRIBER_URL=server.url)
        received = program.json("receive", str(path), "--wait")["recordings"][0]
    assert received["state"] == "ready"
    assert len(server.requests) == 1
    shown = program.json("show", received["id"])
    assert "breakfast was cold" in " ".join(segment["text"] for segment in shown["transcript"]["segments"])
    assert "whisper-1" in shown["transcript"]["engine"]
