"""What CTranslate2 says of a card that is not there, or of a library of its maker, in plain words."""

import pytest

from voxpersona.adapters.transcriber.devices import compute_type, why_not_there
from voxpersona.adapters.transcriber.faster_whisper import _vendor_errors
from voxpersona.errors import Code, Configuration, Integrity


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("CUDA failed with error CUDA driver version is insufficient for CUDA runtime version", "driver is too old"),
        ("CUDA failed with error no CUDA-capable device is detected", "no graphics card"),
        ("Library libcublas.so.12 is not found or cannot be loaded", "the library libcublas.so.12 is missing"),
        ("This CTranslate2 package was not compiled with CUDA support", "built without CUDA"),
    ],
)
def test_it_is_told_what_is_missing_also_in_the_middle_of_the_work(said: str, reason: str) -> None:
    assert reason in why_not_there(RuntimeError(said))
    with pytest.raises(Configuration, match=reason) as refusal, _vendor_errors():
        raise RuntimeError(said)
    assert refusal.value.code is Code.TRANSCRIBER_DEVICE


def test_what_fails_for_another_reason_is_no_missing_card() -> None:
    assert why_not_there(RuntimeError("CUDA failed with error an illegal memory access was encountered")) == ""
    with pytest.raises(Integrity), _vendor_errors():
        raise RuntimeError("an illegal memory access")


def test_the_numbers_are_those_that_were_measured_unless_others_are_told() -> None:
    assert compute_type("auto", "cpu") == "int8"
    assert compute_type("float32", "cpu") == "float32"
