"""What mixtures are made like."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmarks.speech.mixtures.noise import NoiseName

Range = tuple[float, float]


class BadRecipe(ValueError):
    """Says what is wrong with the file."""


class Recipe(BaseModel):
    """Ranges are drawn from evenly. `overlap` is the share of the time with speech in which two
    people speak. `snr_db`: speech over noise, while anybody speaks. `t60`: seconds in which the
    room's echo loses 60 dB; without it there is no room."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    speakers: tuple[int, int]
    overlap: float = Field(default=0.0, ge=0, le=0.4)
    pause: Range = (0.2, 1.2)
    gain_db: Range = (-4.0, 4.0)
    noises: tuple[NoiseName, ...] = ("white",)
    snr_db: Range = (35.0, 45.0)
    t60: Range | None = None


def read_recipes(path: Path) -> list[Recipe]:
    """The `[[recipe]]`s of a TOML file. Raises BadRecipe."""
    try:
        return [Recipe(**entry) for entry in tomllib.loads(path.read_text())["recipe"]]
    except (OSError, KeyError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadRecipe(f"{path} cannot be read: {error}") from error
