"""The contract of Diarizer, over every adapter, and what the embedded one promises beside it."""

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders_media import call_channels, encoded
from tests.builders_speech import sample_sound, sample_truth
from tests.builders_talk import a_turn
from tests.sound_arrays import WaveSound, silence
from voxpersona.adapters.diarizer.campplus import CamPlusDiarizer
from voxpersona.adapters.diarizer.channels import ChannelDiarizer
from voxpersona.adapters.diarizer.memory import ScriptedDiarizer
from voxpersona.adapters.diarizer.voices import MODEL, SHA256
from voxpersona.adapters.media import PyAVMedia
from voxpersona.errors import Code, Configuration, Rejected
from voxpersona.model import Turn
from voxpersona.ports import RATE, Diarizer, Floats, Sound

Booleans = NDArray[np.bool_]

GRID = 100


class MeasuredSound(WaveSound):
    """Remembers the longest stretch that was read at once, in seconds."""

    def __init__(self, samples: Floats) -> None:
        super().__init__(samples)
        self.longest = 0.0

    def read(self, start: float, end: float) -> Floats:
        self.longest = max(self.longest, end - start)
        return super().read(start, end)


def turns_of(diarizer: Diarizer, sound: Sound, speakers: int | None = None) -> Sequence[Turn]:
    return diarizer.diarize(sound, speakers=speakers, on_progress=lambda share: None)


def truth() -> list[Turn]:
    """The sample's turns, labelled by first appearance."""
    names: dict[str, int] = {}
    return [
        a_turn(turn["start"], turn["end"], names.setdefault(turn["speaker"], len(names)))
        for turn in sample_truth()["turns"]
    ]


def painted(turns: Sequence[Turn], seconds: float = 60.0) -> Floats:
    """Who speaks in every 10 ms: the label's number from 1, or 0."""
    line = np.zeros(round(seconds * GRID), np.float32)
    for turn in turns:
        line[round(turn.start * GRID) : round(turn.end * GRID)] = 1 + int(turn.speaker[-2:])
    return line


@pytest.fixture(scope="module")
def campplus() -> CamPlusDiarizer:
    """The one loaded model of this run."""
    return CamPlusDiarizer()


@pytest.fixture(scope="module")
def found(campplus: CamPlusDiarizer) -> Sequence[Turn]:
    return turns_of(campplus, WaveSound(sample_sound()))


@pytest.fixture(params=["campplus", "channels", "scripted"])
def diarizer(request: pytest.FixtureRequest, campplus: CamPlusDiarizer) -> Diarizer:
    if request.param == "channels":
        return ChannelDiarizer(ScriptedDiarizer(truth()))
    return campplus if request.param == "campplus" else ScriptedDiarizer(truth())


class TestEveryDiarizer:
    def test_turns_are_ordered_and_labelled_by_first_appearance_and_one_speakers_are_apart(
        self, diarizer: Diarizer
    ) -> None:
        sound = WaveSound(sample_sound()[: 30 * RATE])
        turns = turns_of(diarizer, sound)
        assert turns
        assert all(0 <= turn.start < turn.end <= sound.seconds for turn in turns)
        assert turns == sorted(turns, key=lambda turn: turn.start)
        for speaker in {turn.speaker for turn in turns}:
            own = [turn for turn in turns if turn.speaker == speaker]
            assert all(sooner.end <= later.start for sooner, later in itertools.pairwise(own))
        labels = list(dict.fromkeys(turn.speaker for turn in turns))
        assert labels == [f"SPEAKER_{number:02d}" for number in range(len(labels))]

    def test_progress_never_falls_and_ends_at_one(self, diarizer: Diarizer) -> None:
        shares: list[float] = []
        diarizer.diarize(WaveSound(sample_sound()[: 20 * RATE]), speakers=None, on_progress=shares.append)
        assert shares == sorted(shares)
        assert (min(shares), shares[-1]) == (0.0, 1.0)

    def test_a_sound_without_samples_has_no_turns(self, diarizer: Diarizer) -> None:
        assert list(turns_of(diarizer, WaveSound(np.zeros(0, np.float32)))) == []

    def test_it_has_a_name(self, diarizer: Diarizer) -> None:
        assert diarizer.name


