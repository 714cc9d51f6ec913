"""A recorded call in which both speak at once, through the real program."""

from pathlib import Path

from tests.builders_media import call_channels, encoded
from tests.program import Program


def test_where_both_speak_is_marked_in_what_is_shown(tmp_path: Path) -> None:
    """Whoever answers falls into the last second of the question."""
    call = tmp_path / "call.flac"
    call.write_bytes(encoded("flac", "flac", call_channels(seconds=14.0, earlier=1.4), channels=2))
    program = Program(tmp_path / "archive")
    outcome = program.run("receive", str(call), "--scenario", "interview", "--language", "en", "--wait", "--json")
    identity = outcome.document["recordings"][0]["id"]
    shown = program.json("show", identity)["transcript"]
    marked = [segment for segment in shown["segments"] if segment["overlapped"]]
    assert marked
    for segment in marked:
        assert any(each["start"] < segment["end"] and segment["start"] < each["end"] for each in shown["overlaps"])
    assert program.run("show", identity).out.count(" [overlapping speech]: ") == len(marked)
