"""The contract of VoicePrinter, over every adapter, and what the embedded one promises beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.builders_speech import sample_sound, sample_truth
from tests.sound_arrays import WaveSound, silence
from voxpersona.adapters.diarizer.memory import ScriptedPrinter
from voxpersona.adapters.diarizer.printer import ENOUGH, MOST, CamPlusPrinter
from voxpersona.adapters.diarizer.voices import DIMENSIONS, MODEL, SHA256
from voxpersona.errors import Code, Configuration
from voxpersona.model import Turn
from voxpersona.ports import RATE, Floats, VoicePrinter

HALF = 30.0
"""Seconds of the sample that are a recording of their own; the rest is another."""


class MeasuredSound(WaveSound):
    """Remembers what was read, in seconds."""

    def __init__(self, samples: Floats) -> None:
        super().__init__(samples)
        self.read_at: list[tuple[float, float]] = []

    def read(self, start: float, end: float) -> Floats:
        self.read_at.append((start, end))
        return super().read(start, end)


def truth(start: float = 0.0, end: float = 60.0) -> list[Turn]:
    """The sample's turns between those seconds, counted from the first of them."""
    return [
        Turn(start=turn["start"] - start, end=turn["end"] - start, speaker=turn["speaker"])
        for turn in sample_truth()["turns"]
        if turn["start"] >= start and turn["end"] <= end
    ]


def prints_of(printer: VoicePrinter, samples: Floats, turns: Sequence[Turn]) -> dict[str, Floats]:
    return dict(printer.prints(WaveSound(samples), turns, on_progress=lambda _: None))


@pytest.fixture(scope="module")
def campplus() -> CamPlusPrinter:
    """The one loaded model of this run."""
    return CamPlusPrinter()


@pytest.fixture(params=["campplus", "scripted"])
def printer(request: pytest.FixtureRequest, campplus: CamPlusPrinter) -> VoicePrinter:
    if request.param == "campplus":
        return campplus
    ways = {"af_heart": [1.0, 0.0], "am_michael": [0.6, 0.8]}
    return ScriptedPrinter([(turn.start, turn.end, ways[turn.speaker]) for turn in truth()])


FEW = truth(0.0, 21.5)
"""Three turns: both speakers, one of them twice."""


class TestEveryPrinter:
    def test_every_speaker_has_a_unit_vector_of_the_same_length(self, printer: VoicePrinter) -> None:
        found = prints_of(printer, sample_sound(), FEW)
        assert set(found) == {"af_heart", "am_michael"}
        assert len({vector.shape for vector in found.values()}) == 1
        assert all(np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5) for vector in found.values())

    def test_different_voices_are_not_alike(self, printer: VoicePrinter) -> None:
        found = prints_of(printer, sample_sound(), FEW)
        assert float(found["af_heart"] @ found["am_michael"]) < printer.alike < 1.0

    def test_only_those_who_have_turns_have_prints(self, printer: VoicePrinter) -> None:
        assert set(prints_of(printer, sample_sound(), [t for t in FEW if t.speaker == "af_heart"])) == {"af_heart"}
        assert prints_of(printer, sample_sound(), []) == {}

    def test_turns_may_be_in_any_order_and_lie_beyond_the_sound(self, printer: VoicePrinter) -> None:
        beyond = [Turn(start=500.0, end=600.0, speaker="nobody"), *reversed(FEW)]
        assert set(prints_of(printer, sample_sound(), beyond)) == {"af_heart", "am_michael"}

    def test_progress_never_falls_and_ends_at_one(self, printer: VoicePrinter) -> None:
        shares: list[float] = []
        printer.prints(WaveSound(sample_sound()), truth(0.0, HALF), on_progress=shares.append)
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)

    def test_it_has_a_name(self, printer: VoicePrinter) -> None:
        assert printer.name


class TestCamPlus:
    def test_the_name_tells_the_whole_hash_of_the_model(self, campplus: CamPlusPrinter) -> None:
        assert campplus.name == f"campplus-int8-{SHA256}-print1"

    def test_the_same_voice_in_another_recording_is_alike_and_others_are_not(self, campplus: CamPlusPrinter) -> None:
        cut = round(HALF * RATE)
        first = prints_of(campplus, sample_sound()[:cut], truth(0.0, HALF))
        second = prints_of(campplus, sample_sound()[cut:], truth(HALF))
        for name, vector in second.items():
            for other, known in first.items():
                assert (float(vector @ known) >= campplus.alike) is (name == other), (name, other)

    def test_a_very_quiet_recording_of_the_same_voice_is_alike(self, campplus: CamPlusPrinter) -> None:
        cut = round(HALF * RATE)
        loud = prints_of(campplus, sample_sound()[:cut], truth(0.0, HALF))
        quiet = prints_of(campplus, sample_sound()[cut:] * np.float32(0.02), truth(HALF))
        assert all(float(loud[name] @ quiet[name]) >= campplus.alike for name in loud)

    def test_too_little_speech_has_no_print(self, campplus: CamPlusPrinter) -> None:
        short = [Turn(start=1.0, end=1.0 + ENOUGH - 0.1, speaker="short")]
        scraps = [Turn(start=float(at), end=at + 0.9, speaker="scraps") for at in range(20)]
        assert prints_of(campplus, sample_sound(), [*short, *scraps]) == {}

    def test_a_minute_of_speech_is_enough_and_is_read_with_flat_memory(self, campplus: CamPlusPrinter) -> None:
        sound = MeasuredSound(np.tile(sample_sound(), 3))
        assert set(campplus.prints(sound, [Turn(start=0.0, end=170.0, speaker="A")], on_progress=lambda _: None))
        assert sum(end - start for start, end in sound.read_at) == pytest.approx(MOST)

    def test_silence_gives_a_print_of_its_shape_and_no_error(self, campplus: CamPlusPrinter) -> None:
        found = prints_of(campplus, silence(10), [Turn(start=0.0, end=10.0, speaker="A")])
        assert found["A"].shape == (DIMENSIONS,)

    def test_an_altered_model_is_refused(self, tmp_path: Path) -> None:
        altered = tmp_path / "campplus_int8.onnx"
        altered.write_bytes(MODEL.read_bytes()[:-1])
        with pytest.raises(Configuration) as caught:
            prints_of(CamPlusPrinter(model=altered), sample_sound(), truth())
        assert caught.value.code is Code.MODEL_ALTERED
