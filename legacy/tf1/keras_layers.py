"""tf.keras.layers (and tf.contrib.keras) in a TensorFlow 1 graph: layers that are called on tensors.

Variables are named by name scopes as TensorFlow 1.15 named them (`dense/kernel`, `conv2d_1/bias`), are not
shared by variable scopes, and batch normalisation keeps its updates to itself (`layer.updates`). A call
without
`training` follows `tf.keras.backend.learning_phase()`. Models can be built and called; `compile` and `fit`
are not restored. Source of names and defaults: tensorflow/python/keras/layers of 1.15.
"""
import collections
import sys
import weakref

import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1 import core, keras_rules, layers

_COUNTS, _PHASES = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()


def unique_name(base):
    """dense, dense_1, dense_2 … within the current graph."""
    counts = _COUNTS.setdefault(tf.get_default_graph(), collections.Counter())
    counts[base] += 1
    return base if counts[base] == 1 else f'{base}_{counts[base] - 1}'


def learning_phase():
    """The graph's boolean placeholder: False unless it is fed or was set."""
    graph = tf.get_default_graph()
    if graph not in _PHASES:
        with tf.name_scope(None):
            _PHASES[graph] = tf.placeholder_with_default(False, (), name='keras_learning_phase')
    return _PHASES[graph]


def set_learning_phase(value):
    _PHASES[tf.get_default_graph()] = bool(value)


# ---- words for functions -----------------------------------------------------------------------------------

def activation(name):
    """A function for a name, a function or None. ValueError for a name that Keras did not have."""
    if name is None or callable(name):
        return name
    known = {'relu': tf.nn.relu, 'tanh': tf.tanh, 'sigmoid': tf.sigmoid, 'softmax': tf.nn.softmax,
             'softplus': tf.nn.softplus, 'softsign': tf.nn.softsign, 'elu': tf.nn.elu, 'selu': tf.nn.selu,
             'exponential': tf.exp, 'linear': tf.identity,
             'hard_sigmoid': lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)}
    if name not in known:
        raise ValueError(f'Unknown activation function:{name}')
    return known[name]


def _scaled(scale, mode, distribution):
    return lambda seed=None, **kwargs: tf.variance_scaling_initializer(scale, mode, distribution, seed=seed)


def _variance_scaling(scale=1.0, mode='fan_in', distribution='truncated_normal', seed=None):
    distribution = 'truncated_normal' if distribution == 'normal' else distribution
    return tf.variance_scaling_initializer(scale, mode, distribution, seed)


INITIALIZERS = {
    'zeros': tf.zeros_initializer, 'ones': tf.ones_initializer, 'constant': tf.constant_initializer,
    'glorot_uniform': _scaled(1.0, 'fan_avg', 'uniform'),
    'glorot_normal': _scaled(1.0, 'fan_avg', 'truncated_normal'),
    'he_uniform': _scaled(2.0, 'fan_in', 'uniform'), 'he_normal': _scaled(2.0, 'fan_in', 'truncated_normal'),
    'lecun_uniform': _scaled(1.0, 'fan_in', 'uniform'),
    'lecun_normal': _scaled(1.0, 'fan_in', 'truncated_normal'), 'orthogonal': tf.orthogonal_initializer,
    'identity': tf.initializers.identity,
    'random_normal': lambda mean=0.0, stddev=0.05, seed=None: tf.random_normal_initializer(
        mean, stddev, seed
    ),
    'random_uniform': lambda minval=-0.05, maxval=0.05, seed=None: tf.random_uniform_initializer(
        minval, maxval, seed
    ),
    'truncated_normal': lambda mean=0.0, stddev=0.05, seed=None: tf.truncated_normal_initializer(
        mean, stddev, seed
    ),
    'variance_scaling': _variance_scaling,
}
_SAME = {'zero': 'zeros', 'one': 'ones', 'normal': 'random_normal', 'uniform': 'random_uniform'}


def initializer(name):
    """An initialiser for a name, an initialiser or None. ValueError for a name that Keras did not have."""
    if name is None or not isinstance(name, str):
        return name
    word = layers._snake(name)
    word = _SAME.get(word, word)
    if word not in INITIALIZERS:
        raise ValueError(f'Unknown initializer: {name}')
    return INITIALIZERS[word]()


# ---- the layer ---------------------------------------------------------------------------------------------

