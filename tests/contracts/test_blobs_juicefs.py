"""The contract of `Blobs` on the JuiceFS gateway: MinIO's own server code, as it was before conditional writes.

It takes no notice of If-None-Match. That of many writers one wins is then S3Blobs' own doing, inside one process.
"""

from typing import ClassVar

import pytest

from tests.contracts.blobs_on_s3 import S3BlobsContract
from tests.servers.s3 import S3Server


class TestJuiceFS(S3BlobsContract):
    subject: ClassVar[str] = "juicefs (plain, least privilege)"
    creates_only: ClassVar[bool] = False

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, juicefs: S3Server) -> S3Server:
        return juicefs
