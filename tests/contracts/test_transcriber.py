"""The contract of Transcriber, over every adapter: Whisper here, Whisper behind a real HTTP server, onnx-asr with a
model that knows one text, and a script."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ctranslate2 import get_cuda_device_count
from faster_whisper import decode_audio

from tests.builders_speech import (
    a_piece_text,
    sample_sound,
    sample_truth,
    short_piece,
    short_turns,
    text_of,
    word_error_rate,
    words_of,
)
from tests.noises import KINDS
from tests.onnx_models import PARAKEET, tokens_of, write_parakeet
from tests.sound_arrays import WaveSound
from tests.speech_server import SpeechServer, hearing
from voxpersona.adapters.transcriber.faster_whisper import FasterWhisperTranscriber
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.adapters.transcriber.onnx import OnnxTranscriber
from voxpersona.adapters.transcriber.openai import OpenAITranscriber
from voxpersona.adapters.transcriber.wording import settle
from voxpersona.adapters.weights import Hints, find_whisper
from voxpersona.errors import Code, Configuration, VoxPersonaError
from voxpersona.model import Doubt, Piece, PieceText
from voxpersona.pipeline.pieces import in_halves, join, plan
from voxpersona.ports import RATE, Floats, Transcriber

RUSSIAN = Path("/usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav")
"""Where Debian keeps the Russian sentences of its package festvox-ru."""

HINTS = Hints(path_setting="A_PATH", download_setting="A_PERMISSION")


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> FasterWhisperTranscriber:
    """The one loaded model of this run."""
    cache = tmp_path_factory.mktemp("weights")
    path = find_whisper(path=None, cache=cache, model="base", allow_download=False, hints=HINTS)
    return FasterWhisperTranscriber(path, model_name="base")


@pytest.fixture(scope="session")
def server(whisper: FasterWhisperTranscriber) -> Iterator[SpeechServer]:
    with hearing(whisper) as running:
        yield running


def _scripted(sound: Floats, language: str | None) -> PieceText:
    """Says the truth of the sample's short piece to whatever is loud."""
    if np.abs(sound).max(initial=0.0) < 0.01:
        return PieceText(language=language or "en", language_confidence=0.0, segments=())
    return a_piece_text(*short_turns(), language=language or "en")


@pytest.fixture(scope="session", params=["whisper", "openai", "onnx", "scripted"])
def transcriber(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transcriber]:
    if request.param == "whisper":
        yield request.getfixturevalue("whisper")
    elif request.param == "openai":
        over_http = OpenAITranscriber(
            request.getfixturevalue("server").url,
            keys=["sk-contract"],
            model="whisper-1",
            in_halves=in_halves,
            timeout=120,
        )
        yield over_http
        over_http.close()
    elif request.param == "onnx":
        path = tmp_path_factory.mktemp("parakeet")
        write_parakeet(path, tokens_of(short_turns()))
        yield OnnxTranscriber(path, model_name=PARAKEET)
    else:
        yield ScriptedTranscriber(_scripted)


@pytest.fixture(scope="session")
def progress() -> list[float]:
    """What the one hearing told of its progress."""
    return []


@pytest.fixture(scope="session")
def heard(transcriber: Transcriber, progress: list[float]) -> PieceText:
    """The short piece of the sample, heard once by each adapter."""
    progress.clear()
    return transcriber.transcribe(
        short_piece(), language=None, words=("Anna", "Hotel North"), on_progress=progress.append
    )


