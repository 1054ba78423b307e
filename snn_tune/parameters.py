"""What a study can set or vary of a trial."""

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
from snn_tune.snn.settings import layer_sizes
from snn_tune.snn.time_constants import Kind


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


def decays(parameters: Parameters, repeats: int) -> tuple[float, float]:
    """alpha and beta, `exp(-dt / tau)`, for a frame cut into `repeats` steps; what each unit's own are drawn around."""
    dt = parameters.dt / repeats
    return exp(-dt / parameters.tau_syn), exp(-dt / parameters.tau_mem)
