"""Whole floats as sizes: `tf.reshape(x, [64, h / 4])` where Python 2 divided integers."""
import functools
import inspect
import types

from legacy.python2 import Quotient

# Parameters that TensorFlow reads as sizes, counts or positions.
SIZES = {'shape', 'output_shape', 'size', 'begin', 'end', 'multiples', 'ksize', 'strides', 'num',
         'num_or_size_splits', 'axis', 'dims', 'filter_shape', 'num_units', 'num_outputs', 'units', 'filters',
         'kernel_size', 'pool_size', 'depth', 'batch_size', 'target_height', 'target_width', 'offset_height',
         'offset_width', 'paddings', 'num_classes', 'limit', 'capacity', 'block_size', 'count', 'buffer_size',
         'repeats', 'stride', 'k', 'new_height', 'new_width', 'indices'}


def whole(value):
    """Quotients in nested lists and tuples → int; everything else as it is (tensors, floats meant as
    floats).
    """
    if isinstance(value, Quotient):
        return value.__index__()
    if isinstance(value, (list, tuple)) and any(isinstance(v, (Quotient, list, tuple)) for v in value):
        items = [whole(v) for v in value]
        return items if isinstance(value, list) else tuple(items) if type(value) is tuple else value
    return value


def accepting_quotients(name, function):
    """`function` with its size arguments cleaned; the function itself when it has none."""
    if not isinstance(function, types.FunctionType):
        return function
    try:
        parameters = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return function
    positions = {n for n, parameter in enumerate(parameters) if parameter in SIZES}
    if not positions:
        return function

    @functools.wraps(function)
    def call(*args, **kwargs):
        args = [whole(a) if n in positions else a for n, a in enumerate(args)]
        kwargs = {key: whole(v) if key in SIZES else v for key, v in kwargs.items()}
        return function(*args, **kwargs)
    return call
