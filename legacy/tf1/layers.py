"""tf.layers: functions and classes with TensorFlow 1.15's scopes, variable names, defaults and collections.

Each call opens `variable_scope(name)` or a unique default (`conv2d`, `conv2d_1`, …) and makes its variables
there with
`get_variable`: kernel, bias, gamma, beta, moving_mean, moving_variance. Sources: tensorflow/python/layers of
1.15 (names, defaults).
"""
import re

import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1 import core, nn

InputSpec = type('InputSpec', (), {'__init__': lambda self, **kwargs: self.__dict__.update(kwargs)})


def _snake(name):
    """Conv2DTranspose → conv2d_transpose, BatchNormalization → batch_normalization."""
    name = re.sub('(.)([A-Z][a-z0-9]+)', r'\1_\2', name)
    return re.sub('([a-z])([A-Z])', r'\1_\2', name).lower()


class Layer:
    """A layer that makes its variables at its first call and shares them at later ones.

    Subclasses define `build(input_shape)` and `call(inputs)`; both run inside the layer's variable scope.
    """

    def __init__(self, trainable=True, name=None, dtype=None, activity_regularizer=None, _scope=None,
                 _reuse=None, **kwargs):
        self.trainable, self.dtype = trainable, dtype
        self._given_name, self._base_name = name, _snake(type(self).__name__)
        self._reuse, self._scope = _reuse, None
        self.activity_regularizer = activity_regularizer
        self.built = False
        self._weights, self._trainable, self.updates, self.losses = [], [], [], []
        if _scope is not None or name is not None:
            self._open(_scope if _scope is not None else name)

    def _open(self, scope=None):
        if scope is None and not self._reuse:
            with tf.variable_scope(None, default_name=self._base_name) as opened:
                self._scope = opened
        else:
            with tf.variable_scope(scope if scope is not None else self._base_name,
                                   reuse=self._reuse) as opened:
                self._scope = opened

    @property
    def name(self):
        return self._given_name or (self._scope.name.split('/')[-1] if self._scope is not None
                                    else self._base_name)

    scope_name = property(lambda self: self._scope.name if self._scope is not None else None)
    weights = variables = property(lambda self: list(self._weights))
    trainable_weights = trainable_variables = property(lambda self: list(self._trainable))
    non_trainable_weights = non_trainable_variables = property(
        lambda self: [v for v in self._weights if not any(v is t for t in self._trainable)])

    def add_variable(self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=True,
                     constraint=None, **kwargs):
        variable = tf.get_variable(name, [core.count(s) for s in shape], dtype=dtype or self.dtype
                                   or tf.float32, initializer=initializer, regularizer=regularizer,
                                   trainable=trainable and self.trainable, constraint=constraint)
        self._weights.append(variable)
        if trainable and self.trainable:
            self._trainable.append(variable)
        return variable

    add_weight = add_variable

    def add_update(self, updates, inputs=None):
        updates = updates if isinstance(updates, (list, tuple)) else [updates]
        self.updates += updates
        for update in updates:
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)

    def add_loss(self, losses, inputs=None):
        losses = losses if isinstance(losses, (list, tuple)) else [losses]
        self.losses += losses
        for loss in losses:
            tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, loss)

    def build(self, input_shape):
        self.built = True

    def call(self, inputs, **kwargs):
        return inputs

    def __call__(self, inputs, *args, **kwargs):
        inputs = tf.nest.map_structure(lambda x: x if isinstance(x, tf.Tensor) else tf.convert_to_tensor(x),
                                       inputs)
        first = tf.nest.flatten(inputs)[0]
        if self.dtype is None and first.dtype.is_floating:
            self.dtype = first.dtype.base_dtype
        if self._scope is None:
            self._open(kwargs.pop('scope', None))
        with tf.variable_scope(self._scope, reuse=True if self.built else self._reuse,
                               auxiliary_name_scope=False):
            with tf.name_scope(self._scope.original_name_scope):
                if not self.built:
                    self.build(tf.nest.map_structure(lambda x: x.shape, inputs))
                    self.built = True
                outputs = self.call(inputs, *args, **kwargs)
                if self.activity_regularizer is not None:
                    self.add_loss(self.activity_regularizer(outputs))
        return outputs

    apply = __call__

    def count_params(self):
        return sum(int(numpy.prod(v.shape.as_list())) for v in self._weights)


