"""How a study looks for good combinations: the [search] table of its file, and the options of that name."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, field_validator

Method = Literal["grid", "random", "optuna"]
Scheduler = Literal["none", "asha"]
METRICS = {  # what an objective is called, and the metric that it is
    "accuracy": "best_valid_accuracy",
    "run_time": "run_time_s",
    "spikes": "spikes_per_neuron",
}
USUAL = {"accuracy": "max", "run_time": "min", "spikes": "min"}
TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
UNITS_S = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


class Search(BaseModel):
    """A sentence for each setting."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    method: Method = Field(default="grid", description="every combination; or drawn, or proposed by TPE")
    scheduler: Scheduler = Field(default="none", description="asha stops trials that are behind others")
    samples: PositiveInt = Field(default=100, description="combinations that random and optuna try")
    objectives: list[str] = Field(default=["accuracy:max"], description="what is best; several give a Pareto set")
    time_budget: str | None = Field(default=None, description="when a start ends, as 90s, 30min or 2h")
    confirm: NonNegativeInt = Field(default=0, description="how many of the best are run again, with other seeds")
    confirm_seeds: int = Field(default=5, ge=2, le=1000, description="that many of them")
    early_stop: bool = Field(default=False, description="stop networks that stay silent, or at chance")
    warm_start: bool = Field(default=True, description="begin from what other studies of this data found")
    seed: NonNegativeInt = Field(default=0, description="of the draws of combinations")

    @field_validator("objectives")
    @classmethod
    def _known(cls, given: list[str]) -> list[str]:
        full = [text if ":" in text else f"{text}:{USUAL.get(text, '')}" for text in given]
        for text in full:
            name, _, direction = text.partition(":")
            if name not in METRICS or direction not in ("max", "min"):
                raise ValueError(f"must be NAME:max or NAME:min, NAME one of {', '.join(METRICS)}")
        if not full or len({text.partition(":")[0] for text in full}) < len(full):
            raise ValueError("must name at least one, and none twice")
        return full

    @field_validator("time_budget")
    @classmethod
    def _a_time(cls, given: str | None) -> str | None:
        if given is not None and not (TIME.fullmatch(given.strip()) and float(TIME.match(given.strip())[1]) > 0):  # type: ignore[index]
            raise ValueError("must be a number above 0 with s, min, h or d, for example 90s, 30min or 2h")
        return given

    @property
    def budget_s(self) -> float | None:
        """The time budget in seconds."""
        match = TIME.fullmatch(self.time_budget.strip()) if self.time_budget else None
        return float(match[1]) * UNITS_S[match[2]] if match else None

    @property
    def directions(self) -> dict[str, str]:
        """`max` or `min` by metric."""
        return {METRICS[name]: way for name, _, way in (text.partition(":") for text in self.objectives)}
