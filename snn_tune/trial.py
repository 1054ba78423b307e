"""A trial: one training of one network with one combination of parameters, and its identity."""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PlainSerializer,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from snn_tune.snn.kernels import Precision, Shape
from snn_tune.snn.network import layer_sizes
from snn_tune.snn.time_constants import Kind

# Raise it when a change of the model, of training or of a default changes numbers: old results keep their old keys.
MODEL_VERSION = 1

OVER = ("finished", "pruned", "diverged")  # states of a trial that is not run again


def _one_or_each(value: Any, one: ValidatorFunctionWrapHandler) -> Any:
    """A number of units, or those of each layer as a tuple."""
    if not isinstance(value, list | tuple):
        return one(value)
    if len(value) < 2:
        raise ValueError("a list has the units of each of several layers; write those of one without brackets")
    return tuple(map(one, value))


if TYPE_CHECKING:
    Units = int | tuple[int, ...]
else:  # no union: its messages would name the branch
    Units = Annotated[PositiveInt, Field(le=100_000), WrapValidator(_one_or_each), PlainSerializer(lambda units: units)]


class Parameters(BaseModel):
    """Everything that a study can set or vary, under the thesis's names. Times are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    nb_hidden: Units = Field(description="spiking hidden units; a list: of each hidden layer")
    nb_steps: PositiveInt = Field(le=100_000, description="time steps of a sample")
    scale: PositiveFloat = Field(description="slope of the surrogate gradient")
    regularizer: NonNegativeFloat = Field(description="strength of the penalty on hidden spikes")
    lr: PositiveFloat = Field(description="learning rate")
    nb_epochs: PositiveInt = Field(description="passes over the training part")
    batch_size: PositiveInt = Field(description="samples of an optimiser step")
    tau_mem: PositiveFloat = Field(description="membrane time constant")
    tau_syn: PositiveFloat = Field(description="synaptic time constant")
    dt: PositiveFloat = Field(1e-3, description="length of a time step (of a frame, where frames are repeated)")
    recurrent: bool = Field(True, description="hidden units feed back on each other")
    reset: Literal["zero", "subtract"] = Field("zero", description="what a spike does to its membrane")
    scaled_input: bool = Field(False, description="the membrane takes (1 - beta) syn instead of syn")
    reduction: Literal["sum", "sum_l2", "mean"] = Field("sum", description="which spikes the penalty counts")
    units_per_channel: PositiveInt = Field(32, description="encoder units for each channel of analog data")
    init_scale: PositiveFloat = Field(0.2, description="initial weights: std = init_scale / sqrt(fan)")
    init_scale_recurrent: PositiveFloat = Field(0.2, description="the same for the recurrent weights")
    init_fan: Literal["in", "out"] = Field("in", description="units that a weight matrix reads, or drives")
    optimizer: Literal["adamax", "adam"] = Field("adamax", description="optimiser")
    adam_beta2: float = Field(0.999, ge=0, lt=1, description="decay of the optimiser's second moment")
    nb_layers: PositiveInt = Field(1, le=100, description="hidden layers of nb_hidden units each")
    dropout: float = Field(0.0, ge=0, lt=1, description="part of the hidden units whose spikes a sample trains without")
    time_constants: Kind = Field("shared", description="tau_mem and tau_syn of each hidden unit: drawn around them")
    precision: Precision = Field(
        "exact", description="of the fast kernels: truncated on cpu and bf16 on gpu are faster"
    )
    class_weights: Literal["equal", "balanced"] = Field("equal", description="weights of the classes in the loss")

    @field_validator("nb_layers")
    @classmethod
    def _counts_one_size(cls, nb_layers: int, others: ValidationInfo) -> int:
        sizes = others.data.get("nb_hidden")
        if isinstance(sizes, tuple) and nb_layers != 1:
            raise ValueError(
                f"nb_hidden = {list(sizes)} has the layers already; leave nb_layers out, or give one number"
            )
        return nb_layers

    @field_validator("precision")
    @classmethod
    def _is_of_whole_networks(cls, precision: Precision, others: ValidationInfo) -> Precision:
        values = others.data
        deep = isinstance(values.get("nb_hidden"), tuple) or values.get("nb_layers", 1) > 1
        if precision != "exact" and (deep or values.get("dropout") or values.get("time_constants") != "shared"):
            raise ValueError("must be 'exact' with several hidden layers, dropout, or time_constants of each unit")
        return precision

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return layer_sizes(self.nb_hidden, self.nb_layers)

    @property
    def shape(self) -> Shape:
        """Of the network: what decides how it is computed."""
        return Shape(self.hidden, self.recurrent, self.precision, self.time_constants, self.dropout > 0)


@dataclass(frozen=True)
class Trial:
    """One combination, one seed, one data set.

    Attributes:
        data: fingerprint of the data set, its split included.
        network: a network of the user's own, by its name and a hash of its code; "" for ours.
    """

    parameters: Parameters
    seed: int
    data: str
    network: str = ""

    @property
    def key(self) -> str:
        """Identity: trials of one key have one result; bit for bit on one kind of machine, kernel and thread count."""
        return self._hash(set())

    @property
    def lineage(self) -> str:
        """The key without nb_epochs: trials of one lineage are longer or shorter runs of the same training."""
        return self._hash({"nb_epochs"})

    def _hash(self, without: set[str]) -> str:
        # Without what is as ever: a parameter that comes later, at its default, leaves all keys as they are.
        parameters = self.parameters.model_dump(exclude_defaults=True, exclude=without)
        if len(self.parameters.hidden) > 1:  # [200, 200], and two layers of 200, are one network
            parameters |= {"nb_hidden": self.parameters.hidden}
            parameters.pop("nb_layers", None)
        identity = {"model": MODEL_VERSION, "data": self.data, "seed": self.seed, "parameters": parameters}
        identity |= {"network": self.network} if self.network else {}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]


def as_text(value: object) -> str:
    """A parameter's value as `--set` takes it."""
    return str(list(value)) if isinstance(value, tuple) else str(value)


def label(parameters: Parameters, axes: Iterable[str]) -> str:
    """`nb_hidden=50 lr=0.0123`: what tells a trial from others, for the eye."""
    return " ".join(f"{axis}={_short(getattr(parameters, axis))}" for axis in axes)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) and len(str(value)) > 8 else as_text(value)


def now_ms() -> int:
    """The time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Epoch:
    """Metrics of one epoch, and when they were made: delivered twice, they are still one value.

    Attributes:
        metrics: train_accuracy and train_loss as it trained; valid_accuracy, valid_loss, spikes_per_neuron over the
            validation part; epoch_time_s, of the training pass alone. Losses are without the penalty.
    """

    epoch: int
    metrics: dict[str, float]
    time_ms: int = field(default_factory=now_ms)


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        state: one of OVER, failed or interrupted.
        reason: in words, where it is not finished.
        activity: "silent", "saturated" or "".
        files: what it leaves, to be kept with its run.
        tags: where and how it ran: device, kernel, threads, trials_beside.
    """

    state: str
    reason: str = ""
    activity: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    time_ms: int = field(default_factory=now_ms)


def decays(parameters: Parameters, repeats: int) -> tuple[float, float]:
    """alpha and beta, `exp(-dt / tau)`, for a frame cut into `repeats` steps; what each unit's own are drawn around."""
    dt = parameters.dt / repeats
    return exp(-dt / parameters.tau_syn), exp(-dt / parameters.tau_mem)
