"""Decoding takes the same memory however long the recording is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders_media import FORMATS, speech
from voxpersona.adapters.media import PyAVMedia

HOURS = 2
LOOP = 120  # seconds that are encoded; the rest is the same again
MOST_MEGABYTES = 120

# What the interpreter and the library weigh before the first byte is read does not count. The kernel's own peak is
# asked: getrusage would tell that of the parent, where it was larger.
PROBE = """
import re, sys
from pathlib import Path
from voxpersona.adapters.media import PyAVMedia
media = PyAVMedia()
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
with open(sys.argv[1], "rb") as source:
    facts = media.decode(source, name="long", target=Path(sys.argv[2]))
sound = media.sound(Path(sys.argv[2]))
heard = 0
for start in range(0, int(sound.seconds), 300):
    heard += len(sound.read(start, start + 300))
print((peak() - before) // 1024, round(facts.seconds), heard // 16000)
"""


def _long(label: str) -> bytes:
    """Two hours: chained Ogg, or a stream of frames repeated."""
    return FORMATS[label](speech(LOOP)) * (HOURS * 3600 // LOOP)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the probe asks Linux for its peak")


@needs_proc
@pytest.mark.parametrize("label", ["ogg-opus", "aac"])
def test_two_hours_take_no_more_memory_than_a_minute(label: str, tmp_path: Path) -> None:
    source = tmp_path / "long"
    source.write_bytes(_long(label))
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(source), str(tmp_path / "sound")], capture_output=True, text=True, check=True
    )
    megabytes, seconds, heard = map(int, ran.stdout.split())
    assert seconds == pytest.approx(HOURS * 3600, abs=5)
    assert heard == pytest.approx(HOURS * 3600, abs=5)
    assert megabytes < MOST_MEGABYTES
    assert ran.stderr == ""


@needs_proc
def test_one_long_track_of_an_mp4_takes_no_more_memory_either(tmp_path: Path) -> None:
    source = tmp_path / "long.m4a"
    source.write_bytes(FORMATS["m4a"](speech(LOOP * 5)))
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(source), str(tmp_path / "sound")], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout.split()[0]) < MOST_MEGABYTES / 2


def test_the_target_is_two_bytes_a_sample(tmp_path: Path) -> None:
    source = tmp_path / "short.wav"
    source.write_bytes(FORMATS["wav"](speech(10)))
    with source.open("rb") as content:
        PyAVMedia().decode(content, name="short", target=tmp_path / "sound")
    assert (tmp_path / "sound").stat().st_size == 32 + 2 * 16_000 * 10


PLAYING = """
import re, sys
from pathlib import Path
from voxpersona.adapters.media import PyAVMedia
media = PyAVMedia()
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
def play(source, target):
    with open(source, "rb") as content:
        return media.playable(content, name="long", target=Path(target), on_progress=lambda share: None)
play(sys.argv[1], sys.argv[3])
before = peak()
peaks = play(sys.argv[2], sys.argv[3])
print((peak() - before) // 1024, peaks.length * peaks.samples_per_pixel // peaks.sample_rate)
"""


@needs_proc
def test_making_four_minutes_playable_takes_no_more_memory_than_half_a_minute(tmp_path: Path) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    short.write_bytes(FORMATS["ogg-opus"](speech(30)))
    long.write_bytes(FORMATS["ogg-opus"](speech(6)) + FORMATS["ogg-opus"](0 * speech(234)))
    ran = subprocess.run(
        [sys.executable, "-c", PLAYING, str(short), str(long), str(tmp_path / "sound")],
        capture_output=True,
        text=True,
        check=True,
    )
    megabytes, seconds = map(int, ran.stdout.split())
    assert seconds == pytest.approx(240, abs=2)
    assert megabytes < 25