class TestCamPlus:
    def test_the_name_tells_model_hash_and_recipe(self, campplus: CamPlusDiarizer) -> None:
        assert campplus.name.startswith(f"campplus-int8-{SHA256[:12]}-recipe")

    def test_the_sample_has_two_speakers_and_nearly_all_time_is_rightly_theirs(self, found: Sequence[Turn]) -> None:
        assert {turn.speaker for turn in found} == {"SPEAKER_00", "SPEAKER_01"}
        expected, heard = painted(truth()), painted(found)
        spoken = expected > 0
        assert (heard[spoken] == expected[spoken]).mean() >= 0.98

    def test_pauses_are_nobodys(self, found: Sequence[Turn]) -> None:
        expected, heard = painted(truth()), painted(found)
        assert (heard[expected == 0] > 0).mean() < 0.6  # 0.4 s between turns, 0.1 s of padding at each side
        assert heard[: round(0.3 * GRID)].max() == 0

    def test_nobody_speaking_gives_no_turns(self, campplus: CamPlusDiarizer) -> None:
        assert list(turns_of(campplus, WaveSound(silence(30)))) == []
        assert list(turns_of(campplus, WaveSound(silence(30)), speakers=2)) == []

    def test_speakers_are_as_many_as_told(self, campplus: CamPlusDiarizer) -> None:
        for number in (1, 2, 3):
            turns = turns_of(campplus, WaveSound(sample_sound()), speakers=number)
            assert len({turn.speaker for turn in turns}) == number

    def test_a_very_quiet_recording_is_told_apart_as_well(self, campplus: CamPlusDiarizer) -> None:
        loudness = np.sqrt(np.mean(sample_sound() ** 2))
        quiet = np.rint(sample_sound() * (10 ** (-50 / 20) / loudness) * 32_768) / 32_768  # as it is kept
        turns = turns_of(campplus, WaveSound(quiet[: 30 * RATE].astype(np.float32)))
        expected, heard = painted(truth())[: 30 * GRID], painted(turns)[: 30 * GRID]
        assert (heard[expected > 0] == expected[expected > 0]).mean() >= 0.98

    def test_one_voice_is_one_speaker(self, campplus: CamPlusDiarizer) -> None:
        for name in ("SPEAKER_00", "SPEAKER_01"):
            own = [sample_sound()[round(t.start * RATE) : round(t.end * RATE)] for t in truth() if t.speaker == name]
            turns = turns_of(campplus, WaveSound(np.concatenate(own)))
            assert {turn.speaker for turn in turns} == {"SPEAKER_00"}

    def test_the_same_sound_gives_the_same_turns(self, campplus: CamPlusDiarizer, found: Sequence[Turn]) -> None:
        assert list(turns_of(campplus, WaveSound(sample_sound()))) == list(found)

    @pytest.mark.parametrize("block", [10.0, 20.0])
    def test_where_blocks_end_hardly_matters(self, block: float, found: Sequence[Turn]) -> None:
        turns = turns_of(CamPlusDiarizer(block=block), WaveSound(sample_sound()))
        whole, parts = painted(found), painted(turns)
        assert (whole != parts).sum() <= 0.02 * (whole > 0).sum()

    def test_no_more_than_a_block_is_read_at_once(self) -> None:
        sound = MeasuredSound(np.tile(sample_sound(), 2))
        turns_of(CamPlusDiarizer(block=20.0), sound)
        assert 0 < sound.longest <= 20.0 + 2.0

    def test_less_than_one_speaker_is_refused(self, campplus: CamPlusDiarizer) -> None:
        with pytest.raises(Rejected) as caught:
            turns_of(campplus, WaveSound(silence(1)), speakers=0)
        assert caught.value.code is Code.BAD_DETAIL

    def test_an_altered_model_is_refused(self, tmp_path: Path) -> None:
        content = bytearray(MODEL.read_bytes())
        content[len(content) // 2] ^= 1
        altered = tmp_path / "campplus_int8.onnx"
        altered.write_bytes(content)
        with pytest.raises(Configuration) as caught:
            turns_of(CamPlusDiarizer(model=altered), WaveSound(sample_sound()))
        assert caught.value.code is Code.MODEL_ALTERED

    def test_an_absent_model_is_told_at_first_use(self, tmp_path: Path) -> None:
        diarizer = CamPlusDiarizer(model=tmp_path / "nothing.onnx")
        with pytest.raises(Configuration) as caught:
            turns_of(diarizer, WaveSound(sample_sound()))
        assert caught.value.code is Code.MODEL_ABSENT


def test_a_scripted_diarizer_remembers_what_it_was_asked() -> None:
    scripted = ScriptedDiarizer(truth())
    turns_of(scripted, WaveSound(silence(2)), speakers=2)
    assert scripted.asked == [2]


class TestChannels:
    """By the channels of a recorded call, where voices need not be told apart."""

    @pytest.fixture
    def call(self, tmp_path: Path) -> Sound:
        return a_call(tmp_path / "sound")

    @pytest.mark.parametrize("speakers", [None, 2])
    def test_each_channel_is_a_speaker(self, call: Sound, speakers: int | None) -> None:
        turns = turns_of(ChannelDiarizer(ScriptedDiarizer([])), call, speakers)
        assert {turn.speaker for turn in turns} == {"SPEAKER_00", "SPEAKER_01"}
        expected, heard = painted(truth()), painted(turns)
        spoken = expected > 0
        assert (heard[spoken] == expected[spoken]).mean() >= 0.98

    @pytest.mark.parametrize(("gains", "leak"), [((0.5, 0.1), 0.0), ((1.0, 1.0), 0.1)])
    def test_a_faint_side_and_one_that_leaks_are_told_as_well(
        self, gains: tuple[float, float], leak: float, tmp_path: Path
    ) -> None:
        turns = turns_of(ChannelDiarizer(ScriptedDiarizer([])), a_call(tmp_path / "sound", gains=gains, leak=leak))
        expected, heard = painted(truth()), painted(turns)
        spoken = expected > 0
        assert (heard[spoken] == expected[spoken]).mean() >= 0.96
        assert not at_once(turns).any()

    @pytest.mark.parametrize("leak", [0.0, 0.1])
    @pytest.mark.parametrize("earlier", [0.9, 1.4])
    def test_where_both_speak_both_have_a_turn(self, earlier: float, leak: float, tmp_path: Path) -> None:
        """Whoever answers falls into the last `earlier` - 0.4 seconds of the question."""
        sound = a_call(tmp_path / "sound", leak=leak, earlier=earlier)
        expected = at_once(
            [
                turn if turn.speaker[-1] == "0" else a_turn(turn.start - earlier, turn.end - earlier, 1)
                for turn in truth()
            ]
        )
        heard = at_once(turns_of(ChannelDiarizer(ScriptedDiarizer([])), sound))
        assert (expected & heard).sum() >= 0.9 * heard.sum()
        assert (expected & heard).sum() >= 0.6 * expected.sum()

    def test_one_voice_on_both_ends_is_two_speakers_for_the_channels_and_one_for_the_ear(self, call: Sound) -> None:
        assert call.sides is not None
        own = [sample_sound()[round(t.start * RATE) : round(t.end * RATE)] for t in truth() if t.speaker[-1] == "0"]
        voice = np.concatenate(own)
        half = len(voice) // RATE * GRID // 2
        sides = np.full((len(voice) * GRID // RATE, 2), -70.0, np.float32)
        sides[:half, 0] = sides[half:, 1] = -20.0
        turns = turns_of(ChannelDiarizer(ScriptedDiarizer([])), WaveSound(voice, sides))
        assert {turn.speaker for turn in turns} == {"SPEAKER_00", "SPEAKER_01"}

    @pytest.mark.parametrize("speakers", [1, 3])
    def test_another_number_of_speakers_is_told_apart_by_voice(self, call: Sound, speakers: int) -> None:
        scripted = ScriptedDiarizer(truth()[:1])
        assert turns_of(ChannelDiarizer(scripted), call, speakers) == truth()[:1]
        assert scripted.asked == [speakers]

    def test_where_the_channels_are_alike_it_is_as_before(self) -> None:
        scripted = ScriptedDiarizer(truth())
        sound = WaveSound(sample_sound())
        assert turns_of(ChannelDiarizer(scripted), sound) == turns_of(ScriptedDiarizer(truth()), sound)
        assert scripted.asked == [None]

    def test_its_name_tells_both_recipes(self, campplus: CamPlusDiarizer) -> None:
        assert ChannelDiarizer(campplus).name == f"channels-recipe2-or-{campplus.name}"

    def test_sides_of_a_silent_sound_are_no_turns(self) -> None:
        sides = np.full((3_000, 2), -100.0, np.float32)
        assert turns_of(ChannelDiarizer(ScriptedDiarizer([])), WaveSound(silence(30), sides)) == []


def at_once(turns: Sequence[Turn], seconds: float = 60.0) -> Booleans:
    """Whether more than one turn goes on in every 10 ms."""
    speaking = np.zeros(round(seconds * GRID), np.int64)
    for turn in turns:
        speaking[round(turn.start * GRID) : round(turn.end * GRID)] += 1
    return speaking > 1


def a_call(target: Path, *, gains: tuple[float, float] = (1.0, 1.0), leak: float = 0.0, earlier: float = 0.0) -> Sound:
    """The sample as a recorded call, decoded."""
    content = encoded("wav", "pcm_s16le", call_channels(gains=gains, leak=leak, earlier=earlier), channels=2)
    PyAVMedia().decode(io.BytesIO(content), name="a call", target=target)
    return PyAVMedia().sound(target)
