"""The environment, read once. docs/settings.md documents every setting; a test fails where one is missing."""

import locale
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Self, TypeVar

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from voxpersona.errors import Code, Configuration

T = TypeVar("T")


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "voxpersona"


def _language() -> Literal["en", "ru"]:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if (spoken or locale.getlocale()[0] or "").lower().startswith("ru") else "en"


def language_asked_for() -> Literal["en", "ru"]:
    """As the environment says, also where no other setting can be read: what is wrong with one has to be told in it."""
    asked = os.environ.get("VOXPERSONA_LANGUAGE", "").lower()
    return "ru" if asked == "ru" else "en" if asked == "en" else _language()


class Settings(BaseSettings):
    """From the environment and a `.env` file in the working directory; the environment wins. Names are upper-case
    with the prefix VOXPERSONA_."""

    model_config = SettingsConfigDict(
        env_prefix="VOXPERSONA_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    data: Path = Field(
        default_factory=lambda: _xdg("XDG_DATA_HOME", ".local/share"),
        description="Directory of everything that is kept: database, object store, index, spool. A local disk.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL database, `postgresql://user:password@host/name`, instead of the SQLite file in the "
        "data directory. Any number of workers and machines may share it.",
    )
    models: Path = Field(
        default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache") / "models",
        description="Directory where model files are looked for and assembled.",
    )
    language: Literal["en", "ru"] = Field(
        default_factory=_language, description="Language of messages: en or ru. Default: from LANG."
    )
    threads: int = Field(
        default=0, ge=0, le=256, description="Processor threads for the models; 0 takes all there are, at most 8."
    )
    whisper_model: str = Field(default="base", description="Whisper model of the built-in engine.")
    whisper_path: Path | None = Field(
        default=None, description="Directory of a Whisper model in CTranslate2 format; wins over the name."
    )
    whisper_device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu",
        description="What the built-in engine computes on: cpu, cuda (an NVIDIA graphics card), or auto: the card "
        "where there is one.",
    )
    whisper_compute_type: Literal[
        "auto", "int8", "int8_float16", "int8_float32", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
    ] = Field(
        default="auto",
        description="In which numbers: auto (int8 on the processor, float16 on a card), or any of CTranslate2's that "
        "the machine has.",
    )
    whisper_batch: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Windows of half a minute that the built-in engine hears at once; docs/models.md says what more "
        "than 1 wins and costs.",
    )
    onnx_model: str = Field(
        default="",
        description="Model that onnx-asr transcribes with instead of Whisper, as gigaam-v3-e2e-rnnt for Russian; needs "
        "the extra onnx.",
    )
    onnx_path: Path | None = Field(
        default=None, description="Directory of that model's files; else they are looked for in the model directory."
    )
    onnx_quantization: str = Field(
        default="",
        description="The ending of those files' names before .onnx, as int8, where there are smaller ones to be used.",
    )
    embedder_path: Path | None = Field(default=None, description="The file e5-small-q4.bin of the search model.")
    model_download: bool = Field(
        default=False, description="Whether a missing model of speech may be fetched from the model hub."
    )
    transcriber_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server (…/v1) that transcribes instead. Recordings then leave this machine.",
    )
    transcriber_key: SecretStr | None = Field(
        default=None,
        description="Key for that server; of several, separated by commas, a throttled one rests, a refused one is set "
        "aside, and the next is used.",
    )
    transcriber_model: str = Field(default="whisper-1", description="Model name to ask that server for.")
    transcriber_timeout: float = Field(
        default=300.0, gt=0, description="Seconds that server may take for one piece of up to five minutes."
    )
    transcriber_at_once: int = Field(
        default=4, ge=1, le=64, description="Pieces of a recording that each worker has that server transcribe at once."
    )
    transcriber_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Requests a minute that all workers together send that server at most.",
    )
    words: str = Field(
        default="",
        description="Names and terms that may be said in any recording, with commas between: hints to the transcriber "
        "how they are spelt.",
    )
    hint_names: bool = Field(
        default=False,
        description="Whether the names in a recording's details (people, place, zone, city) are such hints, too. They "
        "then go to that server with the sound.",
    )
    work_at_once: int = Field(default=1, ge=1, le=64, description="Recordings that each worker has under way at once.")
    work_kept_days: int = Field(
        default=30,
        ge=1,
        description="Days that the engine's own notes of work that is over stay in the database. Recordings, results "
        "and how runs ended stay for good.",
    )
    templates: Path | None = Field(
        default=None, description="Directory of report templates of your own; they win over the built-in ones."
    )
    key_file: Path | None = Field(
        default=None,
        description="File of the master keys, made by `voxpersona keys generate`. Set, everything new is encrypted "
        "before it is stored.",
    )
    encrypted_only: bool = Field(
        default=False,
        description="Whether blobs that are not encrypted are refused. Off while an older archive is still part plain; "
        "on, a store cannot pass off anything unsealed.",
    )
    known_voices: bool = Field(
        default=False,
        description="Whether voices that a person named (`voxpersona voices name`) are recognised later, and "
        "suggested. Their prints are biometric data; needs VOXPERSONA_KEY_FILE, as they are kept encrypted only.",
    )
    known_voices_project: str = Field(
        default="default",
        min_length=1,
        description="Whose known voices these are: a recording is compared with voices that were named in the same "
        "project only.",
    )
    spool_max_mb: int = Field(
        default=20480,
        ge=1,
        description="Megabytes (2^20 bytes) that may wait in the spool while the store does not answer; more is "
        "refused.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="How much is logged to standard error. Nothing a person said is ever logged."
    )

    @property
    def transcriber_keys(self) -> tuple[str, ...]:
        """The keys for that server, in the order they are used."""
        told = "" if self.transcriber_key is None else self.transcriber_key.get_secret_value()
        return tuple(dict.fromkeys(key for each in told.split(",") if (key := each.strip(" "))))

    @model_validator(mode="after")
    def _can_encrypt(self) -> Self:
        if self.encrypted_only and self.key_file is None:
            raise ValueError("VOXPERSONA_ENCRYPTED_ONLY|needs VOXPERSONA_KEY_FILE")
        if self.known_voices and self.key_file is None:
            raise ValueError(
                "VOXPERSONA_KNOWN_VOICES|needs VOXPERSONA_KEY_FILE: prints of voices are kept encrypted only"
            )
        return self

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("transcriber_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url

    @field_validator("data", "models", "whisper_path", "onnx_path", "embedder_path", "templates", "key_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()


_BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
"""S3's rule for the names of buckets; MinIO and SeaweedFS follow it."""


class StoreSettings(BaseSettings):
    """The object store, from the same places, under the names that MinIO's users know: prefix MINIO_.

    None of the first five set: everything is kept in a directory. Some of them set: the others are missing.
    """

    model_config = SettingsConfigDict(
        env_prefix="MINIO_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    endpoint: str = Field(
        default="", description="Address of the object store, `host:port` or a URL. Recordings are then kept there."
    )
    access_key: SecretStr = Field(default=SecretStr(""), description="Access key of the application's own user.")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Its secret key.")
    bucket_name: str = Field(default="", description="Bucket of transcripts, roles and reports.")
    audio_bucket_name: str = Field(default="", description="Bucket of originals and their manifests.")
    use_ssl: bool | None = Field(
        default=None, description="Whether to speak TLS; not set: as the URL says, TLS where it says nothing."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the store's certificate, if it is your own."
    )
    region: str = Field(default="us-east-1", description="Region of the buckets.")
    path_style: bool = Field(
        default=True, description="Address buckets as host/bucket; false: as bucket.host, which some clouds want."
    )
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds until a connection must stand.")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds the store may keep silent.")
    part_size_mb: int = Field(
        default=8,
        ge=5,
        le=1024,
        description="Megabytes (2^20 bytes) in a part of a large upload; four are sent at once.",
    )
    retry_seconds: float = Field(
        default=120.0, ge=0, description="Seconds after which a call that keeps failing is given up."
    )
    retry_attempts: int = Field(default=8, ge=1, le=100, description="How often one call is tried at most.")
    create_buckets: bool = Field(default=True, description="Whether missing buckets are made at the start.")
    versioning: bool = Field(
        default=False, description="Whether versioning is switched on at the start: what is deleted stays restorable."
    )
    abandon_uploads_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which the store itself drops unfinished uploads. Not for MinIO, which does so after a "
        "day unasked.",
    )
    expire_derived_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which pieces, voices, playable sound and peaks, which can be made again, expire.",
    )
    expire_originals_days: int | None = Field(
        default=None, ge=1, description="Days after which the store deletes originals. Nobody can bring them back."
    )
    move_originals_days: int | None = Field(
        default=None, ge=1, description="Days after which originals move to the storage class below."
    )
    move_originals_to: str = Field(default="", description="Storage class (tier) that originals move to.")

    @field_validator("bucket_name", "audio_bucket_name")
    @classmethod
    def _is_bucket(cls, name: str) -> str:
        if name and not _BUCKET.fullmatch(name):
            raise ValueError("is no bucket name by S3's rule")
        return name

    @field_validator("ca_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        scheme, colon, _ = self.endpoint.partition("://")
        if colon and (scheme not in ("http", "https") or self.use_ssl not in (None, scheme == "https")):
            raise ValueError(f"MINIO_ENDPOINT|says {scheme} and MINIO_USE_SSL does not agree")
        if self.bucket_name and self.bucket_name == self.audio_bucket_name:
            raise ValueError("MINIO_AUDIO_BUCKET_NAME|must not be the same as MINIO_BUCKET_NAME")
        if (self.move_originals_days is None) == bool(self.move_originals_to):
            raise ValueError("MINIO_MOVE_ORIGINALS_TO|goes together with MINIO_MOVE_ORIGINALS_DAYS")
        return self

    @property
    def url(self) -> str:
        """The endpoint with its scheme."""
        if "://" in self.endpoint:
            return self.endpoint.rstrip("/")
        return f"{'http' if self.use_ssl is False else 'https'}://{self.endpoint.rstrip('/')}"

    def hasty(self) -> Self:
        """The same store, given up after about ten seconds: for who has something better to do than wait for it."""
        return self.model_copy(
            update={
                "connect_timeout": min(self.connect_timeout, 2.0),
                "read_timeout": min(self.read_timeout, 4.0),
                "retry_seconds": min(self.retry_seconds, 8.0),
            }
        )

    def checked(self) -> "StoreSettings | None":
        """These settings if they are complete, None where none is made. Half of them: Configuration SETTING_MISSING."""
        if not any(_plain(getattr(self, name)) for name in _REQUIRED):
            return None
        return self.having(_REQUIRED, "the object store is half configured")

    def having(self, names: Sequence[str], reason: str) -> Self:
        """These settings if those are made; else Configuration SETTING_MISSING, which names what is not."""
        absent = ", ".join(f"MINIO_{name.upper()}" for name in names if not _plain(getattr(self, name)))
        if absent:
            raise Configuration(Code.SETTING_MISSING, f"not set: {absent}", name=absent, reason=reason)
        return self


_REQUIRED = ("endpoint", "access_key", "secret_key", "bucket_name", "audio_bucket_name")
_OF_A_POLICY = ("access_key", "audio_bucket_name", "bucket_name")


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class _FromFile(StoreSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


_ENV_FILE = Path(".env")


def read_settings() -> Settings:
    """Read the environment. A value or a `.env` that cannot be used: Configuration naming it."""
    return _reading("VOXPERSONA", Settings, _ENV_FILE)


def read_store_settings() -> StoreSettings | None:
    """The object store as the environment has it; None where everything is kept in a directory."""
    return _reading("MINIO", StoreSettings, _ENV_FILE).checked()


def read_policy_settings() -> StoreSettings:
    """As much of the object store's settings as a policy needs: its user may have no secret key yet."""
    return _reading("MINIO", StoreSettings, _ENV_FILE).having(_OF_A_POLICY, "a policy is for a user and two buckets")


def store_settings_of(path: Path) -> tuple[StoreSettings | None, Path | None]:
    """Another store and its key file, as a file in the form of `.env` has them; the environment plays no part."""

    def made() -> tuple[StoreSettings | None, Path | None]:
        values = dotenv_values(path, encoding="utf-8")
        given = {
            name: value
            for name in StoreSettings.model_fields
            if (value := values.get(f"MINIO_{name.upper()}")) not in (None, "")
        }
        key_file = values.get("VOXPERSONA_KEY_FILE")
        store = _FromFile(**given).checked()  # type: ignore[arg-type]  # pydantic reads the text
        return store, Path(key_file).expanduser().absolute() if key_file else None

    if not path.is_file():
        raise Configuration(Code.SETTING_INVALID, "no such file", name=str(path), reason="there is no such file")
    return _reading("MINIO", made, path)


def _reading(prefix: str, read: Callable[[], T], file: Path) -> T:
    try:
        if file.exists():
            file.read_text(encoding="utf-8")
        return read()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        plain = _PLAIN.get(first["type"], "").format(**first.get("ctx", {}))
        reason = (plain or first["msg"]).removeprefix("Value error, ")
        name, bar, told = reason.partition("|")
        if bar:  # found wrong by comparing several
            reason = told
        else:
            name = f"{prefix}_{first['loc'][0]}".upper()
        raise Configuration(
            Code.SETTING_INVALID, f"{name}: {reason}", name=name, reason=reason
        ) from None  # the cause quotes the value, which may be a secret
    except (OSError, UnicodeDecodeError) as error:
        reason = "is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or "cannot be read"
        raise Configuration(Code.SETTING_INVALID, f"{file} {reason}", name=str(file), reason=reason) from None


_PLAIN = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}
"""The validator's kinds of refusal in plain words."""


def strangers() -> list[str]:
    """Variables of the environment that bear our prefix and are no setting: typing mistakes, most likely."""
    known = {f"VOXPERSONA_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith("VOXPERSONA_") and name not in known)
