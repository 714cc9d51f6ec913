"""What all nouns share: they are frozen, refuse unknown fields and travel as JSON."""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """A frozen value. Equal when its fields are equal; `model_dump_json` and `model_validate_json` are its wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
