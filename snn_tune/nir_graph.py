"""A network as a NIR graph (Neural Intermediate Representation, neuroir.org), for other libraries and chips, and back.

NIR's units are differential equations. Its parameters are chosen so that forward Euler with step dt, which is how the
libraries compute them, gives our decays exactly: tau = dt / (1 - decay). What NIR cannot say (kind of reset, order
within a step, max over time, how raw data becomes input) is in the graph's metadata, and `docs/nir.md` tells the rest.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune import hdf5
from snn_tune.errors import UserError, one_line
from snn_tune.snn import SpikingNetwork

NOTE = (  # in the file, for who opens it without our docs
    "mem(t+1) = (beta mem(t) + gain syn(t)) (1 - s(t)), or ... - s(t) where reset is subtract; "
    "syn(t+1) = alpha syn(t) + input(t) + recurrent s(t-1); s(t) = mem(t) > 1; "
    "class: argmax of the readout's maximum over time"
)


def to_bytes(network: SpikingNetwork, description: dict[str, Any], dt: float | None = None) -> bytes:
    """A NIR file of a network.

    Args:
        description: all but the weights that our own reader needs, in plain values.
        dt: step of the library that will read it, in seconds; by default the network's own. All time constants are
            stretched by dt over the network's own step.
    """
    import nir

    file = io.BytesIO()
    nir.write(file, graph(network, description, dt))
    return file.getvalue()


def graph(network: SpikingNetwork, description: dict[str, Any], dt: float | None = None) -> Any:
    """The same as a `nir.NIRGraph`: input, [encoder,] hidden layers, readout, output, weights between them."""
    import nir

    s, step = network.settings, dt or network.settings.dt
    nodes = {"input": nir.Input({"input": np.array([s.nb_inputs])})}
    edges: list[tuple[str, str]] = []

    def chain(name: str, node: Any) -> None:
        last = list(nodes)[-1]
        nodes[name] = node
        edges.append((last, name))

    if network.encoder is not None:
        gain, bias = _numpy(network.encoder.gain), _numpy(network.encoder.bias)
        of_channel = np.tile(np.diag(np.ones(s.nb_inputs, np.float32)), (s.units_per_channel, 1))
        chain("encoder_weights", nir.Affine(gain[:, None] * of_channel, gain * bias))
        chain("encoder", nir.LIF(tau=_tau(s.beta, len(gain), step), r=np.ones(len(gain)), **_threshold(len(gain))))
    recurrent: list[tuple[str, str]] = []
    for place, layer in enumerate(network.layers, 1):
        chain(f"weights_{place}", nir.Linear(_numpy(layer.w).T))
        units = layer.w.shape[1]
        chain(f"hidden_{place}", nir.CubaLIF(**_cuba(*layer.constants, units, step), **_threshold(units)))
        if layer.v is not None:
            recurrent += [(f"hidden_{place}", f"recurrent_{place}"), (f"recurrent_{place}", f"hidden_{place}")]
    chain("weights_readout", nir.Linear(_numpy(network.w2).T))
    constants = s.alpha, s.beta, s.input_gain
    chain("readout", nir.CubaLI(**_cuba(*constants, s.nb_classes, step), v_leak=np.zeros(s.nb_classes)))
    chain("output", nir.Output({"output": np.array([s.nb_classes])}))
    for place, layer in enumerate(network.layers, 1):
        if layer.v is not None:
            nodes[f"recurrent_{place}"] = nir.Linear(_numpy(layer.v).T)
    own = {name: _numpy(weights) for name, weights in network.state_dict().items() if _node(name) is None}
    metadata = {"snn_tune": json.dumps(description), "dt": step, "reset": s.reset, "note": NOTE, "weights": own}
    return nir.NIRGraph(nodes, edges + recurrent, metadata=metadata)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and weights of a file that `to_bytes` made; exactly those that it was given.

    Raises:
        UserError: the file is damaged, or another program wrote it.
    """
    try:
        with h5py.File(path, "r", locking=False) as h5:
            try:
                text = hdf5.dataset(h5, "node/metadata/snn_tune")
            except ValueError:
                raise UserError(
                    f"{path}: NIR of another program, which does not say how data becomes its input; "
                    "only what snn_tune exported can be read"
                ) from None
            description = json.loads(text.asstr()[()]) if text.shape == () else None
            if not isinstance(description, dict):
                raise ValueError("the description is not a table")
            return description, dict(_weights(h5))
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a whole NIR file ({one_line(error)})") from error


def _weights(h5: h5py.File) -> Iterator[tuple[str, Tensor]]:
    """Weights by their name in the network's `state_dict`."""
    for node in hdf5.find(h5, "node/nodes"):
        if name := _weight(node):
            yield name, _tensor(hdf5.dataset(h5, f"node/nodes/{node}/weight")).T.contiguous()
    for name in hdf5.find(h5, "node/metadata/weights"):
        yield name, _tensor(hdf5.dataset(h5, f"node/metadata/weights/{name}"))


def _tensor(node: h5py.Dataset) -> Tensor:
    hdf5.check_size(node)
    if node.dtype != np.float32:
        raise ValueError(f"{node.name} is of type {node.dtype}, not float32")
    return torch.from_numpy(node[()])


def _node(weights: str) -> str | None:
    """The node that holds these weights of the network as they are, transposed; None where there is none."""
    name, _, place = weights.partition(".")
    if name in ("deeper_w", "deeper_v"):
        return f"{'weights' if name == 'deeper_w' else 'recurrent'}_{int(place) + 2}"
    return {"w1": "weights_1", "v": "recurrent_1", "w2": "weights_readout"}.get(weights)


def _weight(node: str) -> str | None:
    """The other way round: the weights that a node holds."""
    known = {"weights_1": "w1", "recurrent_1": "v", "weights_readout": "w2"}
    kind, _, place = node.partition("_")
    if node in known or kind not in ("weights", "recurrent"):
        return known.get(node)
    return f"deeper_{'w' if kind == 'weights' else 'v'}.{int(place) - 2}"


def _cuba(alpha: Any, beta: Any, gain: Any, units: int, dt: float) -> dict[str, NDArray[np.float64]]:
    """Synapse and membrane of NIR: Euler gives syn <- alpha syn + w_in dt / tau_syn input, and the same for mem."""
    tau_syn, tau_mem = _tau(alpha, units, dt), _tau(beta, units, dt)
    return {"tau_syn": tau_syn, "tau_mem": tau_mem, "r": tau_mem / dt, "w_in": _each(gain, units) * tau_syn / dt}


def _tau(decay: Any, units: int, dt: float) -> NDArray[np.float64]:
    return dt / (1 - _each(decay, units))


def _threshold(units: int) -> dict[str, NDArray[np.float64]]:
    zeros = np.zeros(units)
    return {"v_leak": zeros, "v_reset": zeros, "v_threshold": np.ones(units)}


def _each(value: Any, units: int) -> NDArray[np.float64]:
    """One for each unit."""
    number = value.detach().double().cpu().numpy() if isinstance(value, Tensor) else value
    return np.full(units, number, dtype=np.float64)


def _numpy(weights: Tensor) -> NDArray[np.float32]:
    return weights.detach().cpu().numpy()
