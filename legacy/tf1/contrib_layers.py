"""tf.contrib.layers (and so tf.contrib.slim): TensorFlow 1.15's scopes, variable names, defaults and
collections.

weights and biases below `Conv`, `Conv2d_transpose`, `fully_connected`, …; gamma, beta, moving_mean,
moving_variance below `BatchNorm`;
all of them in MODEL_VARIABLES. Sources:
tensorflow/contrib/layers/python/layers/{layers,initializers,regularizers,optimizers}.py of 1.15.
"""
import functools
import math
import numbers

import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1 import core, layers, nn
from legacy.tf1.layers_utils import collect_named_outputs
from legacy.tf1.framework import add_arg_scope, model_variable
from legacy.tf1.sizes import whole

NCHW, NHWC = 'NCHW', 'NHWC'

# ---- initialisers and regularisers -------------------------------------------------------------------------


def variance_scaling_initializer(factor=2.0, mode='FAN_IN', uniform=False, seed=None, dtype=tf.float32):
    """Variance factor / n: uniform in ±sqrt(3·factor/n), or normal truncated at 2 deviations, widened by
    sqrt(1.3).
    """
    if mode not in ('FAN_IN', 'FAN_OUT', 'FAN_AVG'):
        raise TypeError(f'Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]')

    def initialize(shape, dtype=dtype, partition_info=None):
        shape = partition_info.full_shape if partition_info is not None else shape
        shape = [core.count(s) for s in shape]
        fan_in = float(shape[-2]) if len(shape) > 1 else float(shape[-1]) if shape else 1.0
        fan_out = float(shape[-1]) if shape else 1.0
        for size in shape[:-2]:
            fan_in, fan_out = fan_in * size, fan_out * size
        n = {'FAN_IN': fan_in, 'FAN_OUT': fan_out, 'FAN_AVG': (fan_in + fan_out) / 2.0}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return tf.random_uniform(shape, -limit, limit, dtype, seed=seed)
        return tf.truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed=seed)
    return initialize


def xavier_initializer(uniform=True, seed=None, dtype=tf.float32):
    """Glorot and Bengio 2010."""
    return variance_scaling_initializer(1.0, 'FAN_AVG', uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def _regularizer(name, scale, penalty, scope):
    if isinstance(scale, numbers.Integral):
        raise ValueError(f'scale cannot be an integer: {scale}')
    if scale < 0.0:
        raise ValueError(f'Setting a scale less than 0 on a regularizer: {scale}')
    if scale == 0.0:
        return lambda _: None

    def regularize(weights, name_=None):
        with tf.name_scope(scope, name, [weights]):
            return tf.multiply(tf.convert_to_tensor(scale, dtype=weights.dtype.base_dtype), penalty(weights))
    return regularize


def l1_regularizer(scale, scope=None):
    return _regularizer('l1_regularizer', scale, lambda w: tf.reduce_sum(tf.abs(w)), scope)


def l2_regularizer(scale, scope=None):
    """scale · Σ w² / 2."""
    return _regularizer('l2_regularizer', scale, tf.nn.l2_loss, scope)


def l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None):
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or 'l1_l2_regularizer')


def sum_regularizer(regularizer_list, scope=None):
    regularizers = [r for r in regularizer_list if r is not None]
    if not regularizers:
        return None

    def regularize(weights):
        with tf.name_scope(scope, 'sum_regularizer', [weights]):
            parts = [p for p in (r(weights) for r in regularizers) if p is not None]
            return tf.add_n(parts) if parts else None
    return regularize


def apply_regularization(regularizer, weights_list=None):
    """The sum of the penalties, also added to REGULARIZATION_LOSSES."""
    weights_list = weights_list or tf.get_collection(tf.GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError('No weights to regularize.')
    with tf.name_scope('get_regularization_penalty', values=weights_list) as scope:
        penalties = [p if p is not None else tf.constant(0.0) for p in (regularizer(w) for w in weights_list)]
        total = tf.add_n(penalties, name=scope)
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, total)
        return total


# ---- helpers -----------------------------------------------------------------------------------------------

def _variable_collections(collections, name):
    """`variables_collections` is a list for all variables or a dictionary by variable name."""
    if isinstance(collections, dict):
        return collections.get(name)
    return collections


