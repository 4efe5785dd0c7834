"""tf.keras as modules: layers, models, initializers, regularizers, constraints, activations, optimizers and
the functions of the backend.
"""
import types

import tensorflow.compat.v1 as tf

from legacy.absent import stub_parts
from legacy.tf1 import keras_layers, keras_optimizers, keras_rules

Model, Sequential, Input = keras_layers.Model, keras_layers.Sequential, keras_layers.Input


def _module(name, **members):
    module = types.ModuleType('tensorflow.keras.' + name)
    module.__dict__.update(members, __path__=[])
    module.__getattr__ = stub_parts.missing('tf.keras.' + name)
    return module


_LAYERS = {name: value for name, value in vars(keras_layers).items()
           if isinstance(value, type) and issubclass(value, keras_layers.Layer) and not name.startswith('_')}
_FUNCTIONS = {
    name: getattr(keras_layers, name)
    for name in ('add', 'subtract', 'multiply', 'average', 'concatenate', 'Input', 'InputLayer')
}
layers = _module('layers', InputSpec=keras_layers.layers.InputSpec, **_LAYERS, **_FUNCTIONS)
for _part in (
    'core', 'convolutional', 'normalization', 'advanced_activations', 'pooling', 'merge', 'embeddings',
    'noise',
):
    setattr(layers, _part, layers)
models = _module('models', Model=Model, Sequential=Sequential)


def _class_name(word):
    return ''.join(part.capitalize() for part in word.split('_'))


_MAKERS = dict(keras_layers.INITIALIZERS)
initializers = _module('initializers', get=keras_layers.initializer, serialize=keras_rules.serialize,
                       **_MAKERS, **{_class_name(word): maker for word, maker in _MAKERS.items()})
activations = _module(
    'activations', get=keras_layers.activation,
    **{
        name: keras_layers.activation(name)
        for name in (
            'relu', 'tanh', 'sigmoid', 'softmax', 'softplus', 'softsign', 'elu', 'selu', 'linear',
            'exponential', 'hard_sigmoid',
        )
    },
)


regularizers = _module('regularizers', get=keras_rules.regularizer, serialize=keras_rules.serialize,
                       Regularizer=keras_rules.Regularizer, **keras_rules.REGULARIZERS)
constraints = _module('constraints', get=keras_rules.constraint, serialize=keras_rules.serialize,
                      Constraint=keras_rules.Constraint, **keras_rules.CONSTRAINTS)
optimizers = _module('optimizers', **{
    name: getattr(keras_optimizers, name) for name in ('Optimizer', 'SGD', 'RMSprop', 'Adam')
})
_SESSIONS = []


def _get_session():
    session = tf.get_default_session() or (_SESSIONS[-1] if _SESSIONS else None)
    if session is None:
        session = tf.Session()
        _SESSIONS.append(session)
    return session


def _clear_session():
    _SESSIONS.clear()
    tf.reset_default_graph()


backend = _module(
    'backend', learning_phase=keras_layers.learning_phase, set_learning_phase=keras_layers.set_learning_phase,
    get_session=_get_session, set_session=_SESSIONS.append, clear_session=_clear_session,
    placeholder=lambda shape=None, ndim=None, dtype=None, sparse=False, name=None: tf.placeholder(
        dtype or tf.float32, shape if shape is not None else [None] * (ndim or 0) or None, name
    ),
    variable=lambda value, dtype=None, name=None, constraint=None: tf.Variable(
        value, dtype=dtype or tf.float32, name=name
    ),
    int_shape=lambda x: tuple(x.shape.as_list()), shape=tf.shape, floatx=lambda: 'float32',
    epsilon=lambda: 1e-7, image_data_format=lambda: 'channels_last',
    get_value=lambda x: _get_session().run(x),
    mean=lambda x, axis=None, keepdims=False: tf.reduce_mean(x, axis, keepdims),
    sum=lambda x, axis=None, keepdims=False: tf.reduce_sum(x, axis, keepdims),
    max=lambda x, axis=None, keepdims=False: tf.reduce_max(x, axis, keepdims),
    min=lambda x, axis=None, keepdims=False: tf.reduce_min(x, axis, keepdims),
    prod=lambda x, axis=None, keepdims=False: tf.reduce_prod(x, axis, keepdims),
    var=lambda x, axis=None, keepdims=False: tf.math.reduce_variance(x, axis, keepdims),
    std=lambda x, axis=None, keepdims=False: tf.math.reduce_std(x, axis, keepdims),
    ndim=lambda x: x.shape.ndims, dtype=lambda x: x.dtype.base_dtype.name, cast=tf.cast, pow=tf.pow,
    maximum=tf.maximum, minimum=tf.minimum, sign=tf.sign, round=tf.round, transpose=tf.transpose,
    permute_dimensions=lambda x, pattern: tf.transpose(x, pattern), stop_gradient=tf.stop_gradient,
    expand_dims=lambda x, axis=-1: tf.expand_dims(x, axis), squeeze=lambda x, axis: tf.squeeze(x, [axis]),
    flatten=lambda x: tf.reshape(x, [-1]), stack=tf.stack, tile=tf.tile, softplus=tf.nn.softplus,
    l2_normalize=lambda x, axis=None: tf.nn.l2_normalize(x, axis),
    argmax=lambda x, axis=-1: tf.argmax(x, axis),
    one_hot=tf.one_hot, equal=tf.equal, name_scope=tf.name_scope,
    constant=tf.constant, zeros=tf.zeros, ones=tf.ones, bias_add=lambda x, bias: tf.nn.bias_add(x, bias),
    square=tf.square, sqrt=lambda x: tf.sqrt(tf.maximum(x, 0.0)), abs=tf.abs, exp=tf.exp, log=tf.log,
    tanh=tf.tanh, sigmoid=tf.sigmoid, relu=tf.nn.relu, softmax=tf.nn.softmax, concatenate=tf.concat,
    reshape=tf.reshape, ones_like=tf.ones_like, zeros_like=tf.zeros_like, clip=tf.clip_by_value,
    gradients=tf.gradients, dot=tf.matmul, random_normal=tf.random_normal, random_uniform=tf.random_uniform,
    batch_flatten=keras_layers.layers.flat,
    resize_images=lambda x, h, w, *more: keras_layers.UpSampling2D((h, w), *more)(x),
)
