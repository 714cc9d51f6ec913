"""The environment, read once. docs/settings.md documents every setting; a test fails where one is missing."""

import locale
import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from voxpersona.errors import Code, Configuration


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "voxpersona"


def _language() -> Literal["en", "ru"]:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if (spoken or locale.getlocale()[0] or "").lower().startswith("ru") else "en"


class Settings(BaseSettings):
    """From the environment and a `.env` file in the working directory; the environment wins. Names are upper-case
    with the prefix VOXPERSONA_."""

    model_config = SettingsConfigDict(
        env_prefix="VOXPERSONA_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    data: Path = Field(
        default_factory=lambda: _xdg("XDG_DATA_HOME", ".local/share"),
        description="Directory of everything that is kept: database, object store, index, spool. A local disk.",
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
    embedder_path: Path | None = Field(default=None, description="The file e5-small-q4.bin of the search model.")
    model_download: bool = Field(
        default=False, description="Whether a missing Whisper model may be fetched from the model hub."
    )
    transcriber_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server (…/v1) that transcribes instead. Recordings then leave this machine.",
    )
    transcriber_key: SecretStr | None = Field(default=None, description="Key for that server.")
    transcriber_model: str = Field(default="whisper-1", description="Model name to ask that server for.")
    transcriber_timeout: float = Field(
        default=300.0, gt=0, description="Seconds that server may take for one piece of up to five minutes."
    )
    templates: Path | None = Field(
        default=None, description="Directory of report templates of your own; they win over the built-in ones."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="How much is logged to standard error. Nothing a person said is ever logged."
    )

    @field_validator("transcriber_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url

    @field_validator("data", "models", "whisper_path", "embedder_path", "templates")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()


_ENV_FILE = Path(".env")


def read_settings() -> Settings:
    """Read the environment. A value or a `.env` that cannot be used: Configuration naming it."""
    try:
        if _ENV_FILE.exists():
            _ENV_FILE.read_text(encoding="utf-8")
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"VOXPERSONA_{first['loc'][0]}".upper()
        reason = _PLAIN.get(first["type"], first["msg"]).removeprefix("Value error, ")
        raise Configuration(
            Code.SETTING_INVALID, f"{name}: {reason}", name=name, reason=reason
        ) from None  # the cause quotes the value, which may be a secret
    except (OSError, UnicodeDecodeError) as error:
        reason = "is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or "cannot be read"
        raise Configuration(Code.SETTING_INVALID, f".env {reason}", name=".env", reason=reason) from None


_PLAIN = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than 0",
    "greater_than_equal": "must not be negative",
}
"""The validator's kinds of refusal in plain words."""


def strangers() -> list[str]:
    """Variables of the environment that bear our prefix and are no setting: typing mistakes, most likely."""
    known = {f"VOXPERSONA_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith("VOXPERSONA_") and name not in known)
