"""The policy of the application's key is enough for its work and for nothing more; the printed commands make it so.

That it is enough for every blob is proved by the contract of `Blobs`, which runs under it (test_blobs_SERVER.py), and
for the keeper's view by test_bucket.py. Here is what it leaves out.
"""

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.servers.kept import Start, kept
from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import _prepare
from tests.servers.tls import Authority
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.connection import control
from voxpersona.adapters.blobs.s3.policy import policy, policy_text, seaweedfs_commands
from voxpersona.errors import Code, Configuration

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WEED = Path(sys.executable).with_name("weed")


@pytest.fixture(params=["seaweedfs", pytest.param("minio_plain", marks=NEEDS_MINIO), "juicefs"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    server = found.plain if request.param == "seaweedfs" else found
    assert isinstance(server, S3Server)
    return server


@pytest.mark.parametrize("setup", [False, True], ids=["work", "setup"])
def test_what_the_policy_leaves_out_is_refused(server: S3Server, setup: bool) -> None:
    mine, other = server.bucket(), server.bucket()
    server.keeper.put_object(Bucket=mine, Key="a", Body=b"mine")
    client = control(server.connection(*server.user(policy([mine], setup=setup))))
    assert client.get_object(Bucket=mine, Key="a")["ContentLength"] == 4
    calls: list[Callable[[S3Client], object]] = [
        lambda s3: s3.delete_bucket(Bucket=mine),
        lambda s3: s3.put_bucket_policy(Bucket=mine, Policy='{"Version":"2012-10-17","Statement":[]}'),
        lambda s3: s3.list_objects_v2(Bucket=other),
        lambda s3: s3.put_object(Bucket=other, Key="a", Body=b""),
        lambda s3: s3.create_bucket(Bucket=f"new-{secrets.token_hex(4)}"),
    ]
    if not setup:
        calls.append(lambda s3: s3.create_bucket(Bucket=mine))
        if server.name != "juicefs":  # it has neither
            calls.append(lambda s3: s3.delete_bucket_lifecycle(Bucket=mine))
            calls.append(
                lambda s3: s3.put_bucket_versioning(Bucket=mine, VersioningConfiguration={"Status": "Enabled"})
            )
    for number, call in enumerate(calls):
        with pytest.raises(ClientError) as caught:
            call(client)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, number
    client.close()


@pytest.fixture
def kept_seaweedfs(authority: Authority) -> Iterator[tuple[S3Server, Start]]:
    """One of its own, with how it was started: the shell needs the server's environment."""

    def prepare(directory: Path) -> tuple[Start, tuple[S3Server, Start]]:
        start, server = _prepare(authority, directory)
        return start, (server.plain, start)

    with kept(prepare, name="weed") as found:
        yield found


def test_the_commands_for_seaweedfs_make_such_a_user(kept_seaweedfs: tuple[S3Server, Start], tmp_path: Path) -> None:
    server, start = kept_seaweedfs
    name, user, secret = server.bucket(), f"app-{secrets.token_hex(4)}", secrets.token_hex(16)
    document = tmp_path / "policy.json"
    document.write_text(policy_text(policy([name])))
    told = dict(str(word).removeprefix("-").split("=", 1) for word in start.command if "=" in str(word))
    shell = f"{_WEED} shell -filer=127.0.0.1:{told['filer.port']} -master=127.0.0.1:{told['master.port']}"
    environment = {**start.environment, "MINIO_SECRET_KEY": secret, "HOME": str(tmp_path)}
    commands = seaweedfs_commands(user=user, path=str(document), shell=shell)
    ended = subprocess.run(
        ["/bin/sh", "-ec", commands], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert user in ended.stdout
    bucket = S3Bucket(server.connection(user, secret), name)
    bucket.prepare()
    assert bucket.abilities().create_only is True
    with pytest.raises(Configuration) as caught:
        S3Bucket(server.connection(user, secret), server.bucket()).prepare()
    assert caught.value.code is Code.STORE_PERMISSION
