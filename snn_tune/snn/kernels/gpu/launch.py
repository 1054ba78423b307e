"""How a batch is divided among programs, and products in full float32."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import triton
from torch import Tensor

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"  # Triton reads it once too, where a kernel is defined
MAX_RECURRENT = 1024  # units whose state fits into the registers of one program
SEPARATE = 128  # units of a program where none needs the others


class Blocks(NamedTuple):
    """Samples and units of a program, powers of two; rows of a matrix read at a time; groups of 32 threads."""

    samples: int
    units: int
    tile: int
    warps: int

    def grid(self, nb_samples: int, nb_units: int) -> tuple[int, int]:
        return triton.cdiv(nb_samples, self.samples), triton.cdiv(nb_units, self.units)


def blocks(nb_samples: int, nb_units: int, device: torch.device, *, together: bool) -> Blocks:
    """Programs that hold their samples' units in registers through all steps.

    Args:
        together: each unit needs all of them at each step, so that one program holds them all. Then it has as many
            samples as keep every processor busy and no more: it reads v at each step, whatever their number.
    """
    units = max(16, triton.next_power_of_2(nb_units))
    if not together:
        units = min(units, SEPARATE)
    samples = triton.cdiv(nb_samples, _nb_processors(device)) if together else 1
    most = max(1, min(4, 1024 // units))  # more would spill registers
    if INTERPRETED:
        samples, most = nb_samples, 16  # a program costs the same for one sample as for many
    tile = 16 if units <= 512 else 8
    warps = 4 if units < 256 else 8 if units <= 512 else 16
    return Blocks(min(triton.next_power_of_2(samples), most), units, tile, warps)


def _nb_processors(device: torch.device) -> int:
    return 1 if INTERPRETED else torch.cuda.get_device_properties(device).multi_processor_count


def each(value: float | Tensor, nb_units: int, like: Tensor) -> Tensor:
    """A constant of the units, a float or a tensor of one for each, as a float32 tensor (nb_units,)."""
    if isinstance(value, Tensor):
        return value.detach().to(like.device, torch.float32).expand(nb_units).contiguous()
    return torch.full((nb_units,), value, dtype=torch.float32, device=like.device)


@contextmanager
def full_float32() -> Iterator[None]:
    """PyTorch's own products without TF32, whatever the user allows elsewhere: it would flip spikes."""
    matmul = torch.backends.cuda.matmul
    # PyTorch from 2.9 on refuses to read the old setting where the user made the new one; writing the old makes both
    allowed = matmul.fp32_precision == "tf32" if hasattr(matmul, "fp32_precision") else matmul.allow_tf32
    if allowed:
        matmul.allow_tf32 = False
    try:
        yield
    finally:
        if allowed:
            matmul.allow_tf32 = True
