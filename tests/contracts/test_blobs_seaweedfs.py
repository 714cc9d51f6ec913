"""The contract of `Blobs` on SeaweedFS."""

from typing import ClassVar

import pytest

from tests.contracts.blobs_on_s3 import S3BlobsContract
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS


class TestSeaweedFS(S3BlobsContract):
    subject: ClassVar[str] = "seaweedfs ({server}, least privilege)"

    @pytest.fixture(scope="class", params=["plain", "TLS"])
    @classmethod
    def server(cls, request: pytest.FixtureRequest, seaweedfs: SeaweedFS) -> S3Server:
        return seaweedfs.tls if request.param == "TLS" else seaweedfs.plain
