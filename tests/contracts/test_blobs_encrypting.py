"""The contract of the port, kept over encryption: on memory and on a directory, alone and over plain blobs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.test_blobs import BlobsContract
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring, agree
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.ports import Blobs

INNER: dict[str, Callable[[Path], Blobs]] = {
    "memory": lambda _: MemoryBlobs(),
    "directory": lambda path: DirectoryBlobs(path / "store"),
}


class TestEncryptingBlobs(BlobsContract):
    """Every promise of the port, with ciphertext below."""

    @pytest.fixture(params=INNER.keys())
    def blobs(self, request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
        inner = INNER[request.param](tmp_path)
        keyring = Keyring.generate(tmp_path / "keys.json")
        agree(keyring, inner)
        return EncryptingBlobs(inner, keyring, plain=inner, scratch=tmp_path)


class TestStrictEncryptingBlobs(BlobsContract):
    """The same where no plain blob is accepted."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        inner = MemoryBlobs()
        keyring = Keyring.generate(tmp_path / "keys.json")
        return EncryptingBlobs(inner, keyring, plain=inner, accept_plain=False)
