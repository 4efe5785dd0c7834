"""tf.nn functions that changed: NCHW on a CPU, the static shape of a transposed convolution, scopes in
losses.

TensorFlow has no CPU kernels for NCHW convolutions and pools, nor for their gradients. Written as transposes
around the NHWC
operation both come out right. `data_format` and sizes keep the meaning they had.
"""
import functools

import tensorflow.compat.v1 as tf

from legacy import notes
from legacy.tf1.sizes import whole

TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)


@functools.lru_cache(None)
def on_cpu():
    return not tf.config.list_physical_devices('GPU')


def rewritten(data_format):
    """True when an operation in this format has to be written in NHWC here."""
    if data_format == 'NCHW' and on_cpu():
        notes.say('NCHW operations run as NHWC between transposes: this machine has no GPU', 'nchw')
        return True
    return False


def to_nhwc(x):
    """[B,C,H,W] → [B,H,W,C], or four per-dimension numbers in the same way."""
    if isinstance(x, (list, tuple)) and len(x) == 4:
        return [x[n] for n in TO_NHWC]
    return tf.transpose(x, TO_NHWC)


def to_nchw(x):
    return tf.transpose(x, TO_NCHW)


def in_nhwc(function, x, data_format, **sizes):
    """`function(x, **sizes)` with x and the four-element sizes turned to NHWC, the result turned back."""
    sizes = {key: to_nhwc(list(v)) if isinstance(v, (list, tuple)) and len(v) == 4 else v for key,
             v in sizes.items()}
    return to_nchw(function(to_nhwc(tf.convert_to_tensor(x)), data_format='NHWC', **sizes))


def conv2d(input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format='NHWC',
           dilations=(1, 1, 1, 1), name=None, filters=None):
    """tf.nn.conv2d of TensorFlow 1; x [B,H,W,C] or [B,C,H,W]."""
    strides = whole(strides)
    dilations = list(dilations) if isinstance(dilations, (list, tuple)) else dilations
    options = dict(filter=filter, filters=filters, padding=padding, name=name)
    if rewritten(data_format):
        return in_nhwc(functools.partial(tf.nn.conv2d, **options), input, data_format, strides=strides,
                       dilations=dilations)
    return tf.nn.conv2d(input, strides=strides, data_format=data_format, dilations=dilations, **options)


def conv2d_transpose(value=None, filter=None, output_shape=None, strides=None, padding='SAME',
                     data_format='NHWC', name=None, input=None, filters=None, dilations=None):
    """tf.nn.conv2d_transpose; the result has every number of `output_shape` that is known, as in
    TensorFlow 1.
    """
    value = value if value is not None else input
    filter = filter if filter is not None else filters
    output_shape, strides = whole(output_shape), whole(strides)
    if rewritten(data_format):
        shape = output_shape if isinstance(output_shape, (list, tuple)) else tf.unstack(output_shape, 4)
        result = to_nchw(tf.nn.conv2d_transpose(to_nhwc(tf.convert_to_tensor(value)), filter,
                                                to_nhwc(list(shape)), to_nhwc(list(strides))
                                                if isinstance(strides, (list, tuple)) else strides, padding,
                                                'NHWC', name=name, dilations=dilations))
    else:
        result = tf.nn.conv2d_transpose(value, filter, output_shape, strides, padding, data_format, name=name,
                                        dilations=dilations)
    keep_static(result, output_shape)
    return result


def keep_static(result, output_shape):
    """Sets the numbers of `output_shape` (list with tensors in it, or tensor) that are known on `result`."""
    from tensorflow.python.framework import tensor_util
    shape = tf.convert_to_tensor(output_shape, dtype=tf.int32) if not hasattr(output_shape,
                                                                              'dtype') else output_shape
    result.set_shape(tensor_util.constant_value_as_shape(tf.convert_to_tensor(shape)))


def _pool(kind):
    function = getattr(tf.nn, kind)

    def pool(value=None, ksize=None, strides=None, padding=None, data_format='NHWC', name=None, input=None):
        value = value if value is not None else input
        ksize, strides = whole(ksize), whole(strides)
        if rewritten(data_format):
            return in_nhwc(functools.partial(function, padding=padding, name=name), value, data_format,
                           ksize=ksize, strides=strides)
        return function(value, ksize, strides, padding, data_format, name)
    pool.__name__ = kind
    return pool


max_pool = _pool('max_pool')
avg_pool = _pool('avg_pool')


def bias_add(value, bias, data_format=None, name=None):
    if data_format == 'NCHW' and on_cpu():
        bias = tf.convert_to_tensor(bias)
        shape = [1, -1] + [1] * (len(value.shape) - 2)
        return tf.add(value, tf.reshape(bias, shape), name=name)
    return tf.nn.bias_add(value, bias, data_format, name)


