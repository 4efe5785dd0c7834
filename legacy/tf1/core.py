"""What tf.layers and tf.contrib.layers share: padding and format handling, convolutions, batch
normalisation, conditions.
"""
import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1 import nn
from legacy.tf1.sizes import whole

CHANNELS_FIRST = ('channels_first', 'NCHW', 'NCW', 'NCDHW')


def tuple_of(value, n):
    """3 → (3, 3); an iterable of n stays (whole floats become integers)."""
    if isinstance(value, (list, tuple)):
        if len(value) == 1 and n > 1:
            value = list(value) * n
        return tuple(int(v) for v in value)
    if hasattr(value, '__iter__'):
        return tuple(int(v) for v in value)
    return (int(value),) * n


def count(value):
    """A number of units or filters: int, whole float, Dimension."""
    return int(value.value if hasattr(value, 'value') and not isinstance(value, (int, float))
               else whole(value))


def static_dim(x, axis):
    """The static size of an axis; ValueError with TensorFlow 1's words when it is unknown."""
    size = x.shape[axis].value
    if size is None:
        raise ValueError('The channel dimension of the inputs should be defined. Found `None`.')
    return size


def is_channels_first(data_format):
    return data_format in CHANNELS_FIRST


def spatial_axes(rank, first):
    return range(2, rank) if first else range(1, rank - 1)


def convolution(x, kernel, strides, padding, rate=1, first=False):
    """n-D convolution; x [B,…,C] or [B,C,…] with `first`; strides and rate one number per spatial axis."""
    n = len(kernel.shape) - 2
    strides, rate = tuple_of(strides, n), tuple_of(rate, n)
    turn = first and nn.rewritten('NCHW')
    order = [0] + list(range(2, n + 2)) + [1]
    if turn:
        x = tf.transpose(x, order)
    formats = {1: ('NWC', 'NCW'), 2: ('NHWC', 'NCHW'), 3: ('NDHWC', 'NCDHW')}[n]
    y = tf.nn.convolution(x, kernel, padding=padding.upper(), strides=strides, dilations=rate,
                          data_format=formats[first and not turn])
    return tf.transpose(y, [0, n + 1] + list(range(1, n + 1))) if turn else y


def deconvolution(x, kernel, strides, padding, first=False):
    """n-D transposed convolution (n = 2 or 3), output size as Keras and TensorFlow 1 computed it.

    size·stride for SAME, size·stride + max(kernel − stride, 0) for VALID; static where the input is.
    """
    n = len(kernel.shape) - 2
    strides, padding = tuple_of(strides, n), padding.upper()
    kernel_size = kernel.shape.as_list()[:n]
    axes = list(spatial_axes(n + 2, first))
    static = x.shape.as_list()

    def grown(size, k, s):
        return size * s + (max(k - s, 0) if padding == 'VALID' else 0)

    dynamic = tf.shape(x)
    shape = [static[0] if static[0] is not None else dynamic[0]] + [None] * (n + 1)
    for axis, k, s in zip(axes, kernel_size, strides):
        shape[axis] = grown(static[axis] if static[axis] is not None else dynamic[axis], k, s)
    shape[1 if first else n + 1] = kernel.shape.as_list()[n]
    if n == 2:
        strides4 = (1, 1) + strides if first else (1,) + strides + (1,)
        return nn.conv2d_transpose(x, kernel, shape, strides4, padding, 'NCHW' if first else 'NHWC')
    turn = first and nn.rewritten('NCHW')
    order = [0, 2, 3, 4, 1]
    if turn:
        x, shape = tf.transpose(x, order), [shape[i] for i in order]
    y = tf.nn.conv3d_transpose(x, kernel, shape, (1, 1) + strides if first and not turn else (1,) + strides
                               + (1,), padding, 'NCDHW' if first and not turn else 'NDHWC')
    nn.keep_static(y, shape)
    return tf.transpose(y, [0, 4, 1, 2, 3]) if turn else y


def bias_add(x, bias, first=False):
    """Adds a per-channel bias; x of any rank ≥ 2."""
    if first:
        return x + tf.reshape(bias, [1, -1] + [1] * (len(x.shape) - 2))
    return tf.nn.bias_add(x, bias) if len(x.shape) <= 5 else x + bias


def constant_value(pred):
    """True, False or None (only known when the graph runs) of a Python value or boolean tensor."""
    if isinstance(pred, (bool, int, numpy.bool_, numpy.integer)) or pred is None:
        return bool(pred)
    from tensorflow.python.framework import tensor_util
    value = tensor_util.constant_value(tf.convert_to_tensor(pred))
    return None if value is None else bool(value)


def smart_cond(pred, true_fn, false_fn):
    """tf.cond, decided here when the predicate is known."""
    value = constant_value(pred)
    if value is None:
        return tf.cond(pred, true_fn, false_fn)
    return true_fn() if value else false_fn()


