"""What stands where can be told from the key again, and nothing else is taken for it."""

import pytest

from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.model import RecordingId, Stage, State
from voxpersona.pipeline import layout
from voxpersona.pipeline.holdings import Holding, holding, holdings
from voxpersona.ports import Made

RECORDING = RecordingId("rec000000001")


@pytest.mark.parametrize(
    "made",
    [(Stage.TRANSCRIBE, 1, ""), (Stage.ATTRIBUTE, 12, ""), (Stage.REPORT, 3, "interview"), (Stage.REPORT, 1, "1")],
)
def test_a_result_is_found_again_by_its_key(made: Made) -> None:
    assert layout.made(layout.result(RECORDING, made)) == made


@pytest.mark.parametrize("state", [State.READY, State.FAILED])
def test_the_end_of_a_run_is_found_again_by_its_key(state: State) -> None:
    assert layout.ended(layout.run(RECORDING, 17, state)) == (17, state)


@pytest.mark.parametrize(
    "key",
    [
        "recordings",
        "recordings/a",
        "recordings/a/transcript",
        "recordings/a/transcript/0.json",
        "recordings/a/transcript/01.json",
        "recordings/a/transcript/1.txt",
        "recordings/a/transcript/١.json",
        "recordings/a/transcript/1.json/x",
        "recordings/a/transcript/x/1.json",
        "recordings/a/reports/1.json",
        "recordings/a/reports/interview/1.md",
        "recordings/a/runs/1.failed",
        "recordings/a/runs/.failed.json",
        "recordings/a/runs/x/1.json",
        "recordings/a/pieces/abc/00001.json",
        "forgotten/1.json",
    ],
)
def test_no_other_key_is_taken_for_one(key: str) -> None:
    assert layout.made(key) is None
    assert layout.ended(key) is None


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (layout.run(RECORDING, 1, State.FAILED), "run"),
        (layout.source(RECORDING, "telegram:1:2:3"), "source"),
        (layout.forgotten("telegram:1:2:3"), "forgotten"),
        (layout.known_voice(RECORDING, "abc"), "known-voice"),
        (layout.likenesses(RECORDING) + "1-SPEAKER_00/rec000000002/abc.json", "likeness"),
        (layout.report_text(RECORDING, "interview", 1), "report"),
        (layout.sound(RECORDING, "abc"), "sound"),
        (layout.peaks(RECORDING, "abc"), "peaks"),
        ("recordings/rec000000001/kitchen/1.json", "other"),
        ("forgotten", "other"),
    ],
)
def test_every_key_has_a_kind(key: str, kind: str) -> None:
    assert layout.kind(key) == kind
    assert kind in layout.KINDS


def test_holdings_bring_together_what_two_buckets_hold_of_each_recording_in_order() -> None:
    audio, archive = MemoryBlobs(), MemoryBlobs()
    # "-" sorts before "/", so folders come in another order than their names.
    for key in ("recordings/a-b/manifest.json", "recordings/a/original/x.ogg", "recordings/c"):
        audio.put(key, [b"x"])
    for key in ("forgotten/a.json", "recordings/a-b/runs/1.json", "recordings/b/roles/2.json", "recordings/c/x"):
        archive.put(key, [b"x"])
    assert list(holdings(audio, archive)) == [
        Holding(RecordingId("a-b"), ("recordings/a-b/manifest.json",), ("recordings/a-b/runs/1.json",)),
        Holding(RecordingId("a"), ("recordings/a/original/x.ogg",)),
        Holding(RecordingId("b"), (), ("recordings/b/roles/2.json",)),
        Holding(RecordingId("c"), ("recordings/c",)),
        Holding(RecordingId("c"), (), ("recordings/c/x",)),
    ]
    assert holding(RecordingId("b"), audio, archive).made == {(Stage.ATTRIBUTE, 2, "")}


def test_a_run_that_failed_and_went_on_to_end_well_ended_well() -> None:
    keys = tuple(
        layout.run(RECORDING, number, state)
        for number, state in ((1, State.FAILED), (1, State.READY), (2, State.FAILED))
    )
    assert Holding(RECORDING, (), keys).ended == {1: State.READY, 2: State.FAILED}
    assert Holding(RECORDING, (), keys[::-1]).ended == {1: State.READY, 2: State.FAILED}