def _channels_last(x, strides, axes):
    """x and per-dimension numbers with the channels at the end; `axes` is the number of spatial axes."""
    order = [0, *range(2, axes + 2), 1]
    numbers = [strides[n] for n in order] if isinstance(strides, (list, tuple)) and len(strides) == axes + 2 \
        else strides
    return tf.transpose(tf.convert_to_tensor(x), order), numbers


def _channels_first(x, axes):
    return tf.transpose(x, [0, axes + 1, *range(1, axes + 1)])


def _is_first(data_format):
    return data_format in ('NCW', 'NCHW', 'NCDHW') and rewritten('NCHW')


def conv1d(value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None,
           name=None, input=None, dilations=None):
    """x [B,W,C], or [B,C,W] where the format is NCW or, as it was called before TensorFlow 1.12, NCHW."""
    value, stride = (value if value is not None else input), whole(stride)
    if _is_first(data_format):
        x, stride = _channels_last(value, stride, 1)
        return _channels_first(tf.nn.conv1d(x, filters, stride, padding, name=name, dilations=dilations), 1)
    return tf.nn.conv1d(value, filters, stride, padding, use_cudnn_on_gpu, data_format, name,
                        dilations=dilations)


def conv3d(input, filter=None, strides=None, padding=None, data_format='NDHWC', dilations=(1, 1, 1, 1, 1),
           name=None, filters=None):
    """x [B,D,H,W,C] or [B,C,D,H,W]."""
    filter, strides = (filter if filter is not None else filters), whole(strides)
    if _is_first(data_format):
        x, strides = _channels_last(input, strides, 3)
        dilations = _channels_last(tf.zeros([1] * 5), list(dilations), 3)[1]
        return _channels_first(tf.nn.conv3d(x, filter, strides, padding, 'NDHWC', dilations, name), 3)
    return tf.nn.conv3d(input, filter, strides, padding, data_format, list(dilations), name)


def _pool3d(kind):
    function = getattr(tf.nn, kind)

    def pool(input, ksize=None, strides=None, padding=None, data_format='NDHWC', name=None):
        ksize, strides = whole(ksize), whole(strides)
        if _is_first(data_format):
            x, strides = _channels_last(input, strides, 3)
            ksize = [ksize[n] for n in (0, 2, 3, 4, 1)]
            return _channels_first(function(x, ksize, strides, padding, 'NDHWC', name), 3)
        return function(input, ksize, strides, padding, data_format, name)
    pool.__name__ = kind
    return pool


max_pool3d, avg_pool3d = _pool3d('max_pool3d'), _pool3d('avg_pool3d')


def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None,
                     data_format=None, dilations=None):
    if rewritten(data_format):
        return in_nhwc(functools.partial(tf.nn.separable_conv2d, depthwise_filter=depthwise_filter,
                                         pointwise_filter=pointwise_filter, padding=padding, rate=rate,
                                         name=name, dilations=dilations), input, data_format,
                       strides=whole(strides))
    return tf.nn.separable_conv2d(input, depthwise_filter, pointwise_filter, whole(strides), padding, rate,
                                  name, data_format, dilations)


def depthwise_conv2d(input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None):
    if rewritten(data_format):
        return in_nhwc(functools.partial(tf.nn.depthwise_conv2d, filter=filter, padding=padding, rate=rate,
                                         name=name, dilations=dilations), input, data_format,
                       strides=whole(strides))
    return tf.nn.depthwise_conv2d(input, filter, whole(strides), padding, rate, name, data_format, dilations)


def fused_batch_norm(x, scale, offset, mean=None, variance=None, epsilon=0.001, data_format='NHWC',
                     is_training=True, name=None, exponential_avg_factor=1.0):
    """(y, batch mean, batch variance with Bessel's correction)."""
    arguments = dict(mean=mean, variance=variance, epsilon=epsilon, is_training=is_training, name=name)
    if exponential_avg_factor != 1.0:
        arguments['exponential_avg_factor'] = exponential_avg_factor
    if rewritten(data_format):
        y, batch_mean, batch_variance = tf.nn.fused_batch_norm(to_nhwc(x), scale, offset, data_format='NHWC',
                                                               **arguments)
        return to_nchw(y), batch_mean, batch_variance
    return tf.nn.fused_batch_norm(x, scale, offset, data_format=data_format, **arguments)


def depth_to_space(input, block_size, name=None, data_format='NHWC'):
    if rewritten(data_format):
        return in_nhwc(functools.partial(tf.depth_to_space, block_size=whole(block_size), name=name), input,
                       data_format)
    return tf.depth_to_space(input, whole(block_size), name, data_format)


def space_to_depth(input, block_size, name=None, data_format='NHWC'):
    if rewritten(data_format):
        return in_nhwc(functools.partial(tf.space_to_depth, block_size=whole(block_size), name=name), input,
                       data_format)
    return tf.space_to_depth(input, whole(block_size), name, data_format)