def _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, collections, scope,
            first=False):
    """normaliser or bias, then activation, as every weight layer ends."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    elif biases is not None:
        outputs = core.bias_add(outputs, biases(), first)
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(collections, scope, outputs)


def _weights(name, shape, dtype, initializer, regularizer, collections, trainable):
    return model_variable(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                          collections=_variable_collections(collections, name), trainable=trainable)


def _lazy_biases(size, dtype, initializer, regularizer, collections, trainable):
    if initializer is None:
        return None
    return lambda: _weights('biases', [size], dtype, initializer, regularizer, collections, trainable)


# ---- convolutions ------------------------------------------------------------------------------------------

@add_arg_scope
def convolution(inputs, num_outputs, kernel_size, stride=1, padding='SAME', data_format=None, rate=1,
                activation_fn=tf.nn.relu, normalizer_fn=None, normalizer_params=None,
                weights_initializer=xavier_initializer(), weights_regularizer=None,
                biases_initializer=tf.zeros_initializer(), biases_regularizer=None, reuse=None,
                variables_collections=None, outputs_collections=None, trainable=True, scope=None,
                conv_dims=None):
    """n-D convolution for an input of rank n + 2; relu by default; no bias under a normaliser."""
    with tf.variable_scope(scope, 'Conv', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        n, first = len(inputs.shape) - 2, core.is_channels_first(data_format)
        if conv_dims is not None and conv_dims != n:
            raise ValueError(f'Convolution expects input with rank {conv_dims + 2}, got {n + 2}')
        num_outputs, dtype = core.count(num_outputs), inputs.dtype.base_dtype
        shape = core.tuple_of(kernel_size, n) + (core.static_dim(inputs, 1 if first else -1), num_outputs)
        weights = _weights('weights', shape, dtype, weights_initializer, weights_regularizer,
                           variables_collections, trainable)
        outputs = core.convolution(inputs, weights, stride, padding, rate, first)
        biases = _lazy_biases(num_outputs, dtype, biases_initializer, biases_regularizer,
                              variables_collections, trainable)
        return _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, outputs_collections,
                       sc.name, first)


def _of_rank(n, name):
    @functools.wraps(convolution.__wrapped__)
    def conv(inputs, num_outputs, kernel_size, *args, **kwargs):
        return convolution.__wrapped__(inputs, num_outputs, kernel_size, *args, conv_dims=n, **kwargs)
    conv.__name__ = conv.__qualname__ = name
    return add_arg_scope(conv)


convolution1d = conv1d = _of_rank(1, 'convolution1d')
convolution2d = conv2d = _of_rank(2, 'convolution2d')
convolution3d = conv3d = _of_rank(3, 'convolution3d')


def _transposed(default_scope, inputs, num_outputs, kernel_size, stride, padding, data_format, activation_fn,
                normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
                biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections,
                trainable, scope):
    with tf.variable_scope(scope, default_scope, [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        n, first = len(inputs.shape) - 2, core.is_channels_first(data_format)
        num_outputs, dtype = core.count(num_outputs), inputs.dtype.base_dtype
        shape = core.tuple_of(kernel_size, n) + (num_outputs, core.static_dim(inputs, 1 if first else -1))
        weights = _weights('weights', shape, dtype, weights_initializer, weights_regularizer,
                           variables_collections, trainable)
        outputs = core.deconvolution(inputs, weights, stride, padding, first)
        biases = _lazy_biases(num_outputs, dtype, biases_initializer, biases_regularizer,
                              variables_collections, trainable)
        return _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, outputs_collections,
                       sc.name, first)


@add_arg_scope
def convolution2d_transpose(inputs, num_outputs, kernel_size, stride=1, padding='SAME', data_format=NHWC,
                            activation_fn=tf.nn.relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=xavier_initializer(), weights_regularizer=None,
                            biases_initializer=tf.zeros_initializer(), biases_regularizer=None, reuse=None,
                            variables_collections=None, outputs_collections=None, trainable=True, scope=None):
    """Transposed convolution; weights [h, w, out, in]."""
    return _transposed('Conv2d_transpose', inputs, num_outputs, kernel_size, stride, padding, data_format,
                       activation_fn, normalizer_fn, normalizer_params, weights_initializer,
                       weights_regularizer, biases_initializer, biases_regularizer, reuse,
                       variables_collections, outputs_collections, trainable, scope)


conv2d_transpose = convolution2d_transpose


@add_arg_scope
def conv3d_transpose(inputs, num_outputs, kernel_size, stride=1, padding='SAME', data_format='NDHWC',
                     activation_fn=tf.nn.relu, normalizer_fn=None, normalizer_params=None,
                     weights_initializer=xavier_initializer(), weights_regularizer=None,
                     biases_initializer=tf.zeros_initializer(), biases_regularizer=None, reuse=None,
                     variables_collections=None, outputs_collections=None, trainable=True, scope=None):
    return _transposed('Conv3d_transpose', inputs, num_outputs, kernel_size, stride, padding, data_format,
                       activation_fn, normalizer_fn, normalizer_params, weights_initializer,
                       weights_regularizer, biases_initializer, biases_regularizer, reuse,
                       variables_collections, outputs_collections, trainable, scope)


@add_arg_scope
def separable_convolution2d(inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding='SAME',
                            data_format=NHWC, rate=1, activation_fn=tf.nn.relu, normalizer_fn=None,
                            normalizer_params=None, weights_initializer=xavier_initializer(),
                            pointwise_initializer=None, weights_regularizer=None,
                            biases_initializer=tf.zeros_initializer(), biases_regularizer=None, reuse=None,
                            variables_collections=None, outputs_collections=None, trainable=True, scope=None):
    """depthwise_weights and pointwise_weights; depthwise only when num_outputs is None."""
    with tf.variable_scope(scope, 'SeparableConv2d', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        first, dtype = core.is_channels_first(data_format), inputs.dtype.base_dtype
        turn = first and nn.rewritten(NCHW)
        channels, kernel = core.static_dim(inputs, 1 if first else -1), core.tuple_of(kernel_size, 2)
        stride, rate = core.tuple_of(stride, 2), core.tuple_of(rate, 2)
        depthwise = _weights('depthwise_weights', kernel + (channels, depth_multiplier), dtype,
                             weights_initializer, weights_regularizer, variables_collections, trainable)
        x, formats = (nn.to_nhwc(inputs), NHWC) if turn else (inputs, NCHW if first else NHWC)
        strides = (1, 1) + stride if formats == NCHW else (1,) + stride + (1,)
        outputs = tf.nn.depthwise_conv2d(x, depthwise, strides, padding.upper(), rate, data_format=formats)
        size = channels * depth_multiplier
        if num_outputs is not None:
            pointwise = _weights('pointwise_weights', (1, 1, size, core.count(num_outputs)), dtype,
                                 pointwise_initializer or weights_initializer, weights_regularizer,
                                 variables_collections, trainable)
            outputs = tf.nn.conv2d(outputs, pointwise, [1, 1, 1, 1], 'VALID', data_format=formats)
            size = core.count(num_outputs)
        outputs = nn.to_nchw(outputs) if turn else outputs
        biases = _lazy_biases(size, dtype, biases_initializer, biases_regularizer, variables_collections,
                              trainable)
        return _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, outputs_collections,
                       sc.name, first)


separable_conv2d = separable_convolution2d


@add_arg_scope
def conv2d_in_plane(inputs, kernel_size, stride=1, padding='SAME', activation_fn=tf.nn.relu,
                    normalizer_fn=None, normalizer_params=None, weights_initializer=xavier_initializer(),
                    weights_regularizer=None, biases_initializer=tf.zeros_initializer(),
                    biases_regularizer=None, reuse=None, variables_collections=None, outputs_collections=None,
                    trainable=True, scope=None):
    """The same single kernel over every channel."""
    with tf.variable_scope(scope, 'ConvInPlane', [inputs], reuse=reuse) as sc:
        dtype, channels = inputs.dtype.base_dtype, core.static_dim(inputs, -1)
        weights = _weights('weights', core.tuple_of(kernel_size, 2) + (1, 1), dtype, weights_initializer,
                           weights_regularizer, variables_collections, trainable)
        outputs = tf.nn.depthwise_conv2d(inputs, tf.tile(weights, [1, 1, channels, 1]), (1,)
                                         + core.tuple_of(stride, 2) + (1,), padding)
        biases = _lazy_biases(channels, dtype, biases_initializer, biases_regularizer, variables_collections,
                              trainable)
        return _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, outputs_collections,
                       sc.name)


# ---- dense -------------------------------------------------------------------------------------------------

@add_arg_scope
def fully_connected(inputs, num_outputs, activation_fn=tf.nn.relu, normalizer_fn=None, normalizer_params=None,
                    weights_initializer=xavier_initializer(), weights_regularizer=None,
                    biases_initializer=tf.zeros_initializer(), biases_regularizer=None, reuse=None,
                    variables_collections=None, outputs_collections=None, trainable=True, scope=None):
    """relu(x W + b) over the last axis; `activation_fn=None` for a linear layer."""
    with tf.variable_scope(scope, 'fully_connected', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        num_outputs, dtype = core.count(num_outputs), inputs.dtype.base_dtype
        weights = _weights('weights', (core.static_dim(inputs, -1), num_outputs), dtype, weights_initializer,
                           weights_regularizer, variables_collections, trainable)
        if len(inputs.shape) > 2:
            outputs = tf.tensordot(inputs, weights, [[len(inputs.shape) - 1], [0]])
            outputs.set_shape(inputs.shape.as_list()[:-1] + [num_outputs])
        else:
            outputs = tf.matmul(inputs, weights)
        biases = _lazy_biases(num_outputs, dtype, biases_initializer, biases_regularizer,
                              variables_collections, trainable)
        return _finish(outputs, normalizer_fn, normalizer_params, biases, activation_fn, outputs_collections,
                       sc.name)


linear = functools.partial(fully_connected, activation_fn=None)
relu = functools.partial(fully_connected, activation_fn=tf.nn.relu)
relu6 = functools.partial(fully_connected, activation_fn=tf.nn.relu6)


def legacy_fully_connected(x, num_output_units, activation_fn=None, weight_init=xavier_initializer(),
                           bias_init=tf.zeros_initializer(), name=None,
                           weight_collections=(tf.GraphKeys.WEIGHTS,), bias_collections=(tf.GraphKeys.BIASES,
                                                                                         ),
                           output_collections=(tf.GraphKeys.ACTIVATIONS,), trainable=True,
                           weight_regularizer=None, bias_regularizer=None):
    """The fully_connected of TensorFlow ≤ 0.8: variables `weights` and `bias`."""
    with tf.variable_scope(name, 'fully_connected', [x]):
        weights = tf.get_variable('weights', [core.static_dim(x, -1), core.count(num_output_units)],
                                  x.dtype.base_dtype, weight_init, weight_regularizer, trainable,
                                  collections=list(weight_collections) + [tf.GraphKeys.GLOBAL_VARIABLES])
        y = tf.matmul(x, weights)
        if bias_init is not None:
            bias = tf.get_variable('bias', [core.count(num_output_units)], x.dtype.base_dtype, bias_init,
                                   bias_regularizer, trainable, collections=list(bias_collections)
                                   + [tf.GraphKeys.GLOBAL_VARIABLES])
            y = tf.nn.bias_add(y, bias)
        y = y if activation_fn is None else activation_fn(y)
        tf.add_to_collections(list(output_collections), y)
        return y


@add_arg_scope
def bias_add(inputs, activation_fn=None, initializer=tf.zeros_initializer(), regularizer=None, reuse=None,
             variables_collections=None, outputs_collections=None, trainable=True, data_format=NHWC,
             scope=None):
    with tf.variable_scope(scope, 'BiasAdd', [inputs], reuse=reuse) as sc:
        first = core.is_channels_first(data_format)
        biases = _weights('biases', [core.static_dim(inputs, 1 if first else -1)], inputs.dtype.base_dtype,
                          initializer, regularizer, variables_collections, trainable)
        outputs = core.bias_add(inputs, biases, first)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


# ---- normalisation -----------------------------------------------------------------------------------------

@add_arg_scope
def batch_norm(inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None,
               param_initializers=None, param_regularizers=None, updates_collections=tf.GraphKeys.UPDATE_OPS,
               is_training=True, reuse=None, variables_collections=None, outputs_collections=None,
               trainable=True, batch_weights=None, fused=None, data_format=NHWC,
               zero_debias_moving_mean=False, scope=None, renorm=False, renorm_clipping=None,
               renorm_decay=0.99, adjustment=None):
    """Batch normalisation with the batch's statistics (is_training) or the moving ones.

    No gamma unless `scale`. The moving averages' updates go to `updates_collections`; with None they run with
    the output.
    Ranks 2 and 4 are fused unless fused=False, which puts Bessel's correction into the moving variance.
    """
    if batch_weights is not None or adjustment is not None:
        raise NotImplementedError('batch_norm: batch_weights and adjustment are not restored')
    initializers, regularizers = param_initializers or {}, param_regularizers or {}
    with tf.variable_scope(scope, 'BatchNorm', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank, first = len(inputs.shape), core.is_channels_first(data_format)
        axis = 1 if first else rank - 1
        size, dtype = [core.static_dim(inputs, axis)], inputs.dtype.base_dtype

        def trainable_variable(name, default):
            return _weights(name, size, dtype, initializers.get(name, default), regularizers.get(name),
                            variables_collections, trainable)

        def moving_variable(name, default):
            # a scope's partitioner must not split what is only averaged
            return _weights(name, size, dtype, initializers.get(name, default), None, variables_collections,
                            False)

        beta = trainable_variable('beta', tf.zeros_initializer()) if center else None
        gamma = trainable_variable('gamma', tf.ones_initializer()) if scale else None
        moving_mean = moving_variable('moving_mean', tf.zeros_initializer())
        moving_variance = moving_variable('moving_variance', tf.ones_initializer())
        fuse = (fused is None or fused) and rank in (2, 4) and not renorm
        x = inputs
        if fuse and rank == 2:
            x, axis = tf.reshape(inputs, [-1, 1, 1, size[0]]), 3
        parts = x, gamma, beta, moving_mean, moving_variance
        if renorm:
            averages = core.renorm_variables(
                lambda name, shape: _weights(name, shape, dtype, tf.zeros_initializer(), None,
                                             variables_collections, False), size)
            outputs, mean, variance = core.renormalize(*parts, averages, is_training, epsilon, axis,
                                                       renorm_clipping, renorm_decay)
        else:
            outputs, mean, variance = core.normalize(*parts, is_training, epsilon, axis, fuse)
        if fuse and rank == 2:
            outputs = tf.reshape(outputs, tf.shape(inputs))
        outputs.set_shape(inputs.shape)
        outputs = _with_updates(outputs, mean, variance, moving_mean, moving_variance, decay, is_training,
                                updates_collections, zero_debias_moving_mean)
        if activation_fn is not None:
            outputs = activation_fn(outputs)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


def _with_updates(outputs, mean, variance, moving_mean, moving_variance, decay, is_training, collections,
                  zero_debias):
    """Registers the moving averages' updates, or ties them to the outputs when there is no collection for
    them.
    """
    if core.constant_value(is_training) is False:
        return outputs
    updates = [core.moving_update(moving_mean, mean, decay, is_training, zero_debias),
               core.moving_update(moving_variance, variance, decay, is_training)]
    if collections is None:
        with tf.control_dependencies(updates):
            return tf.identity(outputs)
    for update in updates:
        tf.add_to_collections(collections, update)
    return outputs


def _affine_variables(inputs, axis, center, scale, initializers, regularizers, collections, trainable):
    shape, dtype = inputs.shape[axis:axis + 1] if isinstance(axis, int) else axis, inputs.dtype.base_dtype
    shape = [core.count(s) for s in shape]
    beta = _weights('beta', shape, dtype, initializers.get('beta', tf.zeros_initializer()),
                    regularizers.get('beta'), collections, trainable) if center else None
    gamma = _weights('gamma', shape, dtype, initializers.get('gamma', tf.ones_initializer()),
                     regularizers.get('gamma'), collections, trainable) if scale else None
    return beta, gamma


@add_arg_scope
def layer_norm(inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1, scope=None):
    """Over all axes from `begin_norm_axis`; gamma and beta over those from `begin_params_axis`; ε = 1e-12."""
    with tf.variable_scope(scope, 'LayerNorm', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = len(inputs.shape)
        begin_norm_axis, begin_params_axis = begin_norm_axis % rank, begin_params_axis % rank
        beta, gamma = _affine_variables(inputs, inputs.shape[begin_params_axis:], center, scale, {}, {},
                                        variables_collections, trainable)
        mean, variance = tf.nn.moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
        epsilon = 1e-3 if inputs.dtype == tf.float16 else 1e-12
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(inputs.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def instance_norm(inputs, center=True, scale=True, epsilon=1e-6, activation_fn=None, param_initializers=None,
                  reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                  data_format=NHWC, scope=None):
    """Per example and channel, over the positions."""
    with tf.variable_scope(scope, 'InstanceNorm', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank, first = len(inputs.shape), core.is_channels_first(data_format)
        axis = 1 if first else rank - 1
        beta, gamma = _affine_variables(inputs, axis, center, scale, param_initializers or {}, {},
                                        variables_collections, trainable)
        if first:
            shape = [1, -1] + [1] * (rank - 2)
            beta, gamma = [None if v is None else tf.reshape(v, shape) for v in (beta, gamma)]
        mean, variance = tf.nn.moments(inputs, list(core.spatial_axes(rank, first)), keep_dims=True)
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(inputs.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def group_norm(inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True,
               epsilon=1e-6, activation_fn=None, param_initializers=None, reuse=None,
               variables_collections=None, outputs_collections=None, trainable=True, scope=None,
               mean_close_to_zero=False):
    """Per example and group of channels, over `reduction_axes`."""
    with tf.variable_scope(scope, 'GroupNorm', [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = len(inputs.shape)
        axis, reduced = channels_axis % rank, [a % rank for a in reduction_axes]
        channels = core.static_dim(inputs, axis)
        if channels % groups:
            raise ValueError(f'{channels} channels is not commensurate with {groups} groups.')
        beta, gamma = _affine_variables(inputs, axis, center, scale, param_initializers or {}, {},
                                        variables_collections, trainable)
        static, dynamic = inputs.shape.as_list(), tf.shape(inputs)
        sizes = [s if s is not None else dynamic[n] for n, s in enumerate(static)]
        split = sizes[:axis] + [groups, channels // groups] + sizes[axis + 1:]
        axes = sorted([a if a < axis else a + 1 for a in reduced] + [axis + 1])
        grouped = tf.reshape(inputs, split)
        mean, variance = tf.nn.moments(grouped, axes, keep_dims=True)
        outputs = tf.reshape((grouped - mean) * tf.rsqrt(variance + epsilon), sizes)
        shape = [1] * rank
        shape[axis] = channels
        outputs = outputs * tf.reshape(gamma, shape) if gamma is not None else outputs
        outputs = outputs + tf.reshape(beta, shape) if beta is not None else outputs
        outputs.set_shape(inputs.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def unit_norm(inputs, dim, epsilon=1e-7, scope=None):
    """x / (‖x‖ + ε) along an axis."""
    with tf.variable_scope(scope, 'UnitNorm', [inputs]):
        return tf.divide(inputs, epsilon + tf.sqrt(tf.reduce_sum(tf.square(inputs), dim, keepdims=True)))


# ---- without variables -------------------------------------------------------------------------------------

@add_arg_scope
def dropout(inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None, scope=None,
            seed=None):
    """Keeps a fraction `keep_prob` and scales it by 1 / keep_prob while training."""
    with tf.variable_scope(scope, 'Dropout', [inputs]) as sc:
        outputs = core.smart_cond(is_training, lambda: tf.nn.dropout(inputs, keep_prob, noise_shape, seed),
                                  lambda: tf.identity(inputs))
        return collect_named_outputs(outputs_collections, sc.name, outputs)


def _pool2d(function, default_scope):
    def pool(inputs, kernel_size, stride=2, padding='VALID', data_format=NHWC, outputs_collections=None,
             scope=None):
        with tf.name_scope(scope, default_scope, [inputs]) as sc:
            first = core.is_channels_first(data_format)
            kernel, strides = core.tuple_of(kernel_size, 2), core.tuple_of(stride, 2)
            ends = (lambda v: (1, 1) + v) if first else (lambda v: (1,) + v + (1,))
            outputs = function(inputs, ends(kernel), ends(strides), padding.upper(), NCHW if first else NHWC)
            return collect_named_outputs(outputs_collections, sc, outputs)
    pool.__name__ = pool.__qualname__ = default_scope
    return add_arg_scope(pool)


max_pool2d = _pool2d(nn.max_pool, 'MaxPool2D')
avg_pool2d = _pool2d(nn.avg_pool, 'AvgPool2D')


@add_arg_scope
def pool(inputs, kernel_size, pooling_type, padding='VALID', data_format=None, dilation_rate=1, stride=1,
         outputs_collections=None, scope=None):
    with tf.name_scope(scope, pooling_type.lower() + '_pool', [inputs]) as sc:
        n = len(inputs.shape) - 2
        outputs = tf.nn.pool(inputs, core.tuple_of(kernel_size, n), pooling_type, padding.upper(),
                             core.tuple_of(dilation_rate, n), core.tuple_of(stride, n),
                             data_format=data_format)
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def flatten(inputs, outputs_collections=None, scope=None):
    """[B, …] → [B, n]."""
    with tf.name_scope(scope, 'Flatten', [inputs]) as sc:
        return collect_named_outputs(outputs_collections, sc, layers.flat(tf.convert_to_tensor(inputs)))


@add_arg_scope
def one_hot_encoding(labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None):
    with tf.name_scope(scope, 'OneHotEncoding', [labels]) as sc:
        labels = tf.to_int64(labels) if labels.dtype == tf.int32 else labels
        outputs = tf.one_hot(labels, whole(num_classes), on_value, off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def softmax(logits, scope=None):
    with tf.name_scope(scope, 'softmax', [logits]):
        return tf.nn.softmax(logits)


@add_arg_scope
def maxout(inputs, num_units, axis=-1, scope=None):
    """The largest of each group of channels; `num_units` groups."""
    with tf.name_scope(scope, 'MaxOut', [inputs]):
        sizes, dynamic = inputs.shape.as_list(), tf.shape(inputs)
        axis = axis % len(sizes)
        if sizes[axis] % num_units:
            raise ValueError(f'number of features({sizes[axis]}) is not a multiple of num_units({num_units})')
        shape = [s if s is not None else dynamic[n] for n, s in enumerate(sizes)]
        outputs = tf.reduce_max(tf.reshape(inputs, shape[:axis] + [num_units, sizes[axis] // num_units]
                                           + shape[axis + 1:]), axis + 1)
        outputs.set_shape(sizes[:axis] + [num_units] + sizes[axis + 1:])
        return outputs


def scale_gradient(inputs, gradient_multiplier):
    return gradient_multiplier * inputs + tf.stop_gradient((1.0 - gradient_multiplier) * inputs)


def spatial_softmax(features, temperature=None, name=None, variables_collections=None, trainable=True,
                    data_format=NHWC):
    """[B,H,W,C] → expected (x, y) of each channel in [−1, 1]: [B, 2C]."""
    with tf.variable_scope(name, 'spatial_softmax'):
        if core.is_channels_first(data_format):
            features = nn.to_nhwc(features)
        height, width, channels = features.shape.as_list()[1:]
        if temperature is None:
            temperature = _weights('temperature', [], tf.float32, tf.ones_initializer(), None,
                                   variables_collections, trainable)
        y, x = numpy.meshgrid(numpy.linspace(-1.0, 1.0, height), numpy.linspace(-1.0, 1.0, width),
                              indexing='ij')
        flat = tf.reshape(tf.transpose(features, [0, 3, 1, 2]), [-1, height * width])
        attention = tf.nn.softmax(flat / temperature)
        points = [tf.reduce_sum(attention * grid.ravel().astype('float32'), 1, keepdims=True) for grid in (x,
                                                                                                           y)]
        return tf.reshape(tf.concat(points, 1), [-1, channels * 2])


def embed_sequence(ids, vocab_size=None, embed_dim=None, unique=False, initializer=None, regularizer=None,
                   trainable=True, scope=None, reuse=None):
    with tf.variable_scope(scope, 'EmbedSequence', [ids], reuse=reuse):
        table = model_variable('embeddings', [vocab_size, embed_dim], initializer=initializer,
                               regularizer=regularizer, trainable=trainable)
        return tf.nn.embedding_lookup(table, ids)


def repeat(inputs, repetitions, layer, *args, **kwargs):
    """The same layer several times, in scopes `name/name_1`, `name/name_2`, …"""
    scope = kwargs.pop('scope', None)
    name = scope or getattr(layer, '__name__', None) or layer.func.__name__
    with tf.variable_scope(scope, 'Repeat', [inputs]):
        for n in range(repetitions):
            inputs = layer(inputs, *args, scope=f'{name.split("/")[-1]}_{n + 1}', **kwargs)
        return inputs


def stack(inputs, layer, stack_args, **kwargs):
    """A layer once per element of `stack_args`."""
    scope = kwargs.pop('scope', None)
    name = scope or getattr(layer, '__name__', None) or layer.func.__name__
    with tf.variable_scope(scope, 'Stack', [inputs]):
        for n, args in enumerate(stack_args):
            args = args if isinstance(args, (list, tuple)) else [args]
            inputs = layer(inputs, *args, scope=f'{name.split("/")[-1]}_{n + 1}', **kwargs)
        return inputs


# ---- summaries ---------------------------------------------------------------------------------------------

def summarize_tensor(tensor, tag=None):
    """A scalar or a histogram under the tensor's own name; None for text and the like."""
    if not tensor.dtype.is_floating and not tensor.dtype.is_integer:
        return None
    name = tag or tensor.op.name
    return tf.summary.scalar(name, tensor) if tensor.shape.ndims == 0 else tf.summary.histogram(name, tensor)


