"""`python studies/choices/fashion_mnist_silence.py`: what makes Fashion-MNIST's networks of 50 units fall silent.

A trial's seed draws its initial weights and the order of its samples. Here each has a seed of its own. At the grid's
regulariser of 1e-5 all nine such networks of seed 0 are silent, and all of seeds 1 and 2 learn; this is the first of
the nine.
"""

import sys

import torch

from snn_tune.command import exit_status
from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.source import data_folder
from snn_tune.network_settings import network_settings
from snn_tune.parameters import Parameters
from snn_tune.scoring import evaluate
from snn_tune.snn import SpikingNetwork
from snn_tune.study_file import read
from snn_tune.training_step import TrainingStep, train_epoch

SEEDS = range(3)
EPOCHS = 5


def trained(parameters: Parameters, data: Dataset, weights: int, order: int) -> str:
    """Validation accuracy and spikes of a unit after a few epochs."""
    network = SpikingNetwork(network_settings(parameters, data), seed=weights)
    step = TrainingStep(network, parameters, data)
    for epoch in range(1, EPOCHS + 1):
        train_epoch(step, data, order, epoch)
    found = evaluate(network, data.valid, parameters.batch_size)
    return f"{found.accuracy:7.2%} {found.spikes_per_neuron:5.2f}"


def main() -> int:
    torch.set_num_threads(1)
    study = read("fashion_mnist")
    cell = next(one for one in study.cells() if (one.nb_hidden, one.regularizer) == (50, 1e-5))
    data = study.data.load(cell.nb_steps, data_folder())
    print(f"{cell.nb_hidden} units, {cell.nb_steps} steps, scale {cell.scale:g}, regularizer {cell.regularizer:g}:")
    print(f"validation accuracy and spikes of a unit and sample after {EPOCHS} epochs")
    print("weights of " + "".join(f"{f'order of seed {order}':>18}" for order in SEEDS))
    for weights in SEEDS:
        print(f"seed {weights}     " + "".join(f"{trained(cell, data, weights, order):>18}" for order in SEEDS))
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
