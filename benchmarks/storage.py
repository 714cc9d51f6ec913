"""The store against other clients and the floor, same server, in turn, in the same run (`make bench-storage`).

SERVER=minio|seaweedfs, ROUNDS=3, JOBS="256 MB,2 GB,500 x 100 KB" may be given in the environment. Every process reads
the same file of random bytes; server and clients share the machine, so read the figures as ratios. The server keeps its
blobs on the disk, as operators' servers do; each client starts when the bytes of the one before are on it.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, machine, medians, write
from benchmarks.storage_client import CLIENTS, MIB, Job
from tests.servers.minio import binary, running_minio
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import running_seaweedfs
from tests.servers.tls import make_authority

JOBS = {"256 MB": (256 * MIB, 1), "2 GB": (2048 * MIB, 1), "500 x 100 KB": (100_000, 500)}


def main() -> None:
    """Measure, print a table, keep the result."""
    rounds = int(os.environ.get("ROUNDS", "3"))
    name = os.environ.get("SERVER", "minio")
    chosen = [job.strip() for job in os.environ.get("JOBS", ",".join(JOBS)).split(",")]
    noted = machine()
    with ExitStack() as open_until_done:
        directory = open_until_done.enter_context(tempfile.TemporaryDirectory())
        server = _server(name, open_until_done, Path(directory))
        buckets = (server.bucket(), server.bucket())
        results = {job: _measured(job, server, buckets, Path(directory), rounds) for job in chosen}
    write(
        f"storage-{name}",
        {"what": f"clients against one {name} over plain HTTP", "machine": noted, "rounds": rounds, "jobs": results},
    )
    for job, directions in results.items():
        for direction, clients in directions.items():
            best = min(cost["wall"] for client, cost in clients.items() if client not in _NOT_OTHERS)
            for client, cost in clients.items():
                print(
                    f"{job:<13} {direction:<5} {client:<22} {cost['wall']:8.2f} s  cpu {cost['cpu']:7.2f} s"
                    f"  peak {cost['peak_mb']:6.0f} MB  speed {best / cost['wall']:5.2f} of the fastest other client"
                )


_NOT_OTHERS = ("floor", "voxpersona", "voxpersona, encrypted")


def _server(name: str, open_until_done: ExitStack, directory: Path) -> S3Server:
    if name == "seaweedfs":
        return open_until_done.enter_context(running_seaweedfs(make_authority(directory), under=directory)).plain
    program = binary()
    if program is None:
        raise SystemExit("no MinIO here: scripts/build-minio builds it where Go is")
    return open_until_done.enter_context(running_minio(program, under=directory))


def _measured(
    name: str, server: S3Server, buckets: tuple[str, str], directory: Path, rounds: int
) -> dict[str, dict[str, dict[str, float]]]:
    size, count = JOBS[name]
    content = directory / "content"
    with content.open("wb") as written:
        for _ in range(max(1, size // MIB)):
            written.write(secrets.token_bytes(min(MIB, size)))
    key_file = directory / "keys.json"
    if not key_file.exists():
        program = str(Path(sys.executable).parent / "voxpersona")
        subprocess.run([program, "keys", "generate", "--output", str(key_file)], check=True, capture_output=True)
    costs: dict[str, dict[str, list[Cost]]] = {"up": {}, "down": {}}
    for number in range(rounds):
        turn = list(CLIENTS)
        for client in turn[number % len(turn) :] + turn[: number % len(turn)]:  # none has the best place every time
            # Encrypted and plain archives never share buckets.
            bucket, other = (f"{name}-sealed" for name in buckets) if "encrypted" in client else buckets
            prefix = f"recordings/{client.replace(', ', '-')}-{number}"
            for direction in ("up", "down"):
                job = Job(
                    client=client,
                    direction=direction,
                    endpoint=server.endpoint,
                    access_key=server.access_key,
                    secret_key=server.secret_key,
                    bucket=bucket,
                    other_bucket=other,
                    prefix=prefix,
                    content=str(content),
                    size=size,
                    count=count,
                    key_file=str(key_file),
                )
                costs[direction].setdefault(client, []).append(_cost(job))
            server.empty(bucket)
    return {direction: {client: medians(all_) for client, all_ in found.items()} for direction, found in costs.items()}


def _cost(job: Job) -> Cost:
    os.sync()  # else one client pays for what the one before left in the page cache
    command = [sys.executable, "-m", "benchmarks.storage_client", json.dumps(job.__dict__)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job.client} {job.direction}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return Cost(**told)


if __name__ == "__main__":
    main()
