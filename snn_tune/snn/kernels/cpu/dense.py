"""The one dense product: gradients of a step back through the weights, four rows at a time."""

from typing import Any

import numba
from llvmlite import binding

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.vector import LANES, fma, item, load, splat, store, zeros

ROWS = 4
_FEATURES = numba.config.CPU_FEATURES or binding.get_host_cpu_features().flatten()
# Four rows of this many columns fill the registers: 16 sums in 32 of AVX-512, 8 in 16 of AVX2.
# Multiply-adds a second at 2.6 GHz: 94e9 (64 columns; 78e9 with 32), on AVX2 46e9 (16; 31e9 with 64). MKL: 65e9.
COLUMNS = 64 if "+avx512f" in _FEATURES else 16


@inlined
def _product_tile(
    zero: Any, left: Any, at: int, skip: int, right: Any, c: int, base: Any, base_at: int, base_skip: int, out: Any,
    out_at: int, out_skip: int,
) -> None:  # fmt: skip
    depth, width = right.shape
    sum0, sum1 = load(base, base_at + c, zero), load(base, base_at + base_skip + c, zero)
    sum2, sum3 = load(base, base_at + 2 * base_skip + c, zero), load(base, base_at + 3 * base_skip + c, zero)
    for k in range(depth):
        weights = load(right, k * width + c, zero)
        sum0 = fma(splat(item(left, at + k), zero), weights, sum0)
        sum1 = fma(splat(item(left, at + skip + k), zero), weights, sum1)
        sum2 = fma(splat(item(left, at + 2 * skip + k), zero), weights, sum2)
        sum3 = fma(splat(item(left, at + 3 * skip + k), zero), weights, sum3)
    store(out, out_at + c, sum0)
    store(out, out_at + out_skip + c, sum1)
    store(out, out_at + 2 * out_skip + c, sum2)
    store(out, out_at + 3 * out_skip + c, sum3)


@inlined
def product(
    nb_rows: int, left: Any, at: int, skip: int, right: Any, base: Any, base_at: int, base_skip: int, out: Any,
    out_at: int, out_skip: int,
) -> None:  # fmt: skip
    """out[r] = base[r] + left[r] right, for rows r; if ROWS does not divide their number, some more.

    Row r of left, base and out starts at `at + r * skip` of that array; a row of left is as long as `right` is deep,
    rows of base and out as `right` is wide, a multiple of LANES.

    All rows for some columns of `right`, then the next: a matrix too large for L2 comes from further away once for
    all rows, not once for each four. A step of SHD with 800 hidden units: 829 -> 470 ms.
    """
    width = right.shape[1]
    wide = width // COLUMNS * COLUMNS
    for c in range(0, wide, COLUMNS):
        for r in range(0, nb_rows, ROWS):
            a, b, o = at + r * skip, base_at + r * base_skip, out_at + r * out_skip
            _product_tile(zeros(COLUMNS), left, a, skip, right, c, base, b, base_skip, out, o, out_skip)
    for c in range(wide, width, LANES):
        for r in range(0, nb_rows, ROWS):
            a, b, o = at + r * skip, base_at + r * base_skip, out_at + r * out_skip
            _product_tile(zeros(LANES), left, a, skip, right, c, base, b, base_skip, out, o, out_skip)