def summarize_activation(op):
    if op.op.type in ('Relu', 'Softplus', 'Relu6'):
        tf.summary.scalar(op.op.name + '/zeros', tf.reduce_mean(tf.cast(tf.equal(op, 0), tf.float32)))
    return tf.summary.histogram(op.op.name + '/activation', op)


def summarize_tensors(tensors, summarizer=summarize_tensor):
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(collection, name_filter=None, summarizer=summarize_tensor):
    import re
    return [summarizer(t) for t in tf.get_collection(collection) if name_filter is None
            or re.match(name_filter, t.op.name)]


def summarize_activations(name_filter=None, summarizer=summarize_activation):
    return summarize_collection(tf.GraphKeys.ACTIVATIONS, name_filter, summarizer)


# ---- training ----------------------------------------------------------------------------------------------

OPTIMIZER_SUMMARIES = ['learning_rate', 'loss', 'gradients', 'gradient_norm', 'global_gradient_norm']
OPTIMIZERS = {'Adagrad': tf.train.AdagradOptimizer, 'Adam': tf.train.AdamOptimizer,
              'Ftrl': tf.train.FtrlOptimizer,
              'Momentum': lambda learning_rate: tf.train.MomentumOptimizer(learning_rate, momentum=0.9),
              'RMSProp': tf.train.RMSPropOptimizer, 'SGD': tf.train.GradientDescentOptimizer}


