"""From the last byte received to "received and safe", against the bare verified put of the same bytes
(`make bench-receive`).

ROUNDS=9 and AWAY=0,10,30 (milliseconds) may be given in the environment. One MinIO on this machine, its blobs on the
disk, as near as it is and at the end of a line that makes every answer come later; and SQLite. Each round another
recording, the three turns one after another: a plain client (boto3: SHA-256, one create-only request with the checksum,
HEAD and compare), our own store alone, and `receive` from the last byte it read to its return.
"""

import base64
import hashlib
import io
import os
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import av
import boto3
import numpy as np
from pydantic import SecretStr

from benchmarks.distance import far_away
from benchmarks.measure import machine, write
from tests.servers.minio import binary, running_minio
from tests.servers.s3 import S3Server
from voxpersona import samples
from voxpersona.model import Details
from voxpersona.pipeline.receive import Delivery, receive
from voxpersona.settings import Settings, StoreSettings
from voxpersona.wiring import House

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SIZES = {"1 MB": 1_000_000, "100 MB": 100_000_000}
_MIB = 1 << 20


class _Arriving(io.BytesIO):
    """Bytes that note when the last of them was read."""

    ended = 0.0

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if part:
            self.ended = time.perf_counter()
        return part


def main() -> None:
    """Measure, print, keep the result."""
    program = binary()
    if program is None:
        raise SystemExit("no MinIO here: scripts/build-minio builds it where Go is")
    rounds, noted = int(os.environ.get("ROUNDS", "9")), machine()
    away = [float(told) for told in os.environ.get("AWAY", "0,10,30").split(",")]
    results = {}
    with tempfile.TemporaryDirectory() as directory, running_minio(program, under=Path(directory)) as server:
        for milliseconds in away:
            with _at_a_distance(server, milliseconds) as seen:
                for size_name, size in SIZES.items():
                    for form, make in FORMS.items():
                        found = _measured(seen, Path(directory), make, size, rounds if size < _MIB else rounds // 3)
                        results[f"{milliseconds:.0f} ms away, {size_name}, {form}"] = found
                        print(
                            f"{milliseconds:3.0f} ms away {size_name:>6} {form:<9} plain client "
                            f"{found['plain_ms']:6.1f} ms, our store alone {found['put_ms']:6.1f} ms, receive "
                            f"{found['receive_ms']:6.1f} ms: {found['to_plain']:.2f} and {found['to_put']:.2f} times",
                            flush=True,
                        )
    write(
        "receiving",
        {"what": "last byte received to received and safe", "machine": noted, "rounds": rounds, "results": results},
    )


@contextmanager
def _at_a_distance(server: S3Server, milliseconds: float) -> Iterator[S3Server]:
    if not milliseconds:
        yield server
        return
    with far_away(int(server.endpoint.rsplit(":", 1)[1]), milliseconds) as port:
        yield replace(server, endpoint=f"http://127.0.0.1:{port}")


def _measured(
    server: S3Server, directory: Path, make: Callable[[int, int], bytes], size: int, rounds: int
) -> dict[str, float]:
    plain: list[float] = []
    put: list[float] = []
    received: list[float] = []
    with _house(server, directory) as (house, bucket):
        _receive(house, FORMS["wav"](200_000, -1))  # everything is open and connected afterwards
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            region_name="us-east-1",
        )
        for number in range(rounds + 1):
            turns = [make(size, 3 * number + turn) for turn in range(3)]
            found = (
                _plain(client, bucket, f"plain/{number}", turns[0]),
                _put(house, f"bench/{number}", turns[1]),
                _receive(house, turns[2]),
            )
            if number:  # the first round warms up
                for times, took in zip((plain, put, received), found, strict=True):
                    times.append(1000 * took)
    middle = {"plain_ms": median(plain), "put_ms": median(put), "receive_ms": median(received)}
    ratios = {
        "to_plain": middle["receive_ms"] / middle["plain_ms"],
        "to_put": middle["receive_ms"] / middle["put_ms"],
    }
    return {name: round(value, 2) for name, value in (middle | ratios).items()}


