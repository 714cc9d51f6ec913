"""What every PassageIndex promises."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lancedb
import numpy as np
import pytest

from tests.builders_search import a_passage, a_recording_id
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.index.lance import LancePassageIndex
from voxpersona.adapters.index.memory import MemoryPassageIndex
from voxpersona.errors import Code, Integrity, Unavailable
from voxpersona.model import Passage, RecordingId
from voxpersona.pipeline.stems import stems
from voxpersona.ports import PassageIndex

EMBEDDER = HashingEmbedder(64, stem=stems)
ONE, TWO = a_recording_id(1), a_recording_id(2)


def lance(directory: Path, *, embedder_name: str = "hashing", version: int = 1) -> LancePassageIndex:
    return LancePassageIndex(
        directory, embedder_name=embedder_name, dimensions=EMBEDDER.dimensions, stem=stems, version=version
    )


def put(index: PassageIndex, recording: RecordingId, *texts: str) -> list[Passage]:
    pieces = [a_passage(recording, number, text) for number, text in enumerate(texts)]
    index.upsert(recording, pieces, EMBEDDER.passages(texts))
    return pieces


def found(
    index: PassageIndex, question: str, *, limit: int = 10, recordings: list[RecordingId] | None = None
) -> list[Passage]:
    hits = index.search(question, EMBEDDER.query(question), limit=limit, recordings=recordings)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    return [hit.passage for hit in hits]


@pytest.fixture(params=["memory", "lance"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> PassageIndex:
    if request.param == "memory":
        return MemoryPassageIndex(dimensions=EMBEDDER.dimensions, stem=stems)
    return lance(tmp_path / "index")


class TestPassageIndex:
    def test_an_empty_index_gives_nothing(self, index: PassageIndex) -> None:
        assert found(index, "breakfast") == []
        assert index.counts() == {}
        index.delete(ONE)
        index.clear()

    def test_what_was_put_comes_back_unaltered(self, index: PassageIndex) -> None:
        pieces = put(index, ONE, "The breakfast was cold.", "Ёлка — «красивая»; it's '); DROP TABLE x --")
        bare = a_passage(ONE, 2, "Nobody knows who.").model_copy(update={"speaker": None, "role": None})
        index.upsert(ONE, [*pieces, bare], EMBEDDER.passages([one.text for one in [*pieces, bare]]))
        assert {one.id: one for one in [*pieces, bare]} == {one.id: one for one in found(index, "breakfast")}

    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            ("breakfasts", "The breakfast was cold."),
            ("холодными завтраками", "Завтрак был холодный."),
            ("dropping", "The internet dropped."),
            ("елка", "В холле стоит Ёлка."),
        ],
    )
    def test_words_are_found_in_any_form_and_either_language(
        self, index: PassageIndex, question: str, expected: str
    ) -> None:
        put(index, ONE, "The breakfast was cold.", "Завтрак был холодный.", "The internet dropped.")
        put(index, TWO, "В холле стоит Ёлка.", "Nothing else.")
        assert found(index, question)[0].text == expected

    def test_meaning_alone_finds_when_no_word_is_shared(self, index: PassageIndex) -> None:
        put(index, ONE, "alpha", "beta", "gamma")
        hits = index.search("what about it", EMBEDDER.query("beta"), limit=1)
        assert [hit.passage.text for hit in hits] == ["beta"]

    def test_no_passage_comes_twice_and_the_limit_holds(self, index: PassageIndex) -> None:
        put(index, ONE, *(f"breakfast number {number}" for number in range(30)))
        ids = [one.id for one in found(index, "breakfast", limit=7)]
        assert len(ids) == len(set(ids)) == 7
        assert len(found(index, "breakfast", limit=100)) == 30
        assert found(index, "breakfast", limit=0) == []

    def test_a_search_can_be_narrowed(self, index: PassageIndex) -> None:
        put(index, ONE, "The breakfast was cold.")
        put(index, TWO, "The breakfast was warm.")
        assert [one.recording for one in found(index, "breakfast", recordings=[TWO])] == [TWO]
        assert len(found(index, "breakfast", recordings=[ONE, TWO])) == 2
        assert found(index, "breakfast", recordings=[]) == []
        assert found(index, "breakfast", recordings=[a_recording_id(9)]) == []

    def test_putting_again_replaces_everything_the_recording_had(self, index: PassageIndex) -> None:
        put(index, TWO, "Untouched.")
        put(index, ONE, "apple", "pear", "plum")
        put(index, ONE, "cherry", "pear")
        assert index.counts() == {ONE: 2, TWO: 1}
        assert {one.text for one in found(index, "fruit")} == {"cherry", "pear", "Untouched."}
        put(index, ONE, "cherry", "pear")
        assert index.counts() == {ONE: 2, TWO: 1}
        put(index, ONE)
        assert index.counts() == {TWO: 1}

    def test_delete_forgets_one_recording_and_may_be_repeated(self, index: PassageIndex) -> None:
        put(index, ONE, "apple")
        put(index, TWO, "apple")
        index.delete(ONE)
        index.delete(ONE)
        assert index.counts() == {TWO: 1}
        assert [one.recording for one in found(index, "apple")] == [TWO]

    @pytest.mark.parametrize("seed", range(3))
    def test_an_index_built_again_answers_alike_whatever_the_history_was(self, index: PassageIndex, seed: int) -> None:
        chance = random.Random(seed)
        words = [
            "bed",
            "pillow",
            "breakfast",
            "cold",
            "hot",
            "night",
            "room",
            "key",
            "lift",
            "noise",
            "guest",
            "clean",
            "towel",
            "завтрак",
            "номер",
            "шум",
        ]
        # Few texts many times: so equal scores abound, at the edge of what is looked at too.
        texts = [" ".join(chance.choices(words, k=chance.randint(2, 12))) for _ in range(12)]
        archive = {a_recording_id(number): chance.choices(texts, k=chance.randint(1, 6)) for number in range(70)}
        for recording, said in archive.items():
            put(index, recording, *said)
        found(index, "night")  # some of it is asked for half-way
        for recording in chance.sample(sorted(archive), 20):
            index.delete(recording)
            del archive[recording]
        for recording in chance.sample(sorted(archive), 10):
            archive[recording] = chance.choices(texts, k=3)
            put(index, recording, *archive[recording])
        questions = ["cold breakfast", "noise at night", "шум в номере", "pillow", *texts[:4]]
        before = [index.search(question, EMBEDDER.query(question), limit=12) for question in questions]
        index.clear()
        for recording in chance.sample(sorted(archive), len(archive)):
            put(index, recording, *archive[recording])
        assert [index.search(question, EMBEDDER.query(question), limit=12) for question in questions] == before

    def test_the_equally_good_are_in_the_order_of_their_ids_and_share_a_rank(self, index: PassageIndex) -> None:
        for number in reversed(range(60)):
            put(index, a_recording_id(number), "The towel was clean.")
        hits = index.search("clean towels", EMBEDDER.query("clean towels"), limit=5)
        assert [hit.passage.id for hit in hits] == sorted(f"{a_recording_id(number)}:0" for number in range(60))[:5]
        assert len({hit.score for hit in hits}) == 1

    def test_a_cleared_index_is_empty_and_usable(self, index: PassageIndex) -> None:
        put(index, ONE, "apple")
        index.clear()
        assert index.counts() == {}
        assert found(index, "apple") == []
        put(index, TWO, "apple")
        assert index.counts() == {TWO: 1}

    @pytest.mark.parametrize(
        "question", ["'", "a' OR '1'='1", '"quoted" AND (NOT x)', "*", "a:b~2^3", "\x00", "🎧", "q" * 5000, ""]
    )
    def test_a_question_is_never_code(self, index: PassageIndex, question: str) -> None:
        put(index, ONE, "apple", "pear")
        assert len(found(index, question, recordings=[ONE])) == 2
        assert index.counts() == {ONE: 2}

    @pytest.mark.parametrize("bad", ["", "a' OR '1'='1", "x" * 65, "имя", "a b", "a\n"])
    def test_an_id_no_recording_can_have_is_refused_everywhere(self, index: PassageIndex, bad: str) -> None:
        put(index, ONE, "apple")
        recording = RecordingId(bad)
        attempts: list[Callable[[], object]] = [
            lambda: put(index, recording, "apple"),
            lambda: index.delete(recording),
            lambda: found(index, "apple", recordings=[recording]),
        ]
        for attempt in attempts:
            with pytest.raises(Integrity) as caught:
                attempt()
            assert caught.value.code is Code.INTERNAL
        assert index.counts() == {ONE: 1}

    def test_passages_that_do_not_fit_are_refused_and_change_nothing(self, index: PassageIndex) -> None:
        kept = put(index, ONE, "apple")
        vector = EMBEDDER.passages(["pear"])
        other = a_passage(TWO, 0, "pear")
        wrong: list[tuple[list[Passage], np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = [
            ([other], vector),
            ([kept[0].model_copy(update={"id": "x"})], vector),
            ([kept[0], kept[0]], np.concatenate([vector, vector])),
            ([kept[0]], vector[:, :-1]),
            ([kept[0]], np.zeros((0, EMBEDDER.dimensions), dtype=np.float32)),
            ([kept[0]], vector * np.float32("nan")),
        ]
        for pieces, vectors in wrong:
            with pytest.raises(Integrity):
                index.upsert(ONE, pieces, vectors)
        assert [one.text for one in found(index, "apple")] == ["apple"]

    def test_a_question_of_another_embedder_is_refused(self, index: PassageIndex) -> None:
        put(index, ONE, "apple")
        with pytest.raises(Integrity):
            index.search("apple", np.ones(3, dtype=np.float32), limit=3)

    def test_threads_may_put_and_search_at_once(self, index: PassageIndex) -> None:
        def work(number: int) -> int:
            put(index, a_recording_id(number), f"fruit {number}", "apple")
            return len(found(index, "apple", recordings=[a_recording_id(number)]))

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(8))) == [2] * 8
        assert len(index.counts()) == 8


class TestLanceOnDisk:
    def test_another_process_sees_what_was_put(self, tmp_path: Path) -> None:
        first, second = lance(tmp_path), lance(tmp_path)
        put(first, ONE, "apple")
        assert second.counts() == {ONE: 1}
        put(first, TWO, "pear")
        assert second.counts() == {ONE: 1, TWO: 1}
        assert [one.text for one in found(second, "pear", limit=1)] == ["pear"]

    def test_an_index_cleared_and_built_again_elsewhere_is_read_afresh(self, tmp_path: Path) -> None:
        first, second = lance(tmp_path), lance(tmp_path)
        put(first, ONE, "apple")
        put(first, ONE, "apple", "pear")
        assert len(found(second, "apple")) == 2
        first.clear()
        put(first, TWO, "plum")
        assert second.counts() == {TWO: 1}
        first.clear()
        assert second.counts() == {}
        put(first, TWO, "plum")
        assert [one.text for one in found(second, "plum")] == ["plum"]

    def test_a_replacement_is_never_seen_in_part(self, tmp_path: Path) -> None:
        writer, reader = lance(tmp_path), lance(tmp_path)
        put(writer, ONE, *["old"] * 9)
        seen: set[tuple[tuple[str, int], ...]] = set()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                texts = [one.text for one in found(reader, "old new", limit=50)]
                seen.add(tuple(sorted((text, texts.count(text)) for text in set(texts))))

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            for _ in range(12):
                put(writer, ONE, *["new"] * 4)
                put(writer, ONE, *["old"] * 9)
            done.set()
            looking.result()
        assert seen <= {(("old", 9),), (("new", 4),)}
        assert seen

    @pytest.mark.parametrize("count", [57, 58, 59])  # one of them comes to the version that was tidied before
    def test_an_index_that_came_to_the_same_version_again_is_tidied_again(self, tmp_path: Path, count: int) -> None:
        """What is known of a table does not hold for the next one under its name."""
        chance = random.Random(1)
        words = ["cold", "breakfast", "night", "noise", "room", "guest"]
        texts = [" ".join(chance.choices(words, k=chance.randint(2, 12))) for _ in range(60)]

        def asked(index: PassageIndex, count: int) -> object:
            for number in range(count):
                put(index, a_recording_id(number), texts[number], texts[number % 12])
            return index.search("cold night", EMBEDDER.query("cold night"), limit=40)

        used = lance(tmp_path / "used")
        asked(used, 55)
        used.clear()
        assert asked(used, count) == asked(lance(tmp_path / "new"), count)

    def test_another_embedder_or_version_is_another_index(self, tmp_path: Path) -> None:
        put(lance(tmp_path), ONE, "apple")
        assert lance(tmp_path, embedder_name="other").counts() == {}
        assert lance(tmp_path, version=2).counts() == {}
        assert lance(tmp_path).counts() == {ONE: 1}

    def test_clear_leaves_what_is_not_the_index(self, tmp_path: Path) -> None:
        put(lance(tmp_path), ONE, "apple")
        (tmp_path / "letter.txt").write_text("mine")
        lance(tmp_path).clear()
        assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]

    @pytest.mark.parametrize("damage", ["truncated", "deleted", "emptied"])
    def test_a_damaged_index_says_so_and_can_be_cleared(self, tmp_path: Path, damage: str) -> None:
        put(lance(tmp_path), ONE, "apple", "pear")
        for path in [*tmp_path.rglob("data/*"), *tmp_path.rglob("*.manifest")]:
            if damage == "deleted":
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[: 7 if damage == "truncated" else 0])
        index = lance(tmp_path)
        with pytest.raises(Unavailable) as caught:
            found(index, "apple")
        assert caught.value.code is Code.INDEX_UNAVAILABLE
        assert caught.value.facts["remedy"] == "voxpersona reindex"
        with pytest.raises(Unavailable):
            put(index, TWO, "apple")
        index.clear()
        put(index, ONE, "apple")
        assert lance(tmp_path).counts() == {ONE: 1}

    def test_a_file_where_the_index_should_be_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "index").write_text("not a directory")
        with pytest.raises(Unavailable):
            put(lance(tmp_path / "index"), ONE, "apple")

    def test_many_upserts_stay_whole_and_their_words_get_indexed(self, tmp_path: Path) -> None:
        index = lance(tmp_path)
        for number in range(60):
            put(index, a_recording_id(number), f"fruit {number}", "apple")
        assert index.counts() == {a_recording_id(number): 2 for number in range(60)}
        assert found(index, "fruit 7", limit=1)[0].text == "fruit 7"
        name = next(path.stem for path in tmp_path.glob("*.lance"))
        words = lancedb.connect(tmp_path).open_table(name).index_stats("stems_idx")
        assert words is not None
        assert words.num_indexed_rows > 80

    def test_an_empty_index_imports_no_vendor(self, tmp_path: Path) -> None:
        code = (
            "import sys, numpy as np, pathlib\n"
            "from voxpersona.adapters.index.lance import LancePassageIndex\n"
            "index = LancePassageIndex(pathlib.Path(sys.argv[1]), embedder_name='x', dimensions=3, stem=str.split)\n"
            "assert index.counts() == {} and index.search('x', np.zeros(3, 'f4'), limit=1) == []\n"
            "index.clear()\n"
            "assert not {'lancedb', 'pyarrow'} & sys.modules.keys()\n"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "none")], check=True, timeout=60)
