"""Tink itself, as the oracle of our streaming format: encrypts and decrypts with a key and segments like ours."""

import io

import tink  # type: ignore[import-untyped]  # ships no type information
from tink import secret_key_access, streaming_aead
from tink.proto import (  # type: ignore[import-untyped]  # ships no type information
    aes_gcm_hkdf_streaming_pb2,
    common_pb2,
    tink_pb2,
)

from voxpersona.adapters.blobs.streamed import KEY, SEGMENT

_TYPE = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"


class _Kept(io.BytesIO):
    """Tink closes what it wrote to; the bytes are kept."""

    content = b""

    def close(self) -> None:
        self.content = self.content or self.getvalue()
        super().close()


def encrypted(data_key: bytes, associated: bytes, content: bytes) -> bytes:
    """What Tink makes of the content."""
    kept = _Kept()
    with _oracle(data_key).new_encrypting_stream(kept, associated) as stream:
        stream.write(content)
    return kept.content


def decrypted(data_key: bytes, associated: bytes, content: bytes) -> bytes:
    """What Tink reads from the ciphertext; its own error where it reads none."""
    with _oracle(data_key).new_decrypting_stream(io.BytesIO(content), associated) as stream:
        return bytes(stream.read())


def _oracle(data_key: bytes) -> streaming_aead.StreamingAead:
    streaming_aead.register()
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        key_value=data_key,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT, derived_key_size=KEY, hkdf_hash_type=common_pb2.SHA256
        ),
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    kept = keyset.key.add()
    kept.key_id, kept.status, kept.output_prefix_type = 1, tink_pb2.ENABLED, tink_pb2.RAW
    kept.key_data.type_url, kept.key_data.value = _TYPE, key.SerializeToString()
    kept.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)
