"""The network that a trial's parameters mean on a data set."""

from snn_tune.datasets.dataset import Dataset
from snn_tune.parameters import Parameters
from snn_tune.snn import NetworkSettings


def network_settings(parameters: Parameters, data: Dataset) -> NetworkSettings:
    """The network that these parameters mean on this data."""
    return settings_for(parameters, data.nb_inputs, data.nb_classes, data.repeats if data.analog else 0)


def settings_for(parameters: Parameters, nb_inputs: int, nb_classes: int, repeats: int) -> NetworkSettings:
    """The same; repeats: steps for each frame of analog channels, 0 for events."""
    own = {"nb_inputs", "nb_classes", "dt", "units_per_channel"}
    shared = NetworkSettings.__dataclass_fields__.keys() - own
    return NetworkSettings(
        nb_inputs=nb_inputs,
        nb_classes=nb_classes,
        dt=parameters.dt / max(repeats, 1),
        units_per_channel=parameters.units_per_channel if repeats else 0,
        **parameters.model_dump(include=set(shared)),
    )