@contextmanager
def _house(server: S3Server, directory: Path) -> Iterator[tuple[House, str]]:
    with tempfile.TemporaryDirectory(dir=directory) as data:
        audio, main_bucket = server.bucket(), server.bucket()
        store = StoreSettings(
            endpoint=server.endpoint,
            access_key=SecretStr(server.access_key),
            secret_key=SecretStr(server.secret_key),
            audio_bucket_name=audio,
            bucket_name=main_bucket,
        )
        yield House(Settings(data=Path(data)), store), audio


def _plain(client: "S3Client", bucket: str, key: str, content: bytes) -> float:
    begun = time.perf_counter()
    checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
    client.put_object(Bucket=bucket, Key=key, Body=content, ChecksumSHA256=checksum, IfNoneMatch="*")
    stands = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    if (stands["ChecksumSHA256"], stands["ContentLength"]) != (checksum, len(content)):
        raise RuntimeError("other bytes stand there")
    return time.perf_counter() - begun


def _put(house: House, key: str, content: bytes) -> float:
    begun = time.perf_counter()
    digest = hashlib.sha256(content).hexdigest()
    parts = [content[start : start + _MIB] for start in range(0, len(content), _MIB)]
    house.intake.put(key, parts, sha256=digest, size=len(content), content_type="audio/ogg", metadata={})
    return time.perf_counter() - begun


def _receive(house: House, content: bytes) -> float:
    arriving = _Arriving(content)
    delivery = Delivery(content=arriving, name="a recording", source="bench:{sha256}", details=Details())
    receipt = receive(
        delivery, spool=house.spool, audio=lambda: house.intake, library=lambda: house.library, media=house.media
    )
    took = time.perf_counter() - arriving.ended
    if receipt.is_spooled or receipt.is_duplicate:
        raise RuntimeError("it did not reach the store")
    return took


# -- recordings of any size, no two the same ---------------------------------------------------------------------------


def _wav(size: int, number: int) -> bytes:
    """16 kHz mono, as dictation machines write it."""
    samples_ = (8000 * np.sin(np.arange(size // 2) * 0.05 * (1 + np.arange(size // 2) % 7))).astype(np.int16)
    samples_[:2] = (number % 30_000, number // 30_000)
    target = io.BytesIO()
    with wave.open(target, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(samples_.tobytes())
    return target.getvalue()


def _repeated(container: str, codec: str, rate: int, bits: int) -> Callable[[int, int], bytes]:
    """The sample's sound over and over: encoded once, its packets written again and again."""

    def make(size: int, number: int) -> bytes:
        target, at, written = io.BytesIO(), 0, 0
        once = _encoded(container, codec, rate, bits)
        with av.open(target, "w", format=container) as output:
            output.metadata["title"] = f"recording {number:06d}"
            stream = None
            while written < size:
                with av.open(io.BytesIO(once), "r") as opened:
                    stream = stream or output.add_stream_from_template(opened.streams.audio[0])
                    for packet in opened.demux(audio=0):
                        if packet.pts is None or not packet.duration:
                            continue
                        packet.pts = packet.dts = at
                        packet.stream = stream
                        at += packet.duration
                        written += packet.size
                        output.mux(packet)
        return target.getvalue()

    return make


@cache
def _encoded(container: str, codec: str, rate: int, bits: int) -> bytes:
    target = io.BytesIO()
    resampler = av.AudioResampler(format="fltp" if codec == "aac" else "s16", layout="mono", rate=rate)
    source = str(samples.__path__[0]) + "/en_interview_two_speakers.ogg"
    with av.open(target, "w", format=container) as output, av.open(source, "r") as opened:
        stream = output.add_stream(codec, rate=rate, options={"b": str(bits)})
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        for frame in opened.decode(audio=0):
            for resampled in resampler.resample(frame):
                output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return target.getvalue()


FORMS: dict[str, Callable[[int, int], bytes]] = {
    "wav": _wav,
    "ogg opus": _repeated("ogg", "libopus", 48_000, 32_000),
    "m4a": _repeated("mp4", "aac", 44_100, 64_000),
}


if __name__ == "__main__":
    main()
