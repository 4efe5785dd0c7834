"""TensorFlow ≤ 0.12: spellings and argument orders that a plain rename does not restore.

Where an order changed, the types of the arguments tell which one is meant, and the choice is said once.
"""
import logging

import numpy
import tensorflow.compat.v1 as tf

from legacy import notes
from legacy.tf1.sizes import whole

# 1.9: "1." as scripts ask for, and greater than "1.2" both as text and as a number, which "1.15" is not.
__version__ = '1.9.0'
LOGGER = logging.getLogger('tensorflow')


def _axis_like(x):
    return isinstance(x, (int, numpy.integer)) and not isinstance(x, bool)


def concat(values=None, axis=None, name='concat', concat_dim=None):
    """tf.concat(values, axis), or tf.concat(concat_dim, values) of TensorFlow ≤ 0.12."""
    if concat_dim is not None:
        values, axis = (values if values is not None else axis), concat_dim
    elif _axis_like(values) or isinstance(axis, (list, tuple)) and not isinstance(values, (list, tuple)):
        notes.say('tf.concat(axis, values): the order of TensorFlow ≤ 0.12', 'concat')
        values, axis = axis, values
    return tf.concat(values, whole(axis), name=name)


def split(value=None, num_or_size_splits=None, axis=0, num=None, name='split', split_dim=None,
          num_split=None):
    """tf.split(value, n, axis), or tf.split(split_dim, num_split, value) of TensorFlow ≤ 0.12."""
    if split_dim is not None or num_split is not None:
        if _axis_like(value):
            value, split_dim = None, value
        axis = split_dim if split_dim is not None else axis
        num_or_size_splits = num_split if num_split is not None else num_or_size_splits
    elif _axis_like(value) and not _axis_like(axis):
        notes.say('tf.split(axis, number, value): the order of TensorFlow ≤ 0.12', 'split')
        value, axis = axis, value
    return tf.split(value, whole(num_or_size_splits), axis, num, name)


def reverse(tensor, axis=None, name=None, dims=None):
    """tf.reverse by axis numbers, or by one boolean per dimension (≤ 0.12)."""
    flags = dims if dims is not None else axis
    if isinstance(flags, (list, tuple)) and flags and all(isinstance(f, (bool, numpy.bool_)) for f in flags):
        notes.say('tf.reverse with booleans: one per dimension, as in TensorFlow ≤ 0.12', 'reverse')
        flags = [n for n, f in enumerate(flags) if f]
    return tf.reverse(tensor, flags, name)


def pack(values, axis=0, name='pack'):
    return tf.stack(values, whole(axis), name)


def unpack(value, num=None, axis=0, name='unpack'):
    return tf.unstack(value, whole(num), axis, name)


def batch_matmul(x, y, adj_x=False, adj_y=False, name=None):
    return tf.matmul(x, y, adjoint_a=adj_x, adjoint_b=adj_y, name=name)


def flatten(x, name=None):
    """tf.flatten was in no TensorFlow; scripts that call it mean tf.layers.flatten."""
    from legacy.tf1 import layers
    return layers.flatten(x, name=name)


def initialize_all_variables():
    """All variables of that time: local ones (epoch counters of input queues) were among them."""
    return tf.group(tf.global_variables_initializer(), tf.local_variables_initializer(), name='init')


def global_variables_initializer():
    """Also initialises the lists of tf.train.match_filenames_once, local variables since TensorFlow 1.2."""
    lists = [v for v in tf.local_variables() if v.op.name.rpartition('/')[2].startswith('matching_filenames')]
    if not lists:
        return tf.global_variables_initializer()
    return tf.group(tf.global_variables_initializer(), tf.variables_initializer(lists), name='init')


def initialize_all_tables(name='init_all_tables'):
    return tf.tables_initializer(name)


def op_scope(values, name, default_name=None):
    return tf.name_scope(name, default_name, values)


