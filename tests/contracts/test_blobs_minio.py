"""The contract of `Blobs` on a real MinIO server."""

from typing import ClassVar

import pytest

from tests.contracts.blobs_on_s3 import S3BlobsContract
from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server


class TestMinIO(S3BlobsContract):
    subject: ClassVar[str] = "minio ({server}, least privilege)"

    @pytest.fixture(scope="class", params=[pytest.param(each, marks=NEEDS_MINIO) for each in ("plain", "TLS")])
    @classmethod
    def server(cls, request: pytest.FixtureRequest) -> S3Server:
        server: S3Server = request.getfixturevalue("minio_tls" if request.param == "TLS" else "minio_plain")
        return server