class TestEveryTranscriber:
    def test_what_was_said_is_heard(self, heard: PieceText) -> None:
        assert word_error_rate(" ".join(turn[2] for turn in short_turns()), text_of(heard)) < 0.05

    def test_punctuation_and_capitals_stay_with_the_words(self, heard: PieceText) -> None:
        assert any(word.text.endswith(".") for word in words_of(heard))
        assert any(word.text[0].isupper() for word in words_of(heard))

    def test_words_are_in_order_and_inside_the_piece(self, heard: PieceText) -> None:
        seconds = len(short_piece()) / RATE
        words = words_of(heard)
        assert all(0.0 <= word.start <= word.end <= seconds for word in words)
        assert all(before.end <= after.start + 1e-9 for before, after in itertools.pairwise(words))

    def test_words_are_where_they_are_spoken(self, heard: PieceText) -> None:
        (friendly,) = [word for word in words_of(heard) if "friendly" in word.text]
        assert 5.5 < friendly.start < friendly.end < 7.7
        assert 0.0 < friendly.confidence <= 1.0

    def test_a_segments_text_is_its_words_joined_by_blanks(self, heard: PieceText) -> None:
        assert heard.segments
        for segment in heard.segments:
            assert segment.text == " ".join(word.text for word in segment.words)
            assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
            assert 0.0 < segment.confidence <= 1.0

    def test_the_language_is_found_out_as_a_code(self, heard: PieceText) -> None:
        assert heard.language == "en"

    def test_silence_gives_no_segments(self, transcriber: Transcriber) -> None:
        hiss = np.random.default_rng(7).standard_normal(4 * RATE).astype(np.float32) * 1e-4
        words = ("Anna", "Grand Hotel")
        for quiet in (np.zeros(4 * RATE, np.float32), hiss, np.zeros(0, np.float32), np.zeros(5, np.float32)):
            for language in ("en", None):
                heard = transcriber.transcribe(quiet, language=language, words=words, on_progress=lambda _: None)
                assert heard.segments == ()

    def test_progress_rises_to_one(self, heard: PieceText, progress: list[float]) -> None:
        assert progress == sorted(progress)
        assert progress[0] >= 0.0
        assert progress[-1] == 1.0

    def test_the_name_is_stable(self, transcriber: Transcriber) -> None:
        assert transcriber.name
        assert transcriber.name == transcriber.name

    def test_what_the_caller_raises_while_told_of_progress_reaches_the_caller(self, transcriber: Transcriber) -> None:
        def stop(_share: float) -> None:
            raise RuntimeError("the caller's own")

        with pytest.raises(RuntimeError, match="the caller's own"):
            transcriber.transcribe(short_piece()[: 5 * RATE], language="en", on_progress=stop)


def test_a_whole_recording_in_pieces_reads_as_it_was_said(whisper: FasterWhisperTranscriber) -> None:
    sound = WaveSound(sample_sound())
    pieces = plan(sound, shortest=10, longest=20)
    assert len(pieces) > 2
    texts = [
        whisper.transcribe(sound.read(*piece.heard), language=None, on_progress=lambda _: None) for piece in pieces
    ]
    joined = join(pieces, texts)
    segments = joined.segments
    assert joined.language == "en"
    assert word_error_rate(sample_truth()["text"], " ".join(segment.text for segment in segments)) < 0.05
    goodbye = segments[-1].words[-1]
    assert goodbye.text.lower().startswith("goodbye")
    assert 57.0 < goodbye.start < 59.1


def test_a_cut_forced_through_a_word_loses_and_doubles_none(whisper: FasterWhisperTranscriber) -> None:
    """Without context, Whisper base loses the word `days` here."""
    start, cut, end = 6.5, 13.28, 21.55
    sound = WaveSound(sample_sound()[round(start * RATE) : round(end * RATE)])
    pieces = (
        Piece(index=0, start=0.0, end=cut - start, after=3.0),
        Piece(index=1, start=cut - start, end=end - start, before=3.0),
    )
    texts = [whisper.transcribe(sound.read(*each.heard), language="en", on_progress=lambda _: None) for each in pieces]
    said = " ".join(turn["text"] for turn in sample_truth()["turns"] if start <= turn["start"] < end)
    assert _plain(" ".join(segment.text for segment in join(pieces, texts).segments)) == _plain(said)


