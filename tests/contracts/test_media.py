"""What every decoder promises (ports.Media)."""

import contextlib
import errno
import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.builders_faults import joiner, noise, playlist
from tests.builders_media import FORMATS, SPEECH, call_channels, encoded, ogg_pages, speech, wav
from tests.sounds import OddInput, odd_inputs
from voxpersona.adapters.media import PyAVMedia, pcm
from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.model import CLIPPED, MediaFacts
from voxpersona.ports import RATE, Floats, Media

ODD = odd_inputs()
CONTENT_TYPES = {
    "ogg-opus": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4-video": "video/mp4",
    "mov-pcm": "video/quicktime",
    "3gp-amr": "audio/3gpp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "webm": "audio/webm",
    "webm-video": "video/webm",
    "mka-aac": "audio/x-matroska",
    "wma": "audio/x-ms-wma",
    "amr": "audio/amr",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "caf": "audio/x-caf",
    "mpegts": "video/mp2t",
}
# A file whose index stands at its end has none when it is cut off: nothing of it can be read.
INDEX_BEHIND = {"m4a", "3gp-amr"}
EVEN = {"mpegts": 188, "mp2": 384, "amr": 13}
TELLS_TOO_LITTLE = {"mp3-no-header", "mp2", "flac", "webm-live", "amr", "aac", "avi", "mpegts"}
"""Of its length, or of whether it is cut: all of it is decoded."""
CUTS = [(label, share) for label in FORMATS for share in (0.1, 0.5, 0.99)]


@pytest.fixture(params=[PyAVMedia])
def media(request: pytest.FixtureRequest) -> Media:
    make: Callable[[], Media] = request.param
    return make()


def decoded(media: Media, content: bytes, target: Path | None = None) -> MediaFacts:
    return media.decode(io.BytesIO(content), name="a name", target=target)


