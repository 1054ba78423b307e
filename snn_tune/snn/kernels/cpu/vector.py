"""Vectors of floats for Numba: `a * b + c` on whole rows of units, in registers.

Numba's own loops are left to LLVM's vectoriser, which gives up where arrays may overlap, and keeps no row in registers
over an inner loop. Here a vector is a value: an LLVM `<lanes x float>`, cut by LLVM into what the processor has (64
lanes are four AVX-512 registers or eight of AVX2). So one compilation serves every width, with plain functions.
A function takes the number of lanes from its argument `like`, a vector whose value does not matter.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16  # rows of units are padded to a multiple of this: 64 bytes, one cache line, one AVX-512 register
WIDE = 64  # lanes of the sums over many rows

FLOAT, INDEX = ir.FloatType(), ir.IntType(32)


class Vector(types.Type):
    """The Numba type of a vector of `lanes` floats."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Vector({lanes})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(FLOAT, vector.lanes))


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Where element `index` of a C-contiguous array lies, whatever its dimensions; no bounds, no negative index."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _splat(builder: Any, scalar: Any, lanes: int) -> Any:
    undefined = ir.Constant(ir.VectorType(FLOAT, lanes), ir.Undefined)
    first = builder.insert_element(undefined, scalar, INDEX(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INDEX, lanes), [0] * lanes))


def _call(builder: Any, name: str, vectors: list[Any]) -> Any:
    kind = vectors[0].type
    signature = ir.FunctionType(kind, [kind] * len(vectors))
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.v{kind.count}f32")
    return builder.call(function, vectors)


@intrinsic(prefer_literal=True)
def zeros(_: Any, lanes: Any) -> Any:
    """A vector of zeros; `lanes` is a constant."""
    vector = Vector(lanes.literal_value)
    return vector(lanes), lambda context, *_: ir.Constant(context.get_value_type(vector), None)


@intrinsic
def splat(_: Any, scalar: Any, like: Any) -> Any:
    """A vector of one value."""
    return like(types.float32, like), lambda _, builder, signature, values: _splat(builder, values[0], like.lanes)


@intrinsic
def item(_: Any, array: Any, index: Any) -> Any:
    """`array.flat[index]`, without the test for a negative index."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_address(context, builder, array, *values))

    return array.dtype(array, types.intp), emit


@intrinsic
def load(_: Any, array: Any, index: Any, like: Any) -> Any:
    """`array.flat[index : index + lanes]`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _address(context, builder, array, *values[:2])
        loaded = builder.load(builder.bitcast(address, context.get_value_type(like).as_pointer()))
        loaded.align = 4
        return loaded

    return like(array, types.intp, like), emit


@intrinsic
def store(_: Any, array: Any, index: Any, vector: Any) -> Any:
    """`array.flat[index : index + lanes] = vector`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _address(context, builder, array, *values[:2])
        builder.store(values[2], builder.bitcast(address, values[2].type.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def fma(_: Any, a: Any, b: Any, c: Any) -> Any:
    """`a * b + c`, in one instruction where the processor has it."""
    return c(c, c, c), lambda _, builder, signature, values: _call(builder, "fmuladd", list(values))


@intrinsic
def magnitude(_: Any, a: Any) -> Any:
    """`|a|`."""
    return a(a), lambda _, builder, signature, values: _call(builder, "fabs", list(values))


@intrinsic
def lane_sum(_: Any, a: Any) -> Any:
    """The sum over the lanes of a vector."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(FLOAT, [FLOAT, values[0].type])
        name = f"llvm.vector.reduce.fadd.v{a.lanes}f32"
        reduce = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(reduce, [FLOAT(0.0), values[0]], fastmath=["reassoc"])  # else one lane after the other

    return types.float32(a), emit


def _where(comparison: str, meaning: str) -> Any:
    @intrinsic
    def where(_: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.select(builder.fcmp_ordered(comparison, *values[:2]), *values[2:])

        return a(a, a, a, a), emit

    where.__doc__ = f"`yes` in the lanes where {meaning}, else `no`; a NaN is neither above nor equal to anything."
    return where


where_above = _where(">", "a > b")
where_equal = _where("==", "a == b")


@intrinsic
def bits_above(_: Any, a: Any, b: Any) -> Any:
    """Bit i of the integer is set where lane i has `a > b`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered(">", *values), ir.IntType(a.lanes))
        return builder.zext(bits, ir.IntType(64))

    return types.uint64(a, a), emit


@intrinsic
def lowest_bit(_: Any, bits: Any) -> Any:
    """The position of the lowest bit that is set in an integer other than 0."""
    return types.intp(types.uint64), lambda _, builder, signature, values: builder.cttz(values[0], ir.IntType(1)(1))


class _Arithmetic(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        same = len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]
        return args[0](*args) if same else None


def _define(symbol: Callable[..., Any], instruction: str) -> None:
    infer_global(symbol)(type(f"_{instruction}", (_Arithmetic,), {"key": symbol}))
    emit = lambda context, builder, signature, values: getattr(builder, instruction)(*values)  # noqa: E731
    lower_builtin(symbol, Vector, Vector)(emit)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