def optimize_loss(loss, global_step, learning_rate, optimizer, gradient_noise_scale=None,
                  gradient_multipliers=None, clip_gradients=None, learning_rate_decay_fn=None,
                  update_ops=None, variables=None, name=None, summaries=None,
                  colocate_gradients_with_ops=False, increment_global_step=True):
    """One training op that returns the loss: gradients, noise, multipliers, clipping, update ops first."""
    loss = tf.convert_to_tensor(loss)
    global_step = global_step if global_step is not None else tf.train.get_global_step()
    with tf.variable_scope(name, 'OptimizeLoss', [loss, global_step]):
        update_ops = set(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) if update_ops is None else update_ops
        if update_ops:
            with tf.control_dependencies(list(update_ops)):
                loss = tf.identity(loss)
        rate = learning_rate
        if rate is not None and not callable(rate) and not (hasattr(rate, 'dtype') and hasattr(rate, 'op')):
            rate = tf.get_variable('learning_rate', [], trainable=False,
                                   initializer=tf.constant_initializer(learning_rate))
        if learning_rate_decay_fn is not None:
            rate = learning_rate_decay_fn(rate, global_step)
        opt = _optimizer(optimizer, rate)
        variables = tf.trainable_variables() if variables is None else variables
        gradients = opt.compute_gradients(loss, variables,
                                          colocate_gradients_with_ops=colocate_gradients_with_ops)
        if gradient_noise_scale is not None:
            gradients = [(None if g is None else g + tf.truncated_normal(tf.shape(g)) * gradient_noise_scale,
                          v) for g, v in gradients]
        if gradient_multipliers is not None:
            factors = {getattr(key, 'name', key): value for key, value in gradient_multipliers.items()}
            gradients = [(g * factors.get(v.name, factors.get(v.op.name, 1.0)) if g is not None else g, v)
                         for g, v in gradients]
        if callable(clip_gradients):
            gradients = clip_gradients(gradients)
        elif clip_gradients is not None:
            clipped, _ = tf.clip_by_global_norm([g for g, _ in gradients], clip_gradients)
            gradients = list(zip(clipped, [v for _, v in gradients]))
        for kind in summaries if summaries is not None else ['loss', 'learning_rate', 'global_gradient_norm']:
            _optimizer_summary(kind, loss, rate, gradients)
        train = opt.apply_gradients(gradients, global_step=global_step if increment_global_step else None,
                                    name='train')
        with tf.control_dependencies([train]):
            return tf.identity(loss)