class TestForms:
    @pytest.mark.parametrize("label", FORMATS)
    def test_every_form_lasts_as_long_as_it_was_made(self, media: Media, label: str, tmp_path: Path) -> None:
        facts = decoded(media, FORMATS[label](speech(5)), tmp_path / "sound")
        assert facts.seconds == pytest.approx(5, abs=0.1)
        assert facts.damage is None
        assert media.sound(tmp_path / "sound").seconds == facts.seconds
        assert facts.content_type == CONTENT_TYPES.get(label, facts.content_type)

    @pytest.mark.parametrize("label", ["ogg-opus", "m4a", "mp3", "wav", "flac", "webm"])
    def test_what_is_read_back_is_what_was_said(self, media: Media, label: str, tmp_path: Path) -> None:
        said = speech(4)
        decoded(media, FORMATS[label](said), tmp_path / "sound")
        heard = media.sound(tmp_path / "sound").read(0, 4)
        expected = np.interp(np.arange(len(heard)) * 3, np.arange(len(said)), said)
        # Every encoder shifts the waves a little: the best match within 50 ms counts.
        shifts = range(-800, 801, 4)
        likeness = max(float(np.corrcoef(np.roll(heard, shift), expected)[0, 1]) for shift in shifts)
        assert likeness > 0.9

    def test_the_sample_is_described(self, media: Media) -> None:
        with SPEECH.open("rb") as source:
            facts = media.decode(source, name="x")
        assert (facts.container, facts.codec, facts.rate, facts.channels) == ("ogg", "opus", 48_000, 1)
        assert facts.seconds == pytest.approx(59.113, abs=0.001)
        assert 0.1 < facts.peak <= 1

    def test_the_peak_of_too_loud_a_recording_is_one(self, media: Media) -> None:
        assert decoded(media, wav(speech() * 50, bits=32, is_float=True)).peak == 1

    @pytest.mark.parametrize("form", ["wav", "ogg-opus"])
    def test_two_channels_that_are_alike_sound_as_one(self, media: Media, form: str, tmp_path: Path) -> None:
        loud = speech(4) * np.float32(0.98 / np.abs(speech(4)).max())
        container, codec = {"wav": ("wav", "pcm_s16le"), "ogg-opus": ("ogg", "libopus")}[form]
        heard = []
        for channels in (1, 2):
            facts = decoded(media, encoded(container, codec, loud, channels=channels), tmp_path / "sound")
            heard.append((facts.peak, media.sound(tmp_path / "sound").read(0, 4)))
        (one_peak, one), (two_peak, two) = heard
        assert two_peak == pytest.approx(one_peak, abs=0.1)
        assert np.sqrt(np.mean(two**2)) == pytest.approx(np.sqrt(np.mean(one**2)), rel=0.05)

    @pytest.mark.parametrize("form", [("wav", "pcm_s16le"), ("ogg", "libopus"), ("mp3", "libmp3lame")])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_clipping_is_told(self, media: Media, form: tuple[str, str], channels: int) -> None:
        loudest = speech(6) / np.abs(speech(6)).max()
        for gain, is_clipped in ((0.3, False), (1.0, False), (8.0, True)):
            cut = np.clip(loudest * np.float32(gain), -1, 1)
            facts = decoded(media, encoded(*form, cut, channels=channels))
            assert (facts.clipped >= CLIPPED) == is_clipped

    def test_a_very_quiet_recording_is_kept_as_it_is(self, media: Media, tmp_path: Path) -> None:
        quiet = speech(4) * np.float32(10 ** (-50 / 20) / np.sqrt(np.mean(speech(4) ** 2)))
        facts = decoded(media, encoded("wav", "pcm_s16le", quiet), tmp_path / "sound")
        assert facts.clipped == 0
        heard = media.sound(tmp_path / "sound").read(0, 4)
        assert 20 * np.log10(np.sqrt(np.mean(heard**2))) == pytest.approx(-50, abs=1)

    @pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.label)
    def test_odd_inputs_get_what_they_deserve(self, media: Media, odd: OddInput, tmp_path: Path) -> None:
        target = tmp_path / "sound"
        source = io.BytesIO(odd.make())
        if odd.seconds is None:
            with pytest.raises(Rejected) as refused:
                media.decode(source, name=odd.name, target=target)
            assert refused.value.code in odd.codes
            assert refused.value.facts["name"] == odd.name
            assert list(tmp_path.iterdir()) == []
            return
        facts = media.decode(source, name=odd.name, target=target)
        assert facts.seconds == pytest.approx(odd.seconds, abs=odd.tolerance)
        assert odd.is_cut == (facts.damage is not None)
        assert media.sound(target).seconds == facts.seconds

    def test_there_are_many_odd_inputs_and_no_two_are_alike(self) -> None:
        assert len(ODD) >= 65
        assert len({odd.name for odd in ODD}) == len({odd.label for odd in ODD}) == len(ODD)
        assert all(len(odd.name.encode()) <= 255 and not set(odd.name) & {"/", "\0"} for odd in ODD)


class TestRanges:
    @pytest.fixture
    def target(self, media: Media, tmp_path: Path) -> Path:
        decoded(media, FORMATS["ogg-opus"](speech(10)), tmp_path / "sound")
        return tmp_path / "sound"

    def test_ranges_put_together_are_the_whole(self, media: Media, target: Path) -> None:
        sound = media.sound(target)
        whole = sound.read(0, sound.seconds)
        edges = np.linspace(0, sound.seconds, 38)
        parts = [sound.read(start, end) for start, end in itertools.pairwise(edges)]
        assert np.array_equal(np.concatenate(parts), whole)
        assert whole.dtype == np.float32
        assert len(whole) == round(sound.seconds * RATE)
        assert 0.05 < np.abs(whole).max() <= 1

    def test_ranges_are_clipped_to_the_recording(self, media: Media, target: Path) -> None:
        sound = media.sound(target)
        assert np.array_equal(sound.read(-5, 1), sound.read(0, 1))
        assert np.array_equal(sound.read(9, 99), sound.read(9, sound.seconds))
        assert sound.read(50, 60).shape == (0,)
        assert sound.read(5, 4).shape == (0,)

    def test_decoding_again_gives_the_same_sound(self, media: Media, target: Path) -> None:
        before = target.read_bytes()
        decoded(media, FORMATS["ogg-opus"](speech(10)), target)
        assert target.read_bytes() == before


def _roomy(said: Floats) -> Floats:
    """Two microphones in one room: one a little later, quieter, with another hiss."""
    hiss = np.random.default_rng(3).standard_normal((2, len(said))).astype(np.float32) * np.float32(1e-3)
    heard: Floats = np.stack([said, np.roll(said, 40) * np.float32(0.6)]) + hiss
    return heard


