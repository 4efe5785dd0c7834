"""Floating-point operations of a graph's fetches, counted from the shapes of its convolutions and matrix products.

Counted on the plain form of each convolution (2 * products, padding included), whatever form the step computes it in, so
that a faster form shows as a higher share of the matmul rate and not as less work.
"""
import contextlib
import math

import convolutions
from tf1 import tf

CONVOLUTIONS = {       # op type -> which of its (output, inputs) have the shape of the smaller image, and of the filter
    'Conv2D': lambda op: (op.outputs[0], op.inputs[1]),
    'Conv2DBackpropInput': lambda op: (op.inputs[2], op.inputs[1]),
    'Conv2DBackpropFilter': lambda op: (op.inputs[2], op.outputs[0]),
}


@contextlib.contextmanager
def plain_graph():
    """A graph in which every convolution is built in its plain form, for `of`."""
    fast, convolutions.fast = convolutions.fast, lambda: False
    try:
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(0)        # deterministic mode asks for one
            yield graph
    finally:
        convolutions.fast = fast


def of(fetches):
    """FLOPs of one session.run of `fetches` in the default graph, a plain_graph()."""
    graph = tf.get_default_graph()
    needed = tf.graph_util.extract_sub_graph(graph.as_graph_def(), [fetch.op.name if isinstance(fetch, tf.Tensor) else fetch.name
                                                                   for fetch in fetches])
    return sum(_of_op(graph.get_operation_by_name(node.name)) for node in needed.node)


def _of_op(op):
    if op.type in CONVOLUTIONS:
        image, kernel = CONVOLUTIONS[op.type](op)
        batch, height, width, _ = image.shape.as_list()
        return 2 * batch * height * width * math.prod(_filter_shape(op, kernel))
    if op.type == 'MatMul':
        rows, columns = op.inputs[0].shape.as_list()
        inner = rows if op.get_attr('transpose_a') else columns
        return 2 * inner * math.prod(op.outputs[0].shape.as_list())
    return 0


def _filter_shape(op, kernel):
    if kernel.shape.is_fully_defined():
        return kernel.shape.as_list()
    return tf.get_static_value(op.inputs[1]).tolist()      # of a filter gradient, whose shape is an argument