def _optimizer(optimizer, rate):
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(
                f'Optimizer name should be one of [{", ".join(OPTIMIZERS)}], you provided {optimizer}.')
        return OPTIMIZERS[optimizer](learning_rate=rate)
    if isinstance(optimizer, tf.train.Optimizer):
        return optimizer
    return optimizer(learning_rate=rate) if isinstance(optimizer, type) else optimizer(*([rate]
                                                                                         if rate is not None
                                                                                         else []))


def _optimizer_summary(kind, loss, rate, gradients):
    known = [g.values if isinstance(g, tf.IndexedSlices) else g for g, _ in gradients if g is not None]
    if kind == 'loss':
        tf.summary.scalar('loss', loss)
    elif kind == 'learning_rate' and rate is not None and not callable(rate):
        tf.summary.scalar('learning_rate', rate)
    elif kind == 'global_gradient_norm':
        tf.summary.scalar('global_norm/gradient_norm', tf.global_norm(known))
    elif kind in ('gradients', 'gradient_norm'):
        for gradient, variable in gradients:
            if gradient is None:
                continue
            values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
            if kind == 'gradients':
                tf.summary.histogram('gradients/' + variable.op.name, values)
            tf.summary.scalar('gradient_norm/' + variable.op.name, tf.global_norm([values]))