def variable_op_scope(values, name_or_scope, default_name=None, initializer=None, regularizer=None,
                      caching_device=None, partitioner=None, custom_getter=None, reuse=None,
                      dtype=tf.float32):
    return tf.variable_scope(name_or_scope, default_name, values, initializer, regularizer, caching_device,
                             partitioner, custom_getter, reuse, dtype)


# ---- summaries: the tag was the whole name, no scope in front ----------------------------------------------

def _summary(kind, tag, *args, collections=None, name=None, **kwargs):
    with tf.name_scope(None):
        return getattr(tf.summary, kind)(str(tag), *args, collections=collections, **kwargs)


def scalar_summary(tags, values, collections=None, name=None):
    if isinstance(tags, (list, tuple)):
        parts = [_summary('scalar', tag, value, collections=collections)
                 for tag, value in zip(tags, tf.unstack(tf.convert_to_tensor(values), len(tags)))]
        return tf.summary.merge(parts)
    return _summary('scalar', tags, values, collections=collections, name=name)


def histogram_summary(tag, values, collections=None, name=None):
    return _summary('histogram', tag, values, collections=collections, name=name)


def image_summary(tag, tensor, max_images=3, collections=None, name=None, max_outputs=None):
    return _summary('image', tag, tensor, max_images if max_outputs is None else max_outputs,
                    collections=collections, name=name)


def audio_summary(tag, tensor, sample_rate, max_outputs=3, collections=None, name=None):
    return _summary('audio', tag, tensor, sample_rate, max_outputs, collections=collections, name=name)


class SummaryWriter(tf.summary.FileWriter):
    """tf.train.SummaryWriter(logdir, graph_def=…): a GraphDef in the graph's place was allowed."""

    def __init__(self, logdir, graph=None, max_queue=10, flush_secs=120, graph_def=None):
        if graph is not None and not isinstance(graph, tf.Graph):
            graph, graph_def = None, graph
        super().__init__(logdir, graph=graph, max_queue=max_queue, flush_secs=flush_secs)
        if graph_def is not None:
            self.add_graph(None, graph_def=graph_def)


# ---- losses: (logits, labels) ------------------------------------------------------------------------------

def _logits_first(name):
    function = getattr(tf.nn, name)

    def call(*args, **kwargs):
        if 'targets' in kwargs:
            kwargs['labels'] = kwargs.pop('targets')
        if args and args[0] is not None:
            notes.say(
                f'tf.nn.{name} called by position: taken as (logits, labels), the order of TensorFlow ≤ 0.12',
                name)
            kwargs.update(zip(('logits', 'labels', 'name') if name[:7] != 'softmax' else ('logits', 'labels',
                                                                                          'dim', 'name'),
                              args))
        elif args:
            kwargs.update(zip(('labels', 'logits'), args[1:]))       # the _sentinel=None of TensorFlow 1.x
        return function(**kwargs)
    call.__name__ = name
    call.__doc__ = function.__doc__
    return call


sigmoid_cross_entropy_with_logits = _logits_first('sigmoid_cross_entropy_with_logits')
softmax_cross_entropy_with_logits = _logits_first('softmax_cross_entropy_with_logits')
sparse_softmax_cross_entropy_with_logits = _logits_first('sparse_softmax_cross_entropy_with_logits')


def resize_images(images, size, *args, **kwargs):
    """tf.image.resize_images(images, [h, w], …), or (images, h, w, …) of TensorFlow ≤ 0.11."""
    if 'new_height' in kwargs:
        size = [kwargs.pop('new_height'), kwargs.pop('new_width')]
    elif args and not isinstance(size, (list, tuple)) and not (hasattr(size, 'shape') and len(size.shape)):
        notes.say('tf.image.resize_images(images, height, width): the order of TensorFlow ≤ 0.11',
                  'resize_images')
        size, args = [size, args[0]], args[1:]
    return tf.image.resize_images(images, whole(size), *args, **kwargs)
