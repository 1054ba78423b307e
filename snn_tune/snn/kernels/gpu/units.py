"""Current-based LIF units through all steps of a batch in one launch: their state never leaves the registers.

A program takes some samples and, in a recurrent layer, all units. What a step needs of the others, the spikes or
gradients of the step before, is read back from global memory: written by the same program, it lies in the cache.
Frames: spikes have T + 1 frames of which the first is zero, so that frame t holds s(t - 1), beside current(t); the
gradients of the currents have T + 1 of which the last is zero.
"""

import triton
import triton.language as tl


@triton.jit
def add_product(
    total, left, left_rows, valid_rows, depth, right, width, columns,
    valid_columns, TILE: tl.constexpr,
):  # fmt: skip
    """total + left right, for rows of `left` that start at `left_rows` and columns of `right`, (depth, width).

    Both are read tile by tile, each while the one before is multiplied (Triton pipelines the loop). "ieee" is a
    multiply-add in float32; TF32 keeps ten bits of a weight. `right` may be bf16: seven bits, and half of what is read.
    Tensor cores on v split into two bf16 parts read as much, and wait for as much, at the few samples of a program.
    """
    for start in range(0, depth, TILE):
        inner = start + tl.arange(0, TILE)
        valid = inner < depth
        factors = tl.load(left + left_rows + inner[None, :], mask=valid_rows & valid[None, :], other=0.0)
        weights = tl.load(right + inner[:, None] * width + columns, mask=valid[:, None] & valid_columns, other=0.0)
        total = tl.dot(factors, weights.to(tl.float32), total, input_precision="ieee")
    return total


@triton.jit
def own_units(nb_samples, nb_units, SAMPLES: tl.constexpr, UNITS: tl.constexpr):
    """The samples and units of this program, and whether there are such: (SAMPLES, 1), (1, UNITS)."""
    samples = tl.program_id(0) * SAMPLES + tl.arange(0, SAMPLES)[:, None]
    units = tl.program_id(1) * UNITS + tl.arange(0, UNITS)[None, :]
    return samples.to(tl.int64), units, samples < nb_samples, units < nb_units


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def forward(
    current, v, alpha, beta, gain, spikes, membrane, drift,
    nb_samples, nb_steps, nb_units, depth,
    SUBTRACT: tl.constexpr, SAMPLES: tl.constexpr, UNITS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Spikes (B, T + 1, H) and membranes (B, T, H) of currents (B, T, H); `membrane` may be `current` itself.

    s(t)     = 1 if mem(t) > 1 else 0
    mem(t+1) = (beta mem(t) + gain syn(t)) (1 - s(t))      reset = "zero"
             =  beta mem(t) + gain syn(t) - s(t)           reset = "subtract"
    syn(t+1) = alpha syn(t) + current(t) + s(t-1) v        depth: rows of v; 0 in a feed-forward layer

    Leaves in `drift` (B, H) NaN where the last state is not finite, else 0.
    """
    samples, units, valid_samples, valid_units = own_units(nb_samples, nb_units, SAMPLES, UNITS)
    valid = valid_samples & valid_units
    a = tl.load(alpha + units, mask=valid_units, other=0.0)
    b = tl.load(beta + units, mask=valid_units, other=0.0)
    g = tl.load(gain + units, mask=valid_units, other=0.0)
    syn = tl.zeros((SAMPLES, UNITS), tl.float32)
    mem = tl.zeros((SAMPLES, UNITS), tl.float32)
    at = samples * nb_steps * nb_units  # where a sample's step t starts, and its frame t
    frame = samples * (nb_steps + 1) * nb_units
    tl.store(spikes + frame + units, mem, mask=valid)
    for _ in range(nb_steps):
        drive = tl.load(current + at + units, mask=valid, other=0.0)
        tl.debug_barrier()  # the spikes of the step before are written; this current is read, so its place is free
        drive = add_product(drive, spikes, frame, valid_samples, depth, v, nb_units, units, valid_units, TILE)
        fired = tl.where(mem > 1.0, 1.0, 0.0)
        tl.store(membrane + at + units, mem, mask=valid)
        tl.store(spikes + frame + nb_units + units, fired, mask=valid)
        leaked = b * mem + g * syn
        mem = leaked - fired if SUBTRACT else leaked * (1.0 - fired)
        syn = a * syn + drive
        at += nb_units
        frame += nb_units
    tl.store(drift + samples * nb_units + units, (mem - mem) + (syn - syn), mask=valid)


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def backward(
    membrane, grad_spikes, sample_skip, step_skip, unit_skip,
    grad_membrane, sample_skip2, step_skip2, unit_skip2, rows, stride, column, back, depth, alpha, beta, gain, scale,
    nb_samples, nb_steps, nb_units,
    SUBTRACT: tl.constexpr, SAMPLES: tl.constexpr, UNITS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Fill columns `column` on of `rows` (B, T + 1, stride) with the gradients of the currents.

    d s(t)       = grad_spikes(t) + rows(t+1) back                                 the first `depth` columns of rows
    d current(t) = d syn(t+1)
    d mem(t)     = beta kept d mem(t+1) + d s(t) / (scale |mem(t) - 1| + 1)^2 + grad_membrane(t)
    d syn(t)     = alpha d syn(t+1) + gain kept d mem(t+1)                         kept = 1 - s(t), "subtract": 1

    In a network, rows(t) = [d filtered spikes(t) | d current(t)] and back = [w2 | v]^T: readout and recurrence are one
    product, since a spike of step t acts on both a step later.
    """
    samples, units, valid_samples, valid_units = own_units(nb_samples, nb_units, SAMPLES, UNITS)
    valid = valid_samples & valid_units
    a = tl.load(alpha + units, mask=valid_units, other=0.0)
    b = tl.load(beta + units, mask=valid_units, other=0.0)
    g = tl.load(gain + units, mask=valid_units, other=0.0)
    grad_syn = tl.zeros((SAMPLES, UNITS), tl.float32)
    grad_mem = tl.zeros((SAMPLES, UNITS), tl.float32)
    frame = (samples * (nb_steps + 1) + nb_steps) * stride
    tl.store(rows + frame + column + units, grad_syn, mask=valid)
    for i in range(nb_steps):
        t = nb_steps - 1 - i
        tl.debug_barrier()  # the gradients of the step after are written
        at = samples * sample_skip + t * step_skip + units * unit_skip
        arriving = tl.load(grad_spikes + at, mask=valid, other=0.0)
        arriving = add_product(arriving, rows, frame, valid_samples, depth, back, nb_units, units, valid_units, TILE)
        at = samples * sample_skip2 + t * step_skip2 + units * unit_skip2
        direct = tl.load(grad_membrane + at, mask=valid, other=0.0)
        mem = tl.load(membrane + (samples * nb_steps + t) * nb_units + units, mask=valid, other=0.0)
        kept = grad_mem if SUBTRACT else tl.where(mem > 1.0, 0.0, grad_mem)
        slope = scale * tl.abs(mem - 1.0) + 1.0
        frame -= stride
        tl.store(rows + frame + column + units, grad_syn, mask=valid)
        grad_mem = b * kept + arriving / (slope * slope) + direct
        grad_syn = a * grad_syn + g * kept
