"""onnx-asr itself, with a tiny model of the real form: stretches, times, and what is wrong with a model, plainly."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.builders_speech import sample_sound, text_of, words_of
from tests.onnx_models import PARAKEET, write_parakeet
from voxpersona.adapters.transcriber.onnx import OnnxTranscriber, _joined, _stretches, _words
from voxpersona.adapters.weights import Hints, find_onnx
from voxpersona.doors.remedies import remedy
from voxpersona.errors import Code, Configuration
from voxpersona.model import PieceText
from voxpersona.ports import RATE, Floats
from voxpersona.settings import Settings
from voxpersona.wiring import House

HINTS = Hints(path_setting="A_PATH", download_setting="A_PERMISSION", extra="onnx")


@pytest.fixture(scope="module")
def parakeet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / f"onnx-{PARAKEET}"
    write_parakeet(path, [(0.2, "▁So"), (0.6, "▁it"), (1.0, "▁was"), (1.2, "."), (16.0, "▁Late"), (16.2, "r.")])
    return path


def hear(path: Path, sound: Floats, *, name: str = PARAKEET, language: str | None = None) -> PieceText:
    return OnnxTranscriber(path, model_name=name).transcribe(sound, language=language, on_progress=lambda _: None)


def refusal(path: Path, *, name: str = PARAKEET, language: str | None = None) -> Configuration:
    with pytest.raises(Configuration) as caught:
        hear(path, sample_sound()[: 5 * RATE], name=name, language=language)
    return caught.value


def test_a_piece_is_heard_in_stretches_the_model_can_take_and_each_at_its_time(parakeet: Path) -> None:
    """The model says the same at the start of each."""
    sound = sample_sound()
    stretches = list(_stretches(sound))
    assert len(stretches) > 2
    assert all(end - start <= 20 * RATE for start, end in stretches)
    heard = hear(parakeet, sound)
    begins = [word.start for word in words_of(heard) if word.text == "So"]
    assert begins == pytest.approx([start / RATE + 0.2 for start, _ in stretches], abs=0.05)
    assert text_of(heard).startswith("So it was. ")
    assert heard.language_confidence == 0.0


def test_where_nobody_pauses_a_stretch_ends_all_the_same() -> None:
    voice = np.concatenate([sample_sound()[round(start * RATE) : round(end * RATE)] for start, end in _turns()] * 2)
    assert all(0 < end - start <= 20 * RATE for start, end in _stretches(voice))


def _turns() -> Sequence[tuple[float, float]]:
    return [(start / RATE, end / RATE) for start, end in _stretches(sample_sound())]


def test_words_begin_with_a_blank_or_after_one_and_end_before_the_next() -> None:
    tokens = [
        (" Ho", 1.0, -0.1),
        ("tel", 1.2, -0.3),
        (" is", 1.3, -0.2),
        ("a", 3.0, 0.0),
        (" ", 3.08, 0.0),
        ("b", 5.0, 0.0),
    ]
    words = _joined(tokens, 5.1)
    assert [(word.text, word.start, word.end) for word in words] == [
        ("Hotel", 1.0, 1.3),
        ("isa", 1.3, 3.08),
        ("b", 5.0, 5.1),
    ]
    assert words[0].confidence == pytest.approx(np.exp(-0.2), abs=1e-3)


@pytest.mark.parametrize(
    "answer",
    [
        SimpleNamespace(text="so it was", tokens=["so it was"], timestamps=None, logprobs=None),
        SimpleNamespace(text="so it was", tokens=[" so", " it"], timestamps=[0.1, 0.2], logprobs=[-0.1, -0.1]),
    ],
)
def test_text_without_its_times_stands_and_they_are_estimated(answer: SimpleNamespace) -> None:
    words = _words(answer, 3.0, 6.0)
    assert [word.text for word in words] == ["so", "it", "was"]
    assert all(3.0 <= word.start <= word.end <= 6.0 and word.confidence == 0.0 for word in words)


def test_a_model_of_one_language_refuses_another_and_tells_its_own(parakeet: Path, tmp_path: Path) -> None:
    assert hear(parakeet, sample_sound()[: 5 * RATE]).language == "en"
    assert "does not know the language ru" in refusal(parakeet, language="ru").detail
    assert hear(tmp_path, np.zeros(0, np.float32), name="gigaam-v3-e2e-rnnt").language == "ru"
    assert hear(tmp_path, np.zeros(0, np.float32), name="nemo-parakeet-tdt-0.6b-v3").language == "und"


def test_a_model_that_is_not_there_not_whole_or_no_model_is_told_as_such(parakeet: Path, tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing").code is Code.MODEL_ABSENT
    assert refusal(parakeet, name="gigaam-v3-e2e-ctc").code is Code.MODEL_ABSENT
    assert refusal(parakeet, name="parrot").code is Code.TRANSCRIBER_REFUSED
    for name in ("vocab.txt", "config.json"):
        (tmp_path / name).write_bytes((parakeet / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"no model")
    assert refusal(tmp_path).code is Code.TRANSCRIBER_REFUSED
    (tmp_path / "model.onnx").write_bytes((parakeet / "model.onnx").read_bytes())
    (tmp_path / "vocab.txt").write_text("nonsense")
    assert refusal(tmp_path).code is Code.TRANSCRIBER_REFUSED


def test_the_name_tells_model_files_and_quantization_apart(parakeet: Path, tmp_path: Path) -> None:
    write_parakeet(tmp_path, [(0.2, "▁Other")])
    plain = OnnxTranscriber(parakeet, model_name=PARAKEET)
    others = [
        OnnxTranscriber(tmp_path, model_name=PARAKEET),
        OnnxTranscriber(parakeet, model_name="nemo-parakeet-ctc-1.1b"),
        OnnxTranscriber(parakeet, model_name=PARAKEET, quantization="int8"),
    ]
    assert len({plain.name, *(other.name for other in others)}) == 4
    assert plain.name == OnnxTranscriber(parakeet, model_name=PARAKEET, threads=1).name


def find(path: Path | None, cache: Path, model: str = PARAKEET, quantization: str = "") -> Path:
    return find_onnx(path=path, cache=cache, model=model, quantization=quantization, allow_download=False, hints=HINTS)


def test_it_is_found_by_path_or_under_its_name_in_the_cache_and_nowhere_else(parakeet: Path, tmp_path: Path) -> None:
    assert find(parakeet, tmp_path) == parakeet
    assert find(None, parakeet.parent) == parakeet
    with pytest.raises(Configuration, match=r"lacks \*\.onnx"):
        find(tmp_path, parakeet.parent)
    for cache, quantization in ((tmp_path, ""), (parakeet.parent, "int8")):
        with pytest.raises(Configuration, match="downloads are not allowed") as absent:
            find(None, cache, quantization=quantization)
        assert absent.value.code is Code.MODEL_ABSENT
    with pytest.raises(Configuration) as invalid:
        find(None, tmp_path, "../x")
    assert invalid.value.code is Code.SETTING_INVALID


def test_the_settings_choose_it(parakeet: Path, tmp_path: Path) -> None:
    (tmp_path / f"onnx-{PARAKEET}-int8").symlink_to(parakeet)
    settings = Settings(data=tmp_path, models=tmp_path, onnx_model=PARAKEET, onnx_quantization="int8")
    name = House(settings).transcriber.name
    assert name.startswith("onnx-asr ")
    assert f"{PARAKEET} int8" in name
    elsewhere = Settings(data=tmp_path, models=tmp_path, onnx_model=PARAKEET, onnx_path=parakeet)
    assert House(elsewhere).onnx_directory() == parakeet


def test_the_doctor_speaks_of_no_server_where_an_engine_of_this_machine_is_wrong(parakeet: Path) -> None:
    for language, server in (("en", "server"), ("ru", "сервер")):
        said = remedy("speech", refusal(parakeet, name="parrot"), language)  # type: ignore[arg-type]  # two texts
        assert "parrot" in said
        assert f"{server} " not in said.split(".")[0].lower()