def test_parts_of_a_piece_that_are_heard_apart_keep_their_times(whisper: FasterWhisperTranscriber) -> None:
    """As they are where the language changes; both of these are English, as all is that the tests have to hear."""
    told: list[float] = []
    seconds = len(short_piece()) / RATE
    border = (short_turns()[0][1] + short_turns()[1][0]) / 2
    lines, _ = whisper._heard(short_piece(), [(0.0, border, "en"), (border, seconds, "en")], (), told.append)
    heard = PieceText(language="en", language_confidence=1.0, segments=settle(lines, seconds))
    assert word_error_rate(" ".join(turn[2] for turn in short_turns()), text_of(heard)) < 0.05
    (friendly,) = [word for word in words_of(heard) if "friendly" in word.text]
    assert 5.5 < friendly.start < friendly.end < 7.7
    assert told == sorted(told)


def test_looking_for_languages_changes_nothing_where_there_is_one(whisper: FasterWhisperTranscriber) -> None:
    found = whisper.transcribe(short_piece(), language=None, on_progress=lambda _: None)
    told = whisper.transcribe(short_piece(), language="en", on_progress=lambda _: None)
    assert (found.language, found.spoken, found.segments) == ("en", (), told.segments)
    assert found.language_confidence > 0.8


@pytest.mark.skipif(not RUSSIAN.is_dir(), reason="Debian's festvox-ru is not installed")
def test_a_piece_in_two_languages_is_heard_in_both(whisper: FasterWhisperTranscriber) -> None:
    """Told that all is English, as its beginning is, Whisper base translates the Russian or leaves it out."""
    paths = sorted(RUSSIAN.glob("*.wav"))[3:6]
    russian = [np.asarray(decode_audio(str(path), sampling_rate=RATE), np.float32) for path in paths]
    pause = np.zeros(RATE // 2, np.float32)
    sound = np.concatenate([short_piece(), pause, *russian, pause, short_piece()])
    heard = whisper.transcribe(sound, language=None, on_progress=lambda _: None)
    assert [each.language for each in heard.spoken] == ["en", "ru", "en"]
    first, last = len(short_piece()) / RATE, (len(sound) - len(short_piece())) / RATE
    assert heard.spoken[0].end == pytest.approx(first, abs=0.7)
    assert heard.spoken[1].end == pytest.approx(last, abs=0.7)
    between = [segment.text for segment in heard.segments if first <= segment.start and segment.end <= last]
    assert between
    assert not re.search("[a-z]", " ".join(between).lower())
    english = [segment.text for segment in heard.segments if segment.end <= first or segment.start >= last - 0.5]
    assert word_error_rate(" ".join(turn[2] for turn in short_turns() * 2), " ".join(english)) < 0.05


def _plain(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", "", text.lower()).split()


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_speaks_no_sentence_is_invented(whisper: FasterWhisperTranscriber, kind: str) -> None:
    assert (
        whisper.transcribe(KINDS[kind](25.0, 1), language="ru", words=("Анна",), on_progress=lambda _: None).segments
        == ()
    )


def test_a_crowd_talking_at_once_gives_no_credits_of_subtitles(whisper: FasterWhisperTranscriber) -> None:
    """The voice activity model hears voices, and Whisper base wrote `Редактор субтитров ...`."""
    voices = [np.roll(sample_sound(), 219_359 * place)[: 20 * RATE] for place in range(12)]
    crowd = (np.sum(voices, axis=0) / 6).astype(np.float32)
    heard = whisper.transcribe(crowd, language="ru", on_progress=lambda _: None)
    assert heard.segments == ()
    assert {each.reason for each in heard.dropped} <= {Doubt.PHANTOM, Doubt.UNSURE}  # processors round differently
    assert all(0.0 <= each.start < each.end <= 20.0 for each in heard.dropped)


def test_a_very_quiet_piece_is_heard_as_well(whisper: FasterWhisperTranscriber) -> None:
    piece = short_piece()
    quiet = np.rint(piece * (10 ** (-50 / 20) / np.sqrt(np.mean(piece**2))) * 32_768) / 32_768  # as it is kept
    heard = whisper.transcribe(quiet.astype(np.float32), language="en", on_progress=lambda share: None)
    truth = " ".join(text for _, _, text in short_turns())
    assert word_error_rate(truth, text_of(heard)) <= 0.06


def test_the_whispers_name_tells_every_setting_that_changes_text(whisper: FasterWhisperTranscriber) -> None:
    def named(**settings: str | int) -> str:
        told = {"model_name": "base", **settings}
        return FasterWhisperTranscriber(whisper._path, **told).name  # type: ignore[arg-type]  # a model of other types

    others = (named(compute_type="float32"), named(beam=1), named(model_name="other"), named(batch=4))
    assert len({named(), *others}) == 5
    assert named() == named(device="cpu", compute_type="int8", batch=1) == whisper.name


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"compute_type": "int7"}, "cannot compute as int7 on cpu, but as "),
        ({"device": "abacus"}, "cannot compute as int8 on abacus"),
    ],
)
def test_what_the_engine_cannot_compute_in_is_refused_with_what_it_can(
    whisper: FasterWhisperTranscriber, settings: dict[str, str], reason: str
) -> None:
    wrong = FasterWhisperTranscriber(whisper._path, model_name="base", **settings)  # type: ignore[arg-type]  # texts only
    refusal = _refusal(wrong, "en")
    assert refusal.code == Code.TRANSCRIBER_DEVICE
    assert reason in str(refusal.facts["reason"])