def normalize(x, gamma, beta, moving_mean, moving_variance, training, epsilon, axis, fused):
    """(y, mean, variance): batch statistics while training, moving ones else; `training` may be a boolean
    tensor.

    Fused (rank 4) statistics carry Bessel's correction in the variance they return, as in TensorFlow 1; the
    others do not.
    gamma and beta may be None.
    """
    rank = len(x.shape)
    axis = axis % rank
    channels = moving_mean.shape[0].value
    if fused:
        scale = tf.constant(1.0, shape=[channels]) if gamma is None else gamma
        offset = tf.constant(0.0, shape=[channels]) if beta is None else beta
        data_format = 'NCHW' if axis == 1 else 'NHWC'

        def train():
            return nn.fused_batch_norm(x, scale, offset, epsilon=epsilon, data_format=data_format)

        def infer():
            return nn.fused_batch_norm(x, scale, offset, mean=moving_mean, variance=moving_variance,
                                       epsilon=epsilon, data_format=data_format, is_training=False)
        return tuple(smart_cond(training, train, infer))
    shape = [1] * rank
    shape[axis] = channels
    broadcast = (lambda v: v) if axis == rank - 1 else (lambda v: None if v is None else tf.reshape(v, shape))
    axes = [n for n in range(rank) if n != axis]
    mean, variance = smart_cond(training, lambda: tf.nn.moments(x, axes),
                                lambda: (tf.identity(moving_mean), tf.identity(moving_variance)))
    y = tf.nn.batch_normalization(x, broadcast(mean), broadcast(variance), broadcast(beta), broadcast(gamma),
                                  epsilon)
    y.set_shape(x.shape)
    return y, mean, variance


def moving_update(variable, value, decay, training=True, zero_debias=False):
    """variable ← decay·variable + (1 − decay)·value, nothing when not training."""
    from tensorflow.python.training import moving_averages
    if constant_value(training) is True:
        return moving_averages.assign_moving_average(variable, value, decay, zero_debias=zero_debias)
    rate = tf.cast(tf.where(training, 1.0 - decay, 0.0), variable.dtype.base_dtype)
    return tf.assign_sub(variable, (variable - value) * rate)


def renorm_variables(make, size):
    """The four variables of batch renormalisation as TensorFlow 1 named them; `make(name, shape)` makes one."""
    return [make(name, shape) for name, shape in (('renorm_mean', size), ('renorm_mean_weight', ()),
                                                  ('renorm_stddev', size), ('renorm_stddev_weight', ()))]


def renormalize(x, gamma, beta, moving_mean, moving_variance, averages, training, epsilon, axis, clipping,
                decay):
    """(y, mean, variance) of batch renormalisation (Ioffe 2017, arXiv:1702.03275).

    While training, batch statistics are brought to the running ones by r and d, which carry no gradient and
    stay within `clipping` (rmin, rmax, dmax); `averages` are the variables of renorm_variables.
    """
    rank = len(x.shape)
    axis = axis % rank
    shape = [1] * rank
    shape[axis] = -1
    mean_sum, mean_weight, stddev_sum, stddev_weight = averages
    clipping = clipping or {}

    def spread(v):
        return v if axis == rank - 1 else tf.reshape(v, shape)

    def average(total, weight, value):
        """The mean of all values so far, each counted less than the next."""
        new_total = moving_update(total, value, decay)
        new_weight = moving_update(weight, tf.ones([], weight.dtype.base_dtype), decay)
        return tf.identity(new_total) / tf.identity(new_weight)

    def train():
        mean, variance = tf.nn.moments(x, [n for n in range(rank) if n != axis])
        stddev = tf.sqrt(variance + epsilon)
        # the first batches count for what the averages have not seen yet
        mixed_mean = mean_sum + (1.0 - mean_weight) * mean
        mixed_stddev = stddev_sum + (1.0 - stddev_weight) * stddev
        r, d = stddev / mixed_stddev, (mean - mixed_mean) / mixed_stddev
        if clipping.get('rmin') is not None:
            r = tf.maximum(r, clipping['rmin'])
        if clipping.get('rmax') is not None:
            r = tf.minimum(r, clipping['rmax'])
        if clipping.get('dmax') is not None:
            d = tf.clip_by_value(d, -clipping['dmax'], clipping['dmax'])
        r, d = tf.stop_gradient(r), tf.stop_gradient(d)
        y = (x - spread(mean)) * spread(r / stddev) + spread(d)
        with tf.control_dependencies([y]):
            new_mean = average(mean_sum, mean_weight, tf.identity(mean))
            new_stddev = average(stddev_sum, stddev_weight, tf.identity(stddev))
        return y, new_mean, tf.square(new_stddev) - epsilon

    def infer():
        y = (x - spread(moving_mean)) * spread(tf.rsqrt(moving_variance + epsilon))
        return y, tf.identity(moving_mean), tf.identity(moving_variance)

    y, mean, variance = smart_cond(training, train, infer)
    if gamma is not None:
        y *= spread(gamma)
    if beta is not None:
        y += spread(beta)
    y.set_shape(x.shape)
    return y, mean, variance
