"""The contract of `Blobs` on a real MinIO server."""

from typing import ClassVar

import pytest

from tests.contracts.blobs_on_s3 import S3BlobsContract
from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server

pytestmark = NEEDS_MINIO


class TestPlain(S3BlobsContract):
    subject: ClassVar[str] = "minio (plain, least privilege)"

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, minio_plain: S3Server) -> S3Server:
        return minio_plain


class TestTLS(S3BlobsContract):
    subject: ClassVar[str] = "minio (TLS, least privilege)"

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, minio_tls: S3Server) -> S3Server:
        return minio_tls