@pytest.mark.skipif(get_cuda_device_count() > 0, reason="there is a graphics card")
def test_a_graphics_card_that_is_not_there_is_told_before_anything_is_heard(whisper: FasterWhisperTranscriber) -> None:
    with_card = FasterWhisperTranscriber(whisper._path, model_name="base", device="cuda")
    assert _refusal(with_card, "en").code == Code.TRANSCRIBER_DEVICE
    with pytest.raises(Configuration, match="no graphics card"):
        _ = with_card.name
    assert FasterWhisperTranscriber(whisper._path, model_name="base", device="auto").name == whisper.name


def test_several_windows_at_once_are_heard_as_well(whisper: FasterWhisperTranscriber) -> None:
    batched = FasterWhisperTranscriber(whisper._path, model_name="base", batch=2)
    told: list[float] = []
    heard = batched.transcribe(short_piece(), language=None, on_progress=told.append)
    assert word_error_rate(" ".join(turn[2] for turn in short_turns()), text_of(heard)) < 0.05
    assert len(heard.segments) > 1
    (friendly,) = [word for word in words_of(heard) if "friendly" in word.text]
    assert 5.5 < friendly.start < friendly.end < 7.7
    assert (heard.language, told[-1]) == ("en", 1.0)
    for quiet in (np.zeros(4 * RATE, np.float32), np.zeros(5, np.float32)):
        for language in ("en", None):
            assert batched.transcribe(quiet, language=language, on_progress=lambda _: None).segments == ()


def test_a_language_the_model_does_not_know_is_refused_and_not_heard_as_english(
    whisper: FasterWhisperTranscriber,
) -> None:
    assert _refusal(whisper, "xx").code == Code.TRANSCRIBER_REFUSED


def test_a_model_that_is_not_there_or_not_whole_is_named_and_never_fetched(
    whisper: FasterWhisperTranscriber, tmp_path: Path
) -> None:
    nothing = FasterWhisperTranscriber(tmp_path / "nothing", model_name="base")
    assert _refusal(nothing, "en").code == Code.MODEL_ABSENT
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).symlink_to(whisper._path / name)
    (tmp_path / "model.bin").write_bytes((whisper._path / "model.bin").read_bytes()[:1_000_000])
    assert _refusal(FasterWhisperTranscriber(tmp_path, model_name="base"), "en").code == Code.TRANSCRIBER_REFUSED
    (tmp_path / "tokenizer.json").unlink()
    assert "tokenizer.json" in _refusal(FasterWhisperTranscriber(tmp_path, model_name="base"), "en").detail


def _refusal(transcriber: Transcriber, language: str) -> VoxPersonaError:
    with pytest.raises(Configuration) as refusal:
        transcriber.transcribe(np.zeros(RATE, np.float32), language=language, on_progress=lambda _: None)
    return refusal.value
