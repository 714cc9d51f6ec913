"""What every decoder promises of sound for browsers (ports.Media.playable), and what PyAV's promises beside it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import av.error
import av.filter
import numpy as np
import pytest

from tests.builders_media import FORMATS, call_channels, encoded, speech, wav
from voxpersona.adapters.media import PyAVMedia
from voxpersona.adapters.media.loudness import RATE, SILENCE, Loudness
from voxpersona.adapters.media.memory import MemoryMedia, memory_recording
from voxpersona.errors import Code, Rejected, Unavailable
from voxpersona.model import Peaks
from voxpersona.ports import Floats, Media, OnProgress

TARGET = -18.0


@dataclass(frozen=True)
class Player:
    """A decoder and how a recording of so many seconds is made for it."""

    media: Media
    recording: Callable[[float], bytes]


@pytest.fixture(params=["pyav", "memory"])
def player(request: pytest.FixtureRequest) -> Player:
    if request.param == "pyav":
        return Player(PyAVMedia(), _talk_and_silence)
    return Player(MemoryMedia(), memory_recording)


def _talk_and_silence(seconds: float) -> bytes:
    """What is silent is encoded fast."""
    return wav(np.concatenate([speech(min(5.0, seconds)), np.zeros(round(max(0.0, seconds - 5.0) * RATE), np.float32)]))


def _ignored(share: float) -> None:
    """Progress nobody asks for."""


def playable(media: Media, content: bytes, target: Path, on_progress: OnProgress = _ignored) -> Peaks:
    return media.playable(io.BytesIO(content), name="a name", target=target, on_progress=on_progress)


class TestEveryMedia:
    def test_it_stands_whole_at_its_place_and_is_as_long(self, player: Player, tmp_path: Path) -> None:
        told: list[float] = []
        playable(player.media, player.recording(10), tmp_path / "sound.m4a", told.append)
        assert [path.name for path in tmp_path.iterdir()] == ["sound.m4a"]
        with (tmp_path / "sound.m4a").open("rb") as made:
            facts = player.media.decode(made, name="made")
        assert facts.seconds == pytest.approx(10, abs=0.05)
        assert facts.damage is None
        assert told == sorted(told)
        assert told[-1] == 1.0

    @pytest.mark.parametrize("seconds", [0.5, 10.0, 100.0])
    def test_peaks_are_few_and_cover_all_of_it(self, player: Player, seconds: float, tmp_path: Path) -> None:
        peaks = playable(player.media, player.recording(seconds), tmp_path / "sound.m4a")
        assert 1 <= peaks.length <= 8_192
        assert peaks.length * peaks.samples_per_pixel / peaks.sample_rate == pytest.approx(seconds, abs=0.05)
        assert peaks.samples_per_pixel >= peaks.sample_rate / 100
        assert len(peaks.data) == peaks.length * peaks.channels * 2
        pairs = np.array(peaks.data).reshape(-1, 2)
        assert pairs.min() >= -128
        assert pairs.max() <= 127
        assert (pairs[:, 0] <= pairs[:, 1]).all()
        assert (pairs[:, 1] > 5).any()

    def test_the_same_gives_the_same(self, player: Player, tmp_path: Path) -> None:
        both = [playable(player.media, player.recording(3), tmp_path / name) for name in ("first", "second")]
        assert both[0] == both[1]
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()

    @pytest.mark.parametrize(("content", "code"), [(b"", Code.EMPTY), (b"no sound at all", Code.NOT_AUDIO)])
    def test_what_is_no_recording_is_refused(self, player: Player, content: bytes, code: Code, tmp_path: Path) -> None:
        with pytest.raises(Rejected) as caught:
            playable(player.media, content, tmp_path / "sound.m4a")
        assert caught.value.code is code
        assert list(tmp_path.iterdir()) == []

    def test_its_name_tells_it_from_others(self, player: Player) -> None:
        assert player.media.playable_name
        assert player.media.playable_name == player.media.playable_name.strip()


def measured(path: Path) -> tuple[float, Floats]:
    """Loudness by the library's own meter, and the samples, shape (channels, n)."""
    graph, parts = av.filter.Graph(), []
    told: dict[str, str] = {}
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        graph.link_nodes(
            graph.add_abuffer(template=stream), graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
        ).configure()
        for frame in [*file.decode(audio=0), None]:
            if frame is not None:
                parts.append(cast(Any, frame.to_ndarray()))
            graph.push(frame)
            while True:
                try:
                    told = cast(Any, graph.pull()).metadata or told
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    return float(told["lavfi.r128.I"]), np.concatenate(parts, axis=1)


