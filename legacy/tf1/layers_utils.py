"""tf.contrib.layers.utils (slim.utils) and tensorflow.python.layers.utils: conditions, tuples,
collections.
"""
import tensorflow.compat.v1 as tf

from legacy.tf1 import core

smart_cond = core.smart_cond
constant_value = core.constant_value


def static_cond(pred, fn1, fn2):
    """One of the two functions' results, for a Python boolean."""
    return fn1() if pred else fn2()


def first_dimension(shape, min_rank=1):
    return _dimension(shape, 0, min_rank)


def last_dimension(shape, min_rank=1):
    return _dimension(shape, -1, min_rank)


def channel_dimension(shape, data_format, min_rank=1):
    return _dimension(shape, 1 if core.is_channels_first(data_format) else -1, min_rank)


def _dimension(shape, axis, min_rank):
    dims = tf.TensorShape(shape).with_rank_at_least(min_rank).dims
    if dims is None:
        raise ValueError('dims of shape must be known but is None')
    return dims[axis].value


def two_element_tuple(int_or_tuple):
    """3 → (3, 3); two numbers stay. ValueError for anything else."""
    return n_positive_integers(2, int_or_tuple)


def n_positive_integers(n, value):
    """`value` n times, or the n numbers that it lists. ValueError when they are not n positive integers."""
    values = list(value) if hasattr(value, '__iter__') else [value] * n
    if len(values) == 1:
        values *= n
    values = tuple(core.count(v) for v in values)
    if len(values) != n or min(values) < 1:
        raise ValueError(f'{value} is not one positive integer or a list of {n}')
    return values


def normalize_tuple(value, n, name):
    """n integers. ValueError that names the argument otherwise."""
    result = core.tuple_of(value, n)
    if len(result) != n:
        raise ValueError(f'The `{name}` argument must be a tuple of {n} integers. Received: {value}')
    return result


def normalize_padding(value):
    return value.lower()


def convert_data_format(data_format, ndim):
    """channels_last and four dimensions → NHWC."""
    letters = {3: 'W', 4: 'HW', 5: 'DHW'}[ndim]
    return 'NC' + letters if data_format == 'channels_first' else 'N' + letters + 'C'


def get_variable_collections(variables_collections, name):
    """The collections of one variable, of a list for all or a dictionary by name."""
    if isinstance(variables_collections, dict):
        return variables_collections.get(name)
    return variables_collections


def append_tensor_alias(tensor, alias):
    # a name scope's name ends in '/', an end point's never did
    tensor.aliases = [*getattr(tensor, 'aliases', []), alias.rstrip('/')]
    return tensor


def gather_tensors_aliases(tensors):
    """The aliases of all tensors, a tensor's name where it has none."""
    return [alias for tensor in tensors for alias in getattr(tensor, 'aliases', None) or [tensor.op.name]]


def collect_named_outputs(collections, alias, outputs):
    """Adds `outputs` to the collections under an alias, which `convert_collection_to_dict` gives back."""
    if collections:
        append_tensor_alias(outputs, alias)
        tf.add_to_collections([collections] if isinstance(collections, str) else collections, outputs)
    return outputs


def convert_collection_to_dict(collection, clear_collection=False):
    """{alias: tensor} of a collection: what slim's networks call their end points."""
    tensors = tf.get_collection(collection)
    if clear_collection:
        tf.get_default_graph().clear_collection(collection)
    return {alias: tensor for tensor in tensors for alias in gather_tensors_aliases([tensor])}
