"""tf.estimator.inputs: arrays and frames as input functions.

After tensorflow_estimator/python/estimator/inputs of TensorFlow 1.15. Values go to the graph through tf.data
instead of a queue with its own thread.
"""
import collections

import numpy
import tensorflow.compat.v1 as tf


def _batches(arrays, batch_size, num_epochs, shuffle, buffer_size, seed=None):
    """Tensors of batches [≤ batch_size, …] of arrays of one length.

    Batches run on from one epoch into the next. The arrays stay outside the graph, which holds no more than
    2 GB.
    """
    order = tf.data.Dataset.range(len(arrays[0]))
    if shuffle:
        order = order.shuffle(min(buffer_size, max(len(arrays[0]), 1)), seed=seed)
    order = order.repeat(num_epochs).batch(batch_size)

    def rows(indices):
        tensors = tf.py_func(
            lambda chosen: [array[chosen] for array in arrays], [indices],
            [tf.as_dtype(array.dtype) for array in arrays], stateful=False)
        for tensor, array in zip(tensors, arrays):
            tensor.set_shape((None,) + array.shape[1:])
        return tuple(tensors)

    return tf.data.make_one_shot_iterator(order.map(rows).prefetch(2)).get_next()


def _checked(shuffle, lengths):
    if not isinstance(shuffle, bool):
        raise ValueError('shuffle must be provided and explicitly set as boolean (it is recommended to set '
                         f'it as True for training); got {shuffle}')
    if len(set(lengths)) > 1:
        raise ValueError(f'Length of tensors in x and y is mismatched: {lengths}')


def numpy_input_fn(x, y=None, batch_size=128, num_epochs=1, shuffle=None, queue_capacity=1000, num_threads=1):
    """An input_fn of arrays: features like x (array or dictionary), labels like y, or features alone.

    num_epochs None repeats for ever; shuffle must be given. The last batch may be smaller. ValueError when
    the lengths differ.
    """
    if isinstance(x, dict) and not x:
        raise ValueError('x cannot be an empty dict')

    def input_fn():
        features = collections.OrderedDict(
            (key, numpy.asarray(value)) for key, value in (x.items() if isinstance(x, dict) else [('x', x)]))
        labels = collections.OrderedDict()
        if y is not None:
            labels.update((key, numpy.asarray(value))
                          for key, value in (y.items() if isinstance(y, dict) else [('y', y)]))
        arrays = [*features.values(), *labels.values()]
        _checked(shuffle, [len(array) for array in arrays])
        tensors = _batches(arrays, batch_size, num_epochs, shuffle, queue_capacity)
        given = dict(zip(features, tensors))
        given = given if isinstance(x, dict) else given['x']
        if y is None:
            return given
        wanted = dict(zip(labels, tensors[len(features):]))
        return given, wanted if isinstance(y, dict) else wanted['y']

    _checked(shuffle, [])
    return input_fn


def pandas_input_fn(x, y=None, batch_size=128, num_epochs=1, shuffle=None, queue_capacity=1000, num_threads=1,
                    target_column='target'):
    """An input_fn of a DataFrame: {column: tensor}, and labels from a Series or DataFrame y."""
    columns = {name: x[name].to_numpy() for name in x.columns}
    labels = y
    if hasattr(y, 'columns'):
        labels = {name: y[name].to_numpy() for name in y.columns}
    elif y is not None:
        labels = y.to_numpy()
    return numpy_input_fn(columns, labels, batch_size, num_epochs, shuffle, queue_capacity, num_threads)


# ---- what a served model receives --------------------------------------------------------------------------

ServingInputReceiver = collections.namedtuple(
    'ServingInputReceiver', ('features', 'receiver_tensors', 'receiver_tensors_alternatives'),
    defaults=(None,))
TensorServingInputReceiver = ServingInputReceiver


def build_raw_serving_input_receiver_fn(features, default_batch_size=None):
    """A serving_input_receiver_fn of placeholders shaped like `features` {name: tensor}."""
    def receiver():
        placeholders = {
            name: tf.placeholder(
                tensor.dtype, [default_batch_size] + tensor.shape.as_list()[1:], name=name)
            for name, tensor in features.items()
        }
        return ServingInputReceiver(placeholders, placeholders)
    return receiver


def build_parsing_serving_input_receiver_fn(feature_spec, default_batch_size=None):
    """A serving_input_receiver_fn that parses serialized tf.Example protos."""
    def receiver():
        serialized = tf.placeholder(tf.string, [default_batch_size], name='input_example_tensor')
        return ServingInputReceiver(tf.parse_example(serialized, feature_spec), {'examples': serialized})
    return receiver
