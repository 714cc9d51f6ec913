"""The contract of `Blobs` on SeaweedFS."""

from typing import ClassVar

import pytest

from tests.contracts.blobs_on_s3 import S3BlobsContract
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS


class TestPlain(S3BlobsContract):
    subject: ClassVar[str] = "seaweedfs (plain, least privilege)"

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, seaweedfs: SeaweedFS) -> S3Server:
        return seaweedfs.plain


class TestTLS(S3BlobsContract):
    subject: ClassVar[str] = "seaweedfs (TLS, least privilege)"

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, seaweedfs: SeaweedFS) -> S3Server:
        return seaweedfs.tls