class Layer:
    """A layer that makes its variables at its first call. Subclasses define build, call, or both."""

    def __init__(
        self, trainable=True, name=None, dtype=None, input_shape=None, batch_input_shape=None, input_dim=None,
        dynamic=False, activity_regularizer=None, **kwargs,
    ):
        self.trainable, self.dtype = trainable, tf.as_dtype(dtype).base_dtype if dtype else None
        self.name = self._name = name or unique_name(layers._snake(type(self).__name__))
        self.built, self.updates = False, []
        self._own, self._losses = [], []
        if input_dim is not None:
            input_shape = (input_dim,)
        self.batch_input_shape = batch_input_shape or (None if input_shape is None else (None, *input_shape))

    def _parts(self):
        """Layers that are attributes of this one, lists of them included."""
        for value in list(self.__dict__.values()):
            for part in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(part, Layer) and part is not self:
                    yield part

    def _gather(self, wanted):
        found = [v for v, trainable in self._own if wanted(trainable and self.trainable)]
        for part in dict.fromkeys(self._parts()):
            found += [v for v in part._gather(lambda t: wanted(t and self.trainable))
                      if not any(v is seen for seen in found)]
        return found

    weights = variables = property(lambda self: self._gather(lambda trainable: trainable)
                                   + self._gather(lambda trainable: not trainable))
    trainable_weights = trainable_variables = property(lambda self: self._gather(lambda trainable: trainable))
    non_trainable_weights = non_trainable_variables = property(
        lambda self: self._gather(lambda trainable: not trainable))
    losses = property(lambda self: self._losses + [loss for part in dict.fromkeys(self._parts())
                                                   for loss in part.losses])

    def add_weight(
        self, name=None, shape=(), dtype=None, initializer=None, regularizer=None, trainable=True,
        constraint=None, **kwargs,
    ):
        """A variable under the layer's name scope. Older Keras had the shape first."""
        if not isinstance(name, str) and name is not None:
            name, shape = (shape if isinstance(shape, str) else 'weight'), name
        shape, dtype = [core.count(s) for s in shape], tf.as_dtype(dtype or self.dtype or tf.float32)
        make = _initializer_of(initializer or 'glorot_uniform')
        variable = tf.Variable(lambda: make(shape, dtype=dtype), trainable=trainable, name=name or 'weight',
                               dtype=dtype, use_resource=False,
                               constraint=keras_rules.constraint(constraint))
        self._own.append((variable, trainable))
        regularizer = keras_rules.regularizer(regularizer)
        if regularizer is not None:
            self.add_loss(regularizer(variable))
        return variable

    add_variable = add_weight

    def add_update(self, updates, inputs=None):
        self.updates += updates if isinstance(updates, (list, tuple)) else [updates]

    def add_loss(self, losses, inputs=None):
        self._losses += losses if isinstance(losses, (list, tuple)) else [losses]

    def get_updates_for(self, inputs):
        return list(self.updates)

    def get_losses_for(self, inputs):
        return self.losses

    def build(self, input_shape):
        self.built = True

    def call(self, inputs, **kwargs):
        return inputs

    def __call__(self, inputs, *args, **kwargs):
        inputs = tf.nest.map_structure(
            lambda x: x if isinstance(x, (tf.Tensor, tf.SparseTensor)) else tf.convert_to_tensor(x), inputs)
        first = tf.nest.flatten(inputs)[0]
        if self.dtype is None and first.dtype.is_floating:
            self.dtype = first.dtype.base_dtype
        with tf.name_scope(self.name):
            if not self.built:
                self.build(tf.nest.map_structure(lambda x: x.shape, inputs))
                self.built = True
            outputs = self.call(inputs, *args, **kwargs)
        for output in tf.nest.flatten(outputs):
            if not hasattr(output, '_keras_call') and not any(output is x for x in tf.nest.flatten(inputs)):
                output._keras_call = (self, inputs, args, kwargs, outputs)
        return outputs

    apply = __call__

    def count_params(self):
        return sum(int(numpy.prod(v.shape.as_list())) for v in self.weights)

    def compute_output_shape(self, input_shape):
        with tf.Graph().as_default():
            return type(self).from_config(self.get_config())(tf.placeholder(tf.float32, input_shape)).shape

    def get_weights(self):
        return _session().run(self.weights)

    def set_weights(self, weights):
        for variable, value in zip(self.weights, weights):
            variable.load(value, _session())