class TestSides:
    """Channels that carry different voices are told by how loud each is when; all others by nothing."""

    @pytest.mark.parametrize("gains", [(1.0, 1.0), (0.6, 0.06)])
    @pytest.mark.parametrize("leak", [0.0, 0.1])
    @pytest.mark.parametrize("form", [("wav", "pcm_s16le"), ("mp3", "libmp3lame")])
    def test_a_call_has_two(
        self, media: Media, form: tuple[str, str], leak: float, gains: tuple[float, float], tmp_path: Path
    ) -> None:
        call = call_channels(gains=gains, leak=leak, seconds=30)
        decoded(media, encoded(*form, call, channels=2), tmp_path / "sound")
        sides = media.sound(tmp_path / "sound").sides
        assert sides is not None
        assert sides.shape == (pytest.approx(3_000, abs=12), 2)
        asked, answered = sides[60:550].mean(axis=0), sides[820:1500].mean(axis=0)
        assert asked[0] - answered[0] > 10
        assert answered[1] - asked[1] > 10

    @pytest.mark.parametrize(
        "channels",
        [
            np.stack([speech(20)] * 2),
            _roomy(speech(20)),
            np.stack([speech(20), 0 * speech(20)]),
            np.stack([speech(20), speech(20, start=31)]),  # both speak all the time
            np.stack([speech(20), _roomy(0 * speech(20))[0]]),
            call_channels(seconds=4),  # too short to tell
            call_channels(leak=0.5, seconds=30),
        ],
        ids=["alike", "room", "one-empty", "both-always", "noise", "short", "leaking"],
    )
    def test_others_have_none(self, media: Media, channels: Floats, tmp_path: Path) -> None:
        decoded(media, encoded("wav", "pcm_s16le", channels, channels=2), tmp_path / "sound")
        assert media.sound(tmp_path / "sound").sides is None

    def test_a_call_mixed_down_has_none(self, media: Media, tmp_path: Path) -> None:
        decoded(media, wav(call_channels(seconds=30).mean(axis=0)), tmp_path / "sound")
        assert media.sound(tmp_path / "sound").sides is None

    def test_what_is_heard_is_the_mix(self, media: Media, tmp_path: Path) -> None:
        call = call_channels(seconds=20)
        for name, channels in (("two", call), ("one", call.mean(axis=0))):
            decoded(media, encoded("wav", "pcm_s16le", channels, channels=channels.ndim), tmp_path / name)
        two, one = (media.sound(tmp_path / name).read(0, 20) for name in ("two", "one"))
        assert np.abs(two - one).max() < 1e-3

    @pytest.mark.parametrize("cut", [1, 8, 4_000])
    def test_a_torn_one_is_refused(self, media: Media, cut: int, tmp_path: Path) -> None:
        decoded(media, encoded("wav", "pcm_s16le", call_channels(seconds=20), channels=2), tmp_path / "sound")
        content = (tmp_path / "sound").read_bytes()
        (tmp_path / "sound").write_bytes(content[:-cut])
        with pytest.raises(Integrity):
            media.sound(tmp_path / "sound")


