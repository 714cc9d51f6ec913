"""One client doing one job against a store, in a process of its own, so that its processor time and memory are its own.

    python -m benchmarks.storage_client JOB      (JOB is JSON, see `Job`; prints one JSON line)

`floor` sends and fetches by presigned addresses over plain connections, one stream for each blob, and checks nothing.
The others are used as their documents say: parts of 16 MiB, four at a time; 16 threads where there are many blobs.
Bytes that are fetched are thrown away.
"""

import hashlib
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MIB = 1 << 20
PART = 16 * MIB
STREAMS = 4
WORKERS = 16


@dataclass(frozen=True)
class Job:
    """`count` blobs of `size` bytes, the start of the file `content`, go up to `prefix` or come down from there."""

    client: str
    direction: str
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    other_bucket: str
    prefix: str
    content: str
    size: int
    count: int
    key_file: str

    def key(self, number: int) -> str:
        """Of one of the blobs."""
        return f"{self.prefix}/{number:05d}"


Act = Callable[[int], object]
"""Sends or fetches one blob by its number."""


@dataclass(frozen=True)
class Start:
    """The first bytes of a file, to be read again and again."""

    path: Path
    size: int

    def __iter__(self) -> Iterator[bytes]:
        left = self.size
        with self.path.open("rb") as opened:
            while left and (part := opened.read(min(MIB, left))):
                left -= len(part)
                yield part


def ours(job: Job) -> Act:
    """The whole stack as it is wired: metering, retrying, verifying or encrypting. The hash is known beforehand, as it
    is to `receive`; its cost is measured elsewhere."""
    from voxpersona.settings import Settings, StoreSettings
    from voxpersona.wiring import House

    given = {
        "endpoint": job.endpoint,
        "access_key": job.access_key,
        "secret_key": job.secret_key,
        "audio_bucket_name": job.bucket,
        "bucket_name": job.other_bucket,
    }
    data = Path(job.content).parent / "data"
    key_file = Path(job.key_file) if job.client == "voxpersona, encrypted" else None
    store_settings = StoreSettings(**given)  # type: ignore[arg-type]  # pydantic reads the text
    blobs = House(Settings(data=data, key_file=key_file), store_settings).audio
    if job.direction == "down":
        return lambda number: _drained(blobs.read(job.key(number)))
    content = Start(Path(job.content), job.size)
    digest = hashlib.sha256()
    for part in content:
        digest.update(part)
    known = digest.hexdigest()
    return lambda number: blobs.put(job.key(number), content, sha256=known, size=job.size)


def obstore(job: Job) -> Act:
    from obstore.store import S3Store

    store = S3Store(
        job.bucket,
        endpoint=job.endpoint,
        region="us-east-1",
        access_key_id=job.access_key,
        secret_access_key=job.secret_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": "600s"},
    )
    if job.direction == "down":
        return lambda number: _drained(bytes(part) for part in store.get(job.key(number)).stream(min_chunk_size=MIB))
    if job.count == 1:
        return lambda number: store.put(job.key(number), Path(job.content), chunk_size=PART, max_concurrency=STREAMS)
    content = _first(job)
    return lambda number: store.put(job.key(number), content)


def minio(job: Job) -> Act:
    import io

    from minio import Minio

    client = Minio(urlsplit(job.endpoint).netloc, job.access_key, job.secret_key, secure=False, region="us-east-1")
    if job.direction == "down":

        def down(number: int) -> None:
            with client.get_object(job.bucket, job.key(number)) as answer:
                _drained(answer.stream(MIB))

        return down
    if job.count == 1:
        return lambda number: client.fput_object(
            job.bucket, job.key(number), job.content, part_size=PART, num_parallel_uploads=STREAMS
        )
    content = _first(job)
    return lambda number: client.put_object(job.bucket, job.key(number), io.BytesIO(content), len(content))


def boto3(job: Job) -> Act:
    import boto3 as vendor
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    client = vendor.client(
        "s3",
        endpoint_url=job.endpoint,
        aws_access_key_id=job.access_key,
        aws_secret_access_key=job.secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=WORKERS),
    )
    if job.direction == "down":

        def down(number: int) -> None:
            with closing(client.get_object(Bucket=job.bucket, Key=job.key(number))["Body"]) as body:
                _drained(body.iter_chunks(MIB))

        return down
    if job.count == 1:
        config = TransferConfig(multipart_chunksize=PART, max_concurrency=STREAMS)
        return lambda number: client.upload_file(job.content, job.bucket, job.key(number), Config=config)
    content = _first(job)
    return lambda number: client.put_object(Bucket=job.bucket, Key=job.key(number), Body=content)


def floor(job: Job) -> Act:
    import boto3 as vendor
    from botocore.config import Config

    signer = vendor.client(
        "s3",
        endpoint_url=job.endpoint,
        aws_access_key_id=job.access_key,
        aws_secret_access_key=job.secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )
    method, call = ("PUT", "put_object") if job.direction == "up" else ("GET", "get_object")
    addresses = [
        signer.generate_presigned_url(call, Params={"Bucket": job.bucket, "Key": job.key(number)})
        for number in range(job.count)
    ]

    def act(number: int) -> None:
        parts = urlsplit(addresses[number])
        connection = http.client.HTTPConnection(parts.netloc, timeout=600)
        try:
            target = f"{parts.path}?{parts.query}"
            if method == "PUT":
                with Path(job.content).open("rb") as opened:
                    content = opened if job.size == Path(job.content).stat().st_size else opened.read(job.size)
                    connection.request(method, target, body=content, headers={"Content-Length": str(job.size)})
            else:
                connection.request(method, target)
            answer = connection.getresponse()
            while answer.read(MIB):
                pass
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}")
        finally:
            connection.close()

    return act


CLIENTS: dict[str, Callable[[Job], Act]] = {
    "floor": floor,
    "voxpersona": ours,
    "voxpersona, encrypted": ours,
    "obstore": obstore,
    "minio-py": minio,
    "boto3": boto3,
}


def _first(job: Job) -> bytes:
    with Path(job.content).open("rb") as opened:
        return opened.read(job.size)


def _drained(parts: Iterator[bytes]) -> int:
    return sum(len(part) for part in parts)


def _peak_mb() -> float:
    """Of this process alone: what getrusage tells of a child begins at its parent's peak."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1000


def main(job: Job) -> None:
    """Do the job; the clock runs from the first blob to the last, start-up and signing not included."""
    act = CLIENTS[job.client](job)
    begun, used = time.perf_counter(), time.process_time()
    if job.count == 1:
        act(0)
    else:
        with ThreadPoolExecutor(WORKERS) as threads:
            list(threads.map(act, range(job.count)))
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(json.dumps({"wall": round(wall, 3), "cpu": round(cpu, 3), "peak_mb": round(_peak_mb(), 1)}))


if __name__ == "__main__":
    main(Job(**json.loads(sys.argv[1])))