def _initializer_of(value):
    """`value` as a function of (shape, dtype): Keras took classes and functions of the shape alone as
    well.
    """
    made = initializer(value)
    made = made() if isinstance(made, type) else made

    def make(shape, dtype):
        try:
            return made(shape, dtype=dtype)
        except TypeError:
            return made(shape)
    return make


def _session():
    session = tf.get_default_session()
    if session is None:
        raise RuntimeError('no default session: use the layer below `with tf.Session() as sess:`')
    return session


def _training(training):
    return learning_phase() if training is None else training


def _first(data_format):
    return core.is_channels_first(data_format or 'channels_last')


# ---- layers with variables ---------------------------------------------------------------------------------

class Dense(Layer):
    """Matrix product over the last axis."""

    def __init__(
        self, units, activation=None, use_bias=True, kernel_initializer='glorot_uniform',
        bias_initializer='zeros', kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None, **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.use_bias, self.activation = core.count(units), use_bias, _activation(activation)
        self.options = [(kernel_initializer, kernel_regularizer, kernel_constraint),
                        (bias_initializer, bias_regularizer, bias_constraint)]

    def build(self, input_shape):
        made = [dict(initializer=i, regularizer=r, constraint=c) for i, r, c in self.options]
        self.kernel = self.add_weight('kernel', [core.count(input_shape[-1]), self.units], **made[0])
        self.bias = self.add_weight('bias', [self.units], **made[1]) if self.use_bias else None

    call = layers.Dense.call


class _Conv(Layer):
    rank, transposed = 2, False

    def __init__(
        self, filters, kernel_size, strides=1, padding='valid', data_format=None, dilation_rate=1,
        activation=None, use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros',
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.first = core.count(filters), _first(data_format)
        self.kernel_size, self.strides, self.dilation_rate = [
            core.tuple_of(v, self.rank) for v in (kernel_size, strides, dilation_rate)]
        self.padding, self.use_bias, self.activation = padding.upper(), use_bias, _activation(activation)
        self.options = [(kernel_initializer, kernel_regularizer, kernel_constraint),
                        (bias_initializer, bias_regularizer, bias_constraint)]

    def build(self, input_shape):
        channels = core.count(input_shape[1 if self.first else -1])
        ends = (self.filters, channels) if self.transposed else (channels, self.filters)
        made = [dict(initializer=i, regularizer=r, constraint=c) for i, r, c in self.options]
        self.kernel = self.add_weight('kernel', self.kernel_size + ends, **made[0])
        self.bias = self.add_weight('bias', [self.filters], **made[1]) if self.use_bias else None

    call = layers._Conv.call


class Conv1D(_Conv):
    rank = 1


class Conv2D(_Conv):
    pass


class Conv3D(_Conv):
    rank = 3


class Conv2DTranspose(_Conv):
    transposed = True

    def __init__(
        self, filters, kernel_size, strides=1, padding='valid', output_padding=None, data_format=None,
        dilation_rate=1, **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, **kwargs)


class Conv3DTranspose(Conv2DTranspose):
    rank = 3


class BatchNormalization(Layer):
    """Moving averages change through `updates` only; decay 0.99, ε 0.001, gamma and beta."""

    def __init__(
        self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer='zeros',
        gamma_initializer='ones', moving_mean_initializer='zeros', moving_variance_initializer='ones',
        beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
        fused=None, **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis = axis[0] if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.fused, self.center, self.scale = (
            momentum, epsilon, fused, center, scale,
        )
        self.options = [
            ('gamma', scale, True, gamma_initializer, gamma_regularizer, gamma_constraint),
            ('beta', center, True, beta_initializer, beta_regularizer, beta_constraint),
            ('moving_mean', True, False, moving_mean_initializer, None, None),
            ('moving_variance', True, False, moving_variance_initializer, None, None),
        ]

    def build(self, input_shape):
        size = [core.count(input_shape[self.axis])]
        for name, wanted, trainable, make, cost, rule in self.options:
            weight = self.add_weight(name, size, initializer=make, trainable=trainable, regularizer=cost,
                                     constraint=rule) if wanted else None
            setattr(self, name, weight)

    def call(self, inputs, training=None):
        training, rank = _training(training), len(inputs.shape)
        fused = (self.fused is None or self.fused) and rank == 4 and self.axis % rank in (1, 3)
        y, mean, variance = core.normalize(
            inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, training, self.epsilon,
            self.axis, fused,
        )
        if core.constant_value(training) is not False:
            self.add_update([core.moving_update(self.moving_mean, mean, self.momentum, training),
                             core.moving_update(self.moving_variance, variance, self.momentum, training)])
        return y


class PReLU(Layer):
    """max(x, 0) + alpha · min(x, 0) with an alpha for each position, shared over `shared_axes`."""

    def __init__(
        self, alpha_initializer='zeros', alpha_regularizer=None, alpha_constraint=None, shared_axes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.options = dict(initializer=alpha_initializer, regularizer=alpha_regularizer)
        self.shared_axes = shared_axes if isinstance(shared_axes, (list, tuple)) or shared_axes is None \
            else [shared_axes]

    def build(self, input_shape):
        shape = [1 if n in (self.shared_axes or ()) else size
                 for n, size in enumerate(input_shape.as_list())][1:]
        self.alpha = self.add_weight('alpha', shape, **self.options)

    def call(self, inputs):
        return tf.nn.relu(inputs) - self.alpha * tf.nn.relu(-inputs)


class Embedding(Layer):
    """Rows of `embeddings` [input_dim, output_dim] by index."""

    def __init__(self, input_dim, output_dim, embeddings_initializer='uniform', embeddings_regularizer=None,
                 input_length=None, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.size = [input_dim, output_dim]
        self.options = dict(initializer=embeddings_initializer, regularizer=embeddings_regularizer)

    def build(self, input_shape):
        self.embeddings = self.add_weight('embeddings', self.size, **self.options)

    def call(self, inputs):
        return tf.nn.embedding_lookup(self.embeddings, tf.cast(inputs, tf.int32))


# ---- layers without variables ------------------------------------------------------------------------------

class Lambda(Layer):
    """A function as a layer."""

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        self.function, self.arguments = function, arguments or {}

    def call(self, inputs):
        return self.function(inputs, **self.arguments)


class Activation(Layer):
    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = _activation(activation)

    def call(self, inputs):
        return inputs if self.activation is None else self.activation(inputs)


class ReLU(Layer):
    def __init__(self, max_value=None, negative_slope=0, threshold=0, **kwargs):
        super().__init__(**kwargs)
        self.max_value, self.slope, self.threshold = max_value, float(negative_slope), float(threshold)

    def call(self, inputs):
        y = tf.where(inputs >= self.threshold, inputs, self.slope * (inputs - self.threshold))
        return y if self.max_value is None else tf.minimum(y, self.max_value)


class LeakyReLU(Layer):
    def __init__(self, alpha=0.3, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs):
        return tf.nn.leaky_relu(inputs, self.alpha)


class ELU(Layer):
    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs):
        return tf.where(inputs > 0, inputs, self.alpha * (tf.exp(tf.minimum(inputs, 0.0)) - 1.0))


class Softmax(Layer):
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        return tf.nn.softmax(inputs, axis=self.axis)


class Dropout(Layer):
    """Drops `rate` of the inputs while training and scales the rest by 1 / (1 − rate)."""

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs, training=None):
        return core.smart_cond(
            _training(training),
            lambda: tf.nn.dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed),
            lambda: tf.identity(inputs),
        )


class SpatialDropout2D(Dropout):
    """Drops whole channels."""

    def call(self, inputs, training=None):
        self.noise_shape = [tf.shape(inputs)[0], 1, 1, tf.shape(inputs)[3]]
        return super().call(inputs, training)


class GaussianNoise(Layer):
    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        self.stddev = stddev

    def call(self, inputs, training=None):
        return core.smart_cond(_training(training), lambda: inputs + tf.random_normal(
            tf.shape(inputs), 0.0, self.stddev), lambda: tf.identity(inputs))


class Flatten(Layer):
    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs):
        return layers.flat(inputs)


class Reshape(Layer):
    """`target_shape` is that of one example; one number may be -1."""

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = [core.count(n) for n in target_shape]

    def call(self, inputs):
        y = tf.reshape(inputs, [tf.shape(inputs)[0], *self.target_shape])
        sizes = inputs.shape.as_list()
        known = int(numpy.prod(sizes[1:], dtype=int)) if None not in sizes[1:] else None
        target = [n if n != -1 else known and known // -int(numpy.prod(self.target_shape, dtype=int))
                  for n in self.target_shape]
        y.set_shape([sizes[0], *target])
        return y


class Permute(Layer):
    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)

    def call(self, inputs):
        return tf.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n

    def call(self, inputs):
        return tf.tile(tf.expand_dims(inputs, 1), [1, self.n, 1])


