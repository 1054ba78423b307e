"""The constants of a hidden layer's units: shared, drawn for each unit, or trained from there."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Kind = Literal["shared", "drawn", "trained"]
SHAPE = 3  # of the Gamma distribution
FURTHEST = 10.0  # times, or part of, the mean: further draws (0.4 % of them, almost all below) are put there

NEAREST = 1e-7  # of a decay to 0 or 1: nearer, float32 would make it 0 or 1


class Constants(NamedTuple):
    """What `cuba_lif` takes of them: numbers, or (H,) each."""

    alpha: float | Tensor
    beta: float | Tensor
    input_gain: float | Tensor


class TimeConstants(nn.Module):
    """alpha and beta of each unit, or nothing where all units share theirs; calling it gives the layer's `Constants`.

    "drawn": each tau_syn and tau_mem is from a Gamma distribution of shape 3 around the shared one, as in Perez-Nieves
    et al. 2021 (Neural heterogeneity promotes robust learning).
    "trained": the layer starts so, and gradients go to `alpha_logit` and `beta_logit`: alpha = sigmoid(alpha_logit)
    lies between 0 and 1 wherever the optimiser takes it.

    Args:
        kind: shared, drawn or trained.
        shared: of all units; without a layer's own, these are its constants.
        taus: tau_syn and tau_mem, in time steps.
        scaled_input: the gain is 1 - beta, else 1.
    """

    alpha: Tensor
    beta: Tensor
    alpha_logit: Tensor
    beta_logit: Tensor

    def __init__(
        self,
        kind: Kind,
        shared: Constants,
        taus: tuple[float, float],
        scaled_input: bool,
        nb_units: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.kind, self.shared, self.scaled_input = kind, shared, scaled_input
        if kind == "shared":
            return
        for name, tau in zip(("alpha", "beta"), taus, strict=True):
            decay = torch.exp(-1.0 / draw(tau, nb_units, generator)).clamp(NEAREST, 1.0 - NEAREST)
            if kind == "trained":
                self.register_parameter(f"{name}_logit", nn.Parameter(torch.logit(decay).float()))
            else:
                self.register_buffer(name, decay.float())

    def forward(self) -> Constants:
        if self.kind == "shared":
            return self.shared
        if self.kind == "trained":
            alpha, beta = torch.sigmoid(self.alpha_logit), torch.sigmoid(self.beta_logit)
        else:
            alpha, beta = self.alpha, self.beta
        return Constants(alpha, beta, 1.0 - beta if self.scaled_input else 1.0)


def draw(tau: float, nb_units: int, generator: torch.Generator) -> Tensor:
    """Time constants (nb_units,) around tau, float64: the mean of k exponentials is Gamma distributed, with shape k."""
    each = torch.empty(SHAPE, nb_units, dtype=torch.float64).exponential_(generator=generator)
    return tau * each.mean(dim=0).clamp(1.0 / FURTHEST, FURTHEST)