class TestTarget:
    def test_an_absent_sound_is_not_found(self, media: Media, tmp_path: Path) -> None:
        with pytest.raises(NotFound) as error:
            media.sound(tmp_path / "nothing")
        assert error.value.code == Code.PATH_ABSENT

    @pytest.mark.parametrize("keep", [0, 1, 20, 32, 33, 0.5, 0.99, -1])
    def test_a_torn_sound_is_refused(self, media: Media, tmp_path: Path, keep: float) -> None:
        target = tmp_path / "sound"
        decoded(media, wav(speech(1)), target)
        whole = target.read_bytes()
        target.write_bytes(whole[: int(keep if isinstance(keep, int) else len(whole) * keep)])
        with pytest.raises(Integrity):
            media.sound(target)

    @pytest.mark.parametrize("place", [0, 8, 12, 16, 24, 31])
    def test_a_sound_with_another_header_is_refused(self, media: Media, tmp_path: Path, place: int) -> None:
        target = tmp_path / "sound"
        decoded(media, wav(speech(1)), target)
        content = bytearray(target.read_bytes())
        content[place] ^= 1
        target.write_bytes(content)
        with pytest.raises(Integrity):
            media.sound(target)

    def test_a_recording_is_no_decoded_sound(self, media: Media) -> None:
        with pytest.raises(Integrity):
            media.sound(SPEECH)

    def test_what_a_killed_decoder_left_is_written_over(self, media: Media, tmp_path: Path) -> None:
        (tmp_path / "sound.part").write_bytes(noise(1_000_000))
        decoded(media, wav(speech(1)), tmp_path / "sound")
        assert media.sound(tmp_path / "sound").seconds == 1
        assert [path.name for path in tmp_path.iterdir()] == ["sound"]

    def test_a_failing_source_leaves_nothing_and_its_error_passes(self, media: Media, tmp_path: Path) -> None:
        lost = Unavailable(Code.STORE_UNAVAILABLE, "gone")

        class Failing(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if self.tell() > 100_000:
                    raise lost
                return super().read(size)

        for label in ("ogg-opus", "m4a-index-first", "wav", "mp3", "webm-live"):
            with pytest.raises(Unavailable) as error:
                media.decode(Failing(FORMATS[label](speech(40))), name="x", target=tmp_path / "sound")
            assert error.value is lost
            assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
    def test_a_full_disk_is_unavailable(self, tmp_path: Path) -> None:
        # Only the writer can be pointed at the device; the decoder renames what it wrote.
        (tmp_path / "sound.part").symlink_to("/dev/full")
        with pytest.raises(Unavailable) as error, pcm.PcmWriter(tmp_path / "sound") as writer:
            writer.append(np.zeros(1_000_000, np.float32))
        assert error.value.code == Code.NO_SPACE
        assert isinstance(error.value.__cause__, OSError)
        assert error.value.__cause__.errno == errno.ENOSPC


class TestStoppingEarly:
    """Before a recording is acknowledged only its beginning is decoded, and its structure looked at to the end."""

    @pytest.mark.parametrize("label", FORMATS)
    def test_the_length_is_told_all_the_same(self, media: Media, label: str) -> None:
        content = FORMATS[label](speech(20))
        whole, begun = decoded(media, content), media.decode(io.BytesIO(content), name="a name", most=4.0)
        assert begun.seconds == pytest.approx(whole.seconds, abs=0.2)
        assert begun.damage is None
        assert (begun.container, begun.codec, begun.rate, begun.channels, begun.content_type) == (
            *(whole.container, whole.codec, whole.rate, whole.channels, whole.content_type),
        )
        if label in TELLS_TOO_LITTLE:
            assert begun == whole
        else:
            assert begun.examined is not None
            assert 0.5 <= begun.examined < 6.0

    @pytest.mark.parametrize("label", ["ogg-opus", "m4a", "wav"])
    def test_a_short_one_is_judged_whole(self, media: Media, label: str) -> None:
        content = FORMATS[label](speech(3))
        assert media.decode(io.BytesIO(content), name="a name", most=4.0) == decoded(media, content)

    @pytest.mark.parametrize(("label", "share"), CUTS)
    def test_a_recording_cut_off_short_is_told_as_ever(self, media: Media, label: str, share: float) -> None:
        whole = FORMATS[label](speech(12))
        cut = whole[: int(len(whole) * share)]
        if label in INDEX_BEHIND:
            with pytest.raises(Rejected):
                media.decode(io.BytesIO(cut), name="a name", most=4.0)
            return
        assert media.decode(io.BytesIO(cut), name="a name", most=4.0).damage == decoded(media, cut).damage

    def test_silence_in_the_beginning_is_no_silent_recording(self, media: Media) -> None:
        content = wav(np.concatenate([0 * speech(6), speech(6)]))
        assert media.decode(io.BytesIO(content), name="a name", most=4.0).examined is not None
        assert decoded(media, content).peak > 0.1

    def test_with_a_target_all_of_it_that_was_read_can_be_read_back(self, media: Media, tmp_path: Path) -> None:
        content = FORMATS["ogg-opus"](speech(20))
        facts = media.decode(io.BytesIO(content), name="a name", target=tmp_path / "sound", most=4.0)
        assert media.sound(tmp_path / "sound").seconds == facts.examined


class TestDamage:
    @pytest.mark.parametrize(("label", "share"), CUTS)
    def test_a_recording_cut_off_short_is_told(self, media: Media, label: str, share: float) -> None:
        whole = FORMATS[label](speech(12))
        keep = int(len(whole) * share)
        if keep % EVEN.get(label, keep + 1) == 0:
            keep -= 1  # whole frames or packets tell of no end
        cut = whole[:keep]
        if label in INDEX_BEHIND:
            with pytest.raises(Rejected) as refused:
                decoded(media, cut)
            assert refused.value.code == Code.DAMAGED
            assert "did not finish" in refused.value.detail
            return
        facts = decoded(media, cut)
        assert facts.damage is not None
        assert f"{facts.seconds:.1f} s" in facts.damage or f"{facts.seconds:.2f} s" in facts.damage

    def test_the_damage_has_both_lengths(self, media: Media) -> None:
        whole = wav(speech(12))
        assert decoded(media, whole[: len(whole) // 2]).damage == "declares 12.0 s, holds 6.0 s"

    def test_an_ogg_cut_between_two_pages_is_whole(self, media: Media) -> None:
        pages = ogg_pages(FORMATS["ogg-opus"](speech(12)))
        assert decoded(media, b"".join(pages[:-3])).damage is None

    @pytest.mark.parametrize("label", ["ogg-opus", "m4a", "mp3", "flac", "webm", "wma"])
    def test_a_hole_in_the_middle_is_told(self, media: Media, label: str) -> None:
        content = bytearray(FORMATS[label](speech(20)))
        middle, size = len(content) // 2, len(content) // 10
        content[middle : middle + size] = bytes(size)
        assert decoded(media, bytes(content)).damage is not None

    @pytest.mark.parametrize(("seconds", "is_told"), [(60, True), (130, False)])
    def test_losing_less_than_one_percent_is_no_damage(self, media: Media, seconds: int, is_told: bool) -> None:
        content = bytearray(FORMATS["ogg-opus"](speech(seconds)))
        content[len(content) // 2] ^= 1  # one page fails its checksum: a second is lost
        facts = decoded(media, bytes(content))
        assert (facts.damage is not None) == is_told
        assert facts.seconds == pytest.approx(seconds, abs=0.1)

    def test_a_pause_of_the_recorder_stays_a_pause(self, media: Media, tmp_path: Path) -> None:
        odd = next(odd for odd in ODD if odd.label == "webm-with-a-pause")
        decoded(media, odd.make(), tmp_path / "sound")
        sound = media.sound(tmp_path / "sound")
        assert np.abs(sound.read(2, 6)).max() < 0.001
        assert np.abs(sound.read(0, 1.5)).max() > 0.05
        assert np.abs(sound.read(6.5, 8)).max() > 0.05


class TestSafety:
    @pytest.mark.parametrize("make", [playlist, joiner])
    @pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", FORMATS["mp3"](speech(0.3))[:45]])
    def test_a_script_never_opens_another_file(
        self, media: Media, tmp_path: Path, make: Callable[[str], bytes], head: bytes
    ) -> None:
        other = tmp_path / "other.wav"
        other.write_bytes(wav(speech()))
        for path in (str(other), other.name, f"file:{other}", "http://127.0.0.1:9/x.wav"):
            with pytest.raises(Rejected) as refused:
                decoded(media, head + make(path))
            assert refused.value.code == Code.NOT_AUDIO

    @pytest.mark.parametrize("size", [10, 500, 5_000, 70_000])
    def test_random_bytes_are_never_sound(self, media: Media, size: int) -> None:
        for seed in range(50):
            with pytest.raises(Rejected) as refused:
                decoded(media, noise(size, seed))
            assert refused.value.code in {Code.NOT_AUDIO, Code.NO_SOUND_STREAM}

    def test_broken_files_raise_nothing_but_ours(self, media: Media) -> None:
        generator = np.random.default_rng(11)
        for label, form in FORMATS.items():
            whole = form(speech(1, start=len(label)))
            for reach in (100, 1_000, len(whole)):
                broken = bytearray(whole)
                for place in generator.integers(0, min(reach, len(whole)), 12):
                    broken[place] = generator.integers(256)
                with contextlib.suppress(Rejected):
                    decoded(media, bytes(broken))

    def test_nothing_is_written_to_the_screen(self, media: Media, capfd: pytest.CaptureFixture[str]) -> None:
        whole = FORMATS["flac"](speech(2))
        decoded(media, whole[:-500])
        with pytest.raises(Rejected):
            decoded(media, b"fLaC" + noise(10_000))
        assert capfd.readouterr() == ("", "")