class TestPyAV:
    @pytest.mark.parametrize("gain", [0.03, 1.0, 8.0])
    def test_quiet_and_loud_come_out_alike_and_nothing_is_cut(self, gain: float, tmp_path: Path) -> None:
        content = encoded("wav", "pcm_s16le", np.clip(speech(12) * np.float32(gain), -1, 1))
        playable(PyAVMedia(), content, tmp_path / "sound.m4a")
        loudness, samples = measured(tmp_path / "sound.m4a")
        assert loudness == pytest.approx(TARGET, abs=0.7)
        assert np.abs(samples).max() < 0.95

    def test_our_meter_tells_what_the_library_s_tells(self, tmp_path: Path) -> None:
        said = np.concatenate([speech(8), 0 * speech(5), speech(4) * np.float32(0.1)])
        (tmp_path / "sound.wav").write_bytes(encoded("wav", "pcm_f32le", said))
        ours = Loudness()
        for start in range(0, len(said), 10_007):
            ours.add(said[None, start : start + 10_007])
        assert ours.of_mix() == pytest.approx(measured(tmp_path / "sound.wav")[0], abs=0.1)

    def test_silence_has_no_loudness(self) -> None:
        ours = Loudness()
        assert ours.of_mix() == SILENCE
        ours.add(np.zeros((2, RATE), np.float32))
        assert ours.of_channels() == (SILENCE, SILENCE)

    @pytest.mark.parametrize("label", ["ogg-opus", "m4a", "mp3", "flac", "amr"])
    def test_every_form_is_made_playable_with_its_index_in_front(self, label: str, tmp_path: Path) -> None:
        playable(PyAVMedia(), FORMATS[label](speech(3)), tmp_path / "sound.m4a")
        content = (tmp_path / "sound.m4a").read_bytes()
        assert content[4:8] == b"ftyp"
        assert content.index(b"moov") < content.index(b"mdat")
        with av.open(io.BytesIO(content), "r") as file:
            stream = file.streams.audio[0]
            assert (stream.codec_context.name, stream.rate, stream.channels) == ("aac", RATE, 1)
            file.seek(2_000_000)
            assert next(file.decode(audio=0)).time == pytest.approx(2.0, abs=0.1)

    def test_channels_with_a_voice_each_stay_two_and_become_equally_loud(self, tmp_path: Path) -> None:
        content = encoded("wav", "pcm_s16le", call_channels(gains=(1.0, 0.1), seconds=30), channels=2)
        peaks = playable(PyAVMedia(), content, tmp_path / "sound.m4a")
        assert peaks.channels == 2
        _, samples = measured(tmp_path / "sound.m4a")
        left, right = (float(np.percentile(np.abs(channel), 99)) for channel in samples)
        assert left == pytest.approx(right, rel=0.5)

    def test_channels_that_are_alike_become_one(self, tmp_path: Path) -> None:
        content = encoded("wav", "pcm_s16le", speech(12), channels=2)
        assert playable(PyAVMedia(), content, tmp_path / "sound.m4a").channels == 1

    def test_what_a_killed_one_left_is_written_over(self, tmp_path: Path) -> None:
        (tmp_path / "sound.m4a.part").write_bytes(b"half")
        playable(PyAVMedia(), wav(speech(1)), tmp_path / "sound.m4a")
        assert [path.name for path in tmp_path.iterdir()] == ["sound.m4a"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
    def test_a_full_disk_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "sound.m4a.part").symlink_to("/dev/full")
        with pytest.raises(Unavailable) as caught:
            playable(PyAVMedia(), wav(speech(30)), tmp_path / "sound.m4a")
        assert caught.value.code is Code.NO_SPACE
        assert list(tmp_path.iterdir()) == []

    def test_a_failing_source_leaves_nothing_and_its_error_passes(self, tmp_path: Path) -> None:
        lost = Unavailable(Code.STORE_UNAVAILABLE, "gone")
        reads = 0

        class Failing(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                nonlocal reads
                reads += 1
                if reads > 60:
                    raise lost
                return super().read(size)

        source = Failing(wav(speech(60)))
        with pytest.raises(Unavailable) as caught:
            PyAVMedia().playable(source, name="x", target=tmp_path / "sound.m4a", on_progress=_ignored)
        assert caught.value is lost
        assert list(tmp_path.iterdir()) == []
