"""tf.contrib.slim's own parts; its layers and variables are those of tf.contrib.layers and
tf.contrib.framework.
"""
import sys
import types

import tensorflow.compat.v1 as tf

from legacy.tf1 import contrib_layers
from legacy.tf1.learning import slim_evaluation as evaluation      # noqa: F401
from legacy.tf1.learning import slim_learning as learning          # noqa: F401


# ---- slim.model_analyzer -----------------------------------------------------------------------------------

def tensor_description(var):
    """`(float32_ref 5x5x3x64)`."""
    shape = 'x'.join(str(n) for n in var.shape.as_list())
    return f'({var.dtype.name} {shape})'


def analyze_vars(variables, print_info=False):
    """(total size, total bytes) of variables, listed on stdout with `print_info`."""
    if print_info:
        print('---------\nVariables: name (type shape) [size]\n---------')
    total, total_bytes = 0, 0
    for var in variables:
        size = var.get_shape().num_elements() or 0
        total, total_bytes = total + size, total_bytes + size * var.dtype.size
        if print_info:
            print(f'{var.name} {tensor_description(var)} [{size}, bytes: {size * var.dtype.size}]')
    if print_info:
        print(f'Total size of variables: {total}\nTotal bytes of variables: {total_bytes}')
    return total, total_bytes


def analyze_ops(graph, print_info=False):
    """Total size of the outputs of a graph's operations."""
    total = 0
    for op in graph.get_operations():
        sizes = [output.shape.num_elements() or 0 if output.shape.is_fully_defined() else 0
                 for output in op.outputs]
        total += sum(sizes)
        if print_info:
            print(f'{op.name}\t-> [{", ".join(map(str, sizes))}]')
    return total


# ---- slim.losses (tf.contrib.losses): positional (predictions, labels, weights) ----------------------------

def _predictions_first(function):
    def loss(predictions, labels=None, weights=1.0, scope=None, **kwargs):
        return function(labels, predictions, weights=weights, scope=scope, **kwargs)
    loss.__name__ = function.__name__
    return loss


def _logits_first(function):
    def loss(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
        return function(onehot_labels, logits, weights=weights, label_smoothing=label_smoothing, scope=scope)
    loss.__name__ = function.__name__
    return loss


def _module(name, **members):
    module = types.ModuleType('tensorflow.contrib.slim.' + name)
    module.__dict__.update(members)
    return module


losses = _module('losses', absolute_difference=_predictions_first(tf.losses.absolute_difference),
                 hinge_loss=lambda logits, labels=None, scope=None: tf.losses.hinge_loss(labels, logits,
                                                                                         scope=scope),
                 log_loss=_predictions_first(tf.losses.log_loss),
                 mean_squared_error=_predictions_first(tf.losses.mean_squared_error),
                 mean_pairwise_squared_error=_predictions_first(tf.losses.mean_pairwise_squared_error),
                 sigmoid_cross_entropy=_logits_first(tf.losses.sigmoid_cross_entropy),
                 softmax_cross_entropy=_logits_first(tf.losses.softmax_cross_entropy),
                 sparse_softmax_cross_entropy=lambda logits, labels, weights=1.0,
                 scope=None: tf.losses.sparse_softmax_cross_entropy(labels, logits, weights, scope),
                 compute_weighted_loss=tf.losses.compute_weighted_loss, add_loss=tf.losses.add_loss,
                 get_losses=tf.losses.get_losses,
                 get_regularization_losses=tf.losses.get_regularization_losses,
                 get_total_loss=tf.losses.get_total_loss)


model_analyzer = _module('model_analyzer', analyze_vars=analyze_vars, analyze_ops=analyze_ops,
                         tensor_description=tensor_description)
regularizers = _module('regularizers', **{name: getattr(contrib_layers, name) for name in (
    'l1_regularizer', 'l2_regularizer', 'l1_l2_regularizer', 'sum_regularizer')})
summaries = _module('summaries', add_histogram_summaries=lambda tensors,
                    prefix=None: [tf.summary.histogram(t.op.name, t) for t in tensors],
                    add_scalar_summary=lambda tensor, name=None, prefix=None,
                    print_summary=False: tf.summary.scalar(name or tensor.op.name, tensor),
                    add_image_summary=lambda tensor, name=None, prefix=None,
                    print_summary=False: tf.summary.image(name or tensor.op.name, tensor))
MODULE = sys.modules[__name__]
