"""Stencils of 8 x 8 pixels as vector instructions: the inner loops of `data.projection`.

LLVM unrolls loops of eight before it looks for vectors in them, and then finds none. So these two
are written as vectors of eight from the start; LLVM maps them to whatever the processor has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 8
_SINGLE = ir.VectorType(ir.FloatType(), WIDTH)
_DOUBLE = ir.VectorType(ir.DoubleType(), WIDTH)
_FAST = ("reassoc", "nnan", "ninf", "nsz", "contract")


def _splat(builder: Any, value: Any, lanes: ir.VectorType) -> Any:
    """Return a vector with `value` in all of its lanes."""
    undefined = ir.Constant(lanes, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
    return builder.shuffle_vector(first, undefined, zeros)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, to: Any) -> Any:
    """Return the address of array[index] as that of a vector."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(cgutils.gep_inbounds(builder, data, index), to.as_pointer())


@intrinsic
def fill_stencil(typing_context, stencil, x, y, inverse, cubic, quintic):
    """Write the profile u^3 (cubic + quintic u^2), u = 1 - inverse r^2, normalized to a sum of one.

    stencil : float32 (64,), row after row. x, y : center in pixels from the first pixel's. The
    arithmetic is single precision.
    """

    def codegen(context, builder, signature, arguments):
        array, *numbers = arguments
        x, y, *factors = (builder.fptrunc(number, ir.FloatType()) for number in numbers)
        zero, one = ir.Constant(_SINGLE, [0.0] * WIDTH), ir.Constant(_SINGLE, [1.0] * WIDTH)
        lanes = ir.Constant(_SINGLE, [float(i) for i in range(WIDTH)])
        inverse, cubic, quintic = (_splat(builder, factor, _SINGLE) for factor in factors)

        def scaled_squares(center):
            d = builder.fsub(lanes, _splat(builder, center, _SINGLE), flags=_FAST)
            return builder.fmul(builder.fmul(d, d, flags=_FAST), inverse, flags=_FAST)

        across, upward = scaled_squares(x), builder.fsub(one, scaled_squares(y), flags=_FAST)
        rows, total = [], zero
        for row in range(WIDTH):
            top = _splat(builder, builder.extract_element(upward, ir.IntType(32)(row)), _SINGLE)
            u = builder.fsub(top, across, flags=_FAST)
            u = builder.select(builder.fcmp_ordered(">", u, zero), u, zero)
            square = builder.fmul(u, u, flags=_FAST)
            mixed = builder.fadd(builder.fmul(quintic, square, flags=_FAST), cubic, flags=_FAST)
            cube = builder.fmul(square, u, flags=_FAST)
            rows.append(builder.fmul(cube, mixed, flags=_FAST))
            total = builder.fadd(total, rows[-1], flags=_FAST)
        parts = [builder.extract_element(total, ir.IntType(32)(i)) for i in range(WIDTH)]
        while len(parts) > 1:
            parts = [
                builder.fadd(a, b, flags=_FAST)
                for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
        scale = _splat(builder, builder.fdiv(ir.FloatType()(1.0), parts[0]), _SINGLE)
        for row, values in enumerate(rows):
            index = context.get_constant(types.intp, row * WIDTH)
            address = _pointer(context, builder, signature.args[0], array, index, _SINGLE)
            builder.store(builder.fmul(values, scale, flags=_FAST), address, align=4)
        return context.get_dummy_value()

    number = types.float64
    return types.void(stencil, number, number, number, number, number), codegen


@intrinsic
def add_stencil(typing_context, grid, start, stride, stencil, weight):
    """Add `weight` times the stencil to eight rows of `grid`, a flat float64 array.

    start : index of the first row's first pixel; stride : from there to the next row's.
    """

    def codegen(context, builder, signature, arguments):
        grid, index, stride, array, weight = arguments
        weights = _splat(builder, weight, _DOUBLE)
        for row in range(WIDTH):
            offset = context.get_constant(types.intp, row * WIDTH)
            values = builder.load(
                _pointer(context, builder, signature.args[3], array, offset, _SINGLE), align=4
            )
            added = builder.fmul(builder.fpext(values, _DOUBLE), weights, flags=_FAST)
            address = _pointer(context, builder, signature.args[0], grid, index, _DOUBLE)
            old = builder.load(address, align=8)
            builder.store(builder.fadd(old, added, flags=_FAST), address, align=8)
            index = builder.add(index, stride)
        return context.get_dummy_value()

    return types.void(grid, types.intp, types.intp, stencil, types.float64), codegen
