"""What all nouns share: they are frozen, refuse unknown fields and travel as JSON."""

from pydantic import BaseModel, ConfigDict


def is_empty(value: object) -> bool:
    """For fields that came later and are seldom set: left out where they say nothing, so that what was kept before
    stays the same bytes."""
    return value is None or value == ()


class Noun(BaseModel):
    """A frozen value. Equal when its fields are equal; `model_dump_json` and `model_validate_json` are its wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