class _Conv(Layer):
    rank, transposed = 2, False

    def __init__(self, filters, kernel_size, strides=1, padding='valid', data_format='channels_last',
                 dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None,
                 bias_initializer=tf.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
                 name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.filters = core.count(filters)
        self.kernel_size, self.strides = core.tuple_of(kernel_size, self.rank), core.tuple_of(strides,
                                                                                              self.rank)
        self.padding, self.first = padding.upper(), core.is_channels_first(data_format)
        self.dilation_rate, self.activation, self.use_bias = core.tuple_of(dilation_rate,
                                                                           self.rank), activation, use_bias
        self.kernel_options = dict(initializer=kernel_initializer, regularizer=kernel_regularizer,
                                   constraint=kernel_constraint)
        self.bias_options = dict(initializer=bias_initializer, regularizer=bias_regularizer,
                                 constraint=bias_constraint)

    def build(self, input_shape):
        channels = core.count(input_shape[1 if self.first else -1])
        ends = (self.filters, channels) if self.transposed else (channels, self.filters)
        self.kernel = self.add_variable('kernel', self.kernel_size + ends, **self.kernel_options)
        self.bias = self.add_variable('bias', (self.filters,), **self.bias_options) if self.use_bias else None

    def call(self, inputs):
        if self.transposed:
            outputs = core.deconvolution(inputs, self.kernel, self.strides, self.padding, self.first)
        else:
            outputs = core.convolution(inputs, self.kernel, self.strides, self.padding, self.dilation_rate,
                                       self.first)
        if self.bias is not None:
            outputs = core.bias_add(outputs, self.bias, self.first)
        return self.activation(outputs) if self.activation is not None else outputs


class Conv1D(_Conv):
    rank = 1


class Conv2D(_Conv):
    pass


class Conv3D(_Conv):
    rank = 3


class Conv2DTranspose(_Conv):
    transposed = True

    def __init__(self, filters, kernel_size, strides=1, padding='valid', data_format='channels_last', *args,
                 **kwargs):
        super().__init__(filters, kernel_size, strides, padding, data_format, 1, *args, **kwargs)


class Conv3DTranspose(Conv2DTranspose):
    rank = 3


class SeparableConv2D(Layer):
    """Depthwise, then pointwise: variables depthwise_kernel, pointwise_kernel, bias."""

    def __init__(self, filters, kernel_size, strides=(1, 1), padding='valid', data_format='channels_last',
                 dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True,
                 depthwise_initializer=None, pointwise_initializer=None,
                 bias_initializer=tf.zeros_initializer(), depthwise_regularizer=None,
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True,
                 name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.filters, self.depth_multiplier = core.count(filters), core.count(depth_multiplier)
        self.kernel_size, self.strides = core.tuple_of(kernel_size, 2), core.tuple_of(strides, 2)
        self.padding, self.first = padding.upper(), core.is_channels_first(data_format)
        self.dilation_rate, self.activation, self.use_bias = core.tuple_of(dilation_rate,
                                                                           2), activation, use_bias
        self.options = [dict(initializer=depthwise_initializer, regularizer=depthwise_regularizer,
                             constraint=depthwise_constraint), dict(initializer=pointwise_initializer,
                                                                    regularizer=pointwise_regularizer,
                                                                    constraint=pointwise_constraint),
                        dict(initializer=bias_initializer, regularizer=bias_regularizer,
                             constraint=bias_constraint)]

    def build(self, input_shape):
        channels = core.count(input_shape[1 if self.first else -1])
        self.depthwise = self.add_variable('depthwise_kernel', self.kernel_size + (channels,
                                                                                   self.depth_multiplier),
                                           **self.options[0])
        self.pointwise = self.add_variable('pointwise_kernel', (1, 1, channels * self.depth_multiplier,
                                                                self.filters), **self.options[1])
        self.bias = self.add_variable('bias', (self.filters,), **self.options[2]) if self.use_bias else None

    def call(self, inputs):
        turn = self.first and nn.rewritten('NCHW')
        first = self.first and not turn
        x = nn.to_nhwc(inputs) if turn else inputs
        strides = (1, 1) + self.strides if first else (1,) + self.strides + (1,)
        y = tf.nn.separable_conv2d(x, self.depthwise, self.pointwise, strides, self.padding,
                                   self.dilation_rate, data_format='NCHW' if first else 'NHWC')
        y = nn.to_nchw(y) if turn else y
        if self.bias is not None:
            y = core.bias_add(y, self.bias, self.first)
        return self.activation(y) if self.activation is not None else y


class SeparableConv1D(SeparableConv2D):
    """As SeparableConv2D, over one axis; kernels [width, channels, multiplier] and [1, …, filters]."""

    def __init__(self, filters, kernel_size, strides=1, padding='valid', data_format='channels_last',
                 dilation_rate=1, *args, **kwargs):
        kernel_size, strides, dilation_rate = [core.tuple_of(v, 1)[0] for v in (kernel_size, strides,
                                                                                dilation_rate)]
        super().__init__(filters, (1, kernel_size), (1, strides), padding, data_format, (1, dilation_rate),
                         *args, **kwargs)

    def add_variable(self, name, shape, **kwargs):
        return super().add_variable(name, shape[1:] if name.endswith('kernel') else shape, **kwargs)

    def call(self, inputs):
        axis = 2 if self.first else 1
        kernels = self.depthwise, self.pointwise
        self.depthwise, self.pointwise = [tf.expand_dims(kernel, 0) for kernel in kernels]
        outputs = tf.squeeze(super().call(tf.expand_dims(inputs, axis)), [axis])
        self.depthwise, self.pointwise = kernels
        return outputs


class Dense(Layer):
    """Matrix product over the last axis of an input of any rank."""

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer=None,
                 bias_initializer=tf.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
                 name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.units, self.activation, self.use_bias = core.count(units), activation, use_bias
        self.kernel_options = dict(initializer=kernel_initializer, regularizer=kernel_regularizer,
                                   constraint=kernel_constraint)
        self.bias_options = dict(initializer=bias_initializer, regularizer=bias_regularizer,
                                 constraint=bias_constraint)

    def build(self, input_shape):
        if input_shape[-1].value is None:
            raise ValueError('The last dimension of the inputs to `Dense` should be defined. Found `None`.')
        self.kernel = self.add_variable('kernel', (input_shape[-1].value, self.units), **self.kernel_options)
        self.bias = self.add_variable('bias', (self.units,), **self.bias_options) if self.use_bias else None

    def call(self, inputs):
        if len(inputs.shape) > 2:
            outputs = tf.tensordot(inputs, self.kernel, [[len(inputs.shape) - 1], [0]])
            outputs.set_shape(inputs.shape.as_list()[:-1] + [self.units])
        else:
            outputs = tf.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not None else outputs


class BatchNormalization(Layer):
    """Fused for rank 4; its two updates go to UPDATE_OPS unless `training` is False."""

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
                 beta_initializer=tf.zeros_initializer(), gamma_initializer=tf.ones_initializer(),
                 moving_mean_initializer=tf.zeros_initializer(),
                 moving_variance_initializer=tf.ones_initializer(), beta_regularizer=None,
                 gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, renorm=False,
                 renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True,
                 virtual_batch_size=None, adjustment=None, name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, **kwargs)
        if virtual_batch_size or adjustment:
            raise NotImplementedError(
                'batch_normalization: virtual_batch_size and adjustment are not restored')
        self.renorm = (renorm_clipping, renorm_momentum) if renorm else None
        self.axis = axis[0] if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.fused = momentum, epsilon, fused
        self.center, self.scale = center, scale
        self.options = dict(gamma=dict(initializer=gamma_initializer, regularizer=gamma_regularizer,
                                       constraint=gamma_constraint), beta=dict(initializer=beta_initializer,
                                                                               regularizer=beta_regularizer,
                                                                               constraint=beta_constraint),
                            moving_mean=dict(initializer=moving_mean_initializer, trainable=False),
                            moving_variance=dict(initializer=moving_variance_initializer, trainable=False))

    def build(self, input_shape):
        size = (core.count(input_shape[self.axis]),)
        made = {name: self.add_variable(name, size, **self.options[name]) for name, wanted in (('gamma',
                    self.scale), ('beta', self.center), ('moving_mean', True), ('moving_variance', True))
            if wanted}
        self.gamma, self.beta = made.get('gamma'), made.get('beta')
        self.moving_mean, self.moving_variance = made['moving_mean'], made['moving_variance']
        if self.renorm:
            self.averages = core.renorm_variables(
                lambda name, shape: self.add_variable(name, shape, initializer=tf.zeros_initializer(),
                                                      trainable=False), size)

    def call(self, inputs, training=False):
        rank = len(inputs.shape)
        parts = inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance
        if self.renorm:
            y, mean, variance = core.renormalize(*parts, self.averages, training, self.epsilon, self.axis,
                                                 *self.renorm)
        else:
            fused = (self.fused is None or self.fused) and rank == 4 and self.axis % rank in (1, 3)
            y, mean, variance = core.normalize(*parts, training, self.epsilon, self.axis, fused)
        if core.constant_value(training) is not False:
            self.add_update([core.moving_update(self.moving_mean, mean, self.momentum, training),
                             core.moving_update(self.moving_variance, variance, self.momentum, training)])
        return y


class Dropout(Layer):
    """Drops `rate` of the inputs while training and scales the rest by 1 / (1 − rate)."""

    def __init__(self, rate=0.5, noise_shape=None, seed=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs, training=False):
        return core.smart_cond(training, lambda: tf.nn.dropout(inputs, rate=self.rate,
                                                               noise_shape=self.noise_shape, seed=self.seed),
                               lambda: tf.identity(inputs))


class Flatten(Layer):
    """[B, …] → [B, n], static where the input is."""

    def call(self, inputs):
        return flat(inputs)


def flat(x):
    shape = x.shape.as_list()
    if all(s is not None for s in shape[1:]):
        size = int(numpy.prod(shape[1:], dtype=int))
        result = tf.reshape(x, [-1, size])
        result.set_shape([shape[0], size])
        return result
    return tf.reshape(x, [tf.shape(x)[0], -1])


class _Pool(Layer):
    rank, kind = 2, 'MAX'

    def __init__(self, pool_size, strides, padding='valid', data_format='channels_last', name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pool_size, self.strides = core.tuple_of(pool_size, self.rank), core.tuple_of(strides, self.rank)
        self.padding, self.first = padding.upper(), core.is_channels_first(data_format)

    def call(self, inputs):
        if self.rank == 2:
            def ends(v):
                return (1, 1) + v if self.first else (1,) + v + (1,)
            function = nn.max_pool if self.kind == 'MAX' else nn.avg_pool
            return function(inputs, ends(self.pool_size), ends(self.strides), self.padding, 'NCHW'
                            if self.first else 'NHWC')
        spatial = list(range(2, self.rank + 2))
        x = tf.transpose(inputs, [0, *spatial, 1]) if self.first else inputs
        y = tf.nn.pool(x, self.pool_size, self.kind, self.padding, strides=self.strides)
        return tf.transpose(y, [0, self.rank + 1, *range(1, self.rank + 1)]) if self.first else y


class MaxPooling2D(_Pool):
    pass


class AveragePooling2D(_Pool):
    kind = 'AVG'


class MaxPooling1D(_Pool):
    rank = 1


class AveragePooling1D(_Pool):
    rank, kind = 1, 'AVG'


class MaxPooling3D(_Pool):
    rank = 3


class AveragePooling3D(_Pool):
    rank, kind = 3, 'AVG'


# ---- the functions: one layer made and applied, `name` being its scope -------------------------------------

def _function(layer_class, *call_options):
    def apply(inputs, *args, name=None, reuse=None, **kwargs):
        passed = {key: kwargs.pop(key) for key in call_options if key in kwargs}
        layer = layer_class(*args, name=name, _scope=name, _reuse=reuse, **kwargs)
        return layer(inputs, **passed)
    apply.__name__ = _snake(layer_class.__name__)
    apply.__doc__ = layer_class.__doc__
    return apply


conv1d = _function(Conv1D)
conv2d = _function(Conv2D)
conv3d = _function(Conv3D)
conv2d_transpose = _function(Conv2DTranspose)
conv3d_transpose = _function(Conv3DTranspose)
separable_conv2d = _function(SeparableConv2D)
dense = _function(Dense)
max_pooling1d = _function(MaxPooling1D)
max_pooling2d = _function(MaxPooling2D)
average_pooling1d = _function(AveragePooling1D)
average_pooling2d = _function(AveragePooling2D)
max_pooling3d = _function(MaxPooling3D)
average_pooling3d = _function(AveragePooling3D)
separable_conv1d = _function(SeparableConv1D)


def batch_normalization(inputs, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
                        beta_initializer=tf.zeros_initializer(), gamma_initializer=tf.ones_initializer(),
                        moving_mean_initializer=tf.zeros_initializer(),
                        moving_variance_initializer=tf.ones_initializer(), beta_regularizer=None,
                        gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, training=False,
                        trainable=True, name=None, reuse=None, renorm=False, renorm_clipping=None,
                        renorm_momentum=0.99, fused=None, virtual_batch_size=None, adjustment=None):
    """See BatchNormalization; `training` may be a boolean tensor."""
    layer = BatchNormalization(axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer,
                               moving_mean_initializer, moving_variance_initializer, beta_regularizer,
                               gamma_regularizer, beta_constraint, gamma_constraint, renorm, renorm_clipping,
                               renorm_momentum, fused, trainable, virtual_batch_size, adjustment, name=name,
                               _scope=name, _reuse=reuse)
    return layer(inputs, training=training)


def dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None):
    """See Dropout."""
    return Dropout(rate, noise_shape, seed, name=name)(inputs, training=training)


def flatten(inputs, name=None, data_format='channels_last'):
    """[B, …] → [B, n]."""
    return Flatten(name=name)(inputs)