class UpSampling2D(Layer):
    """Repeats rows and columns, or interpolates."""

    def __init__(self, size=(2, 2), data_format=None, interpolation='nearest', **kwargs):
        super().__init__(**kwargs)
        self.size, self.first, self.interpolation = core.tuple_of(size, 2), _first(data_format), interpolation

    def call(self, inputs):
        x = tf.transpose(inputs, [0, 2, 3, 1]) if self.first else inputs
        resize = {'nearest': tf.image.resize_nearest_neighbor,
                  'bilinear': tf.image.resize_bilinear}[self.interpolation]
        static = x.shape.as_list()
        y = resize(x, tf.shape(x)[1:3] * tf.constant(self.size))
        y.set_shape([static[0], *[s and s * n for s, n in zip(static[1:3], self.size)], static[3]])
        return tf.transpose(y, [0, 3, 1, 2]) if self.first else y


class ZeroPadding2D(Layer):
    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        padding = (
            core.tuple_of(padding, 2)
            if not isinstance(padding[0] if isinstance(padding, (list, tuple)) else 0, (list, tuple))
            else padding
        )
        pairs = [list(p) if isinstance(p, (list, tuple)) else [p, p] for p in padding]
        self.pads = [[0, 0], [0, 0], *pairs] if _first(data_format) else [[0, 0], *pairs, [0, 0]]

    def call(self, inputs):
        return tf.pad(inputs, self.pads)


class Cropping2D(Layer):
    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        cropping = [cropping] * 2 if isinstance(cropping, int) else cropping
        self.pairs = [list(p) if isinstance(p, (list, tuple)) else [p, p] for p in cropping]

    def call(self, inputs):
        (top, bottom), (left, right) = self.pairs
        return inputs[:, top:-bottom or None, left:-right or None, :]


class _Pool(Layer):
    rank, kind = 2, 'MAX'

    def __init__(self, pool_size=2, strides=None, padding='valid', data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = core.tuple_of(pool_size, self.rank)
        self.strides = core.tuple_of(pool_size if strides is None else strides, self.rank)
        self.padding, self.first = padding.upper(), _first(data_format)

    call = layers._Pool.call


class MaxPooling2D(_Pool):
    pass


class AveragePooling2D(_Pool):
    kind = 'AVG'


class MaxPooling1D(_Pool):
    rank = 1


class AveragePooling1D(_Pool):
    rank, kind = 1, 'AVG'


class _GlobalPool(Layer):
    reduce = staticmethod(tf.reduce_mean)

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.first = _first(data_format)

    def call(self, inputs):
        return self.reduce(inputs, list(core.spatial_axes(len(inputs.shape), self.first)))


class GlobalAveragePooling2D(_GlobalPool):
    pass


class GlobalAveragePooling1D(_GlobalPool):
    pass


class GlobalMaxPooling2D(_GlobalPool):
    reduce = staticmethod(tf.reduce_max)


class _Merge(Layer):
    def call(self, inputs):
        result = inputs[0]
        for x in inputs[1:]:
            result = self.join(result, x)
        return result


class Add(_Merge):
    join = staticmethod(tf.add)


class Subtract(_Merge):
    join = staticmethod(tf.subtract)


class Multiply(_Merge):
    join = staticmethod(tf.multiply)


class Maximum(_Merge):
    join = staticmethod(tf.maximum)


class Average(Add):
    def call(self, inputs):
        return super().call(inputs) / len(inputs)


class Concatenate(Layer):
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        return tf.concat(inputs, self.axis)


_activation = activation
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose = Deconvolution2D = Conv2DTranspose
MaxPool2D, AvgPool2D, MaxPool1D, AvgPool1D = MaxPooling2D, AveragePooling2D, MaxPooling1D, AveragePooling1D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D


def add(inputs, **kwargs):
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    return Average(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    return Concatenate(axis, **kwargs)(inputs)


# ---- models ------------------------------------------------------------------------------------------------

def Input(shape=None, batch_size=None, name=None, dtype=None, sparse=False, tensor=None, batch_shape=None):
    """A placeholder, or the given tensor, as the start of a model."""
    if tensor is not None:
        return tensor
    shape = batch_shape if batch_shape is not None else [batch_size, *shape]
    return tf.placeholder(dtype or tf.float32, shape, name=name or unique_name('input'))


class Model(Layer):
    """Model(inputs, outputs) repeats the layers between them on other inputs; a subclass defines call."""

    def __init__(self, inputs=None, outputs=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.inputs, self.outputs = inputs, outputs
        self.layers = _layers_between(inputs, outputs) if outputs is not None else []

    input = property(lambda self: self.inputs)
    output = property(lambda self: self.outputs)

    def call(self, inputs, **kwargs):
        known = {id(old): new for old, new in zip(tf.nest.flatten(self.inputs), tf.nest.flatten(inputs))}
        return tf.nest.map_structure(lambda output: _again(output, known, kwargs), self.outputs)

    def get_layer(self, name=None, index=None):
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f'No such layer: {name}')

    def summary(self, line_length=None, positions=None, print_fn=print):
        for layer in self.layers or [self]:
            print_fn(f'{layer.name} ({type(layer).__name__}): {layer.count_params()} parameters')
        print_fn(f'Total params: {self.count_params()}')

    def save_weights(self, path, *args, **kwargs):
        tf.train.Saver(self.weights).save(_session(), path)

    def load_weights(self, path, *args, **kwargs):
        tf.train.Saver(self.weights).restore(_session(), path)

    def compile(self, *args, **kwargs):
        raise NotImplementedError(
            'Model.compile, fit and train_on_batch are not restored: this project is run as '
            'a TensorFlow 1 graph, where models are called on tensors'
        )

    fit = fit_generator = train_on_batch = predict = evaluate = compile


def _layers_between(inputs, outputs):
    """Layers that lead to `outputs`, inputs first."""
    found, seen, ends = [], set(), {id(x) for x in tf.nest.flatten(inputs)}

    def visit(tensor):
        if id(tensor) in seen or id(tensor) in ends or not hasattr(tensor, '_keras_call'):
            return
        seen.add(id(tensor))
        layer, before, *_ = tensor._keras_call
        for x in tf.nest.flatten(before):
            visit(x)
        if layer not in found:
            found.append(layer)
    for output in tf.nest.flatten(outputs):
        visit(output)
    return found


def _again(tensor, known, options):
    """The tensor that takes the place of `tensor` when the inputs are those of `known` {id: tensor}."""
    if id(tensor) in known or not hasattr(tensor, '_keras_call'):
        return known.get(id(tensor), tensor)
    layer, before, args, kwargs, results = tensor._keras_call
    inputs = tf.nest.map_structure(lambda x: _again(x, known, options), before)
    takes = getattr(layer.call, '__code__', None)
    passed = {key: value for key, value in options.items() if takes and key in takes.co_varnames}
    new = layer(inputs, *args, **{**kwargs, **passed})
    known.update((id(old), result) for old, result in zip(tf.nest.flatten(results), tf.nest.flatten(new)))
    return known[id(tensor)]


class Sequential(Model):
    """Layers one after another."""

    def __init__(self, layers=None, name=None):
        super().__init__(name=name or unique_name('sequential'))
        self.layers = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer):
        """Appends a layer; with an input shape the model gets its own placeholder and variables at once."""
        if not isinstance(layer, Layer):
            self.outputs = self.inputs = layer
            return
        if not self.layers and layer.batch_input_shape is not None:
            self.inputs = self.outputs = Input(
                batch_shape=layer.batch_input_shape, name=layer.name + '_input')
        self.layers.append(layer)
        if self.outputs is not None:
            self.outputs = layer(self.outputs)

    def call(self, inputs, **kwargs):
        for layer in self.layers:
            takes = layer.call.__code__.co_varnames
            inputs = layer(inputs, **{key: value for key, value in kwargs.items() if key in takes})
        return inputs


def InputLayer(input_shape=None, batch_size=None, dtype=None, name=None, **kwargs):
    return Input(input_shape, batch_size, name, dtype)


MODULE = sys.modules[__name__]
