"""tf.contrib.gan.features: conditioning, the pool of generated data, clipped weights, spectral and virtual
batch normalisation.

After tensorflow/contrib/gan/python/features of TensorFlow 1.15; variables have its names.
"""
import numbers
import re

import tensorflow.compat.v1 as tf

from legacy.tf1 import contrib_layers
from legacy.tf1.opt import VariableClippingOptimizer

# ---- conditioning ------------------------------------------------------------------------------------------


def condition_tensor(tensor, conditioning):
    """tensor [B, …] plus a linear map of conditioning [B, …] of the same size."""
    tensor.shape[1:].assert_is_fully_defined()
    if conditioning.shape.ndims < 2:
        raise ValueError(f'conditioning must be at least 2D, but saw shape: {conditioning.shape}')
    mapped = contrib_layers.linear(contrib_layers.flatten(conditioning), tensor.shape[1:].num_elements())
    if not mapped.shape.is_compatible_with(tensor.shape):
        mapped = tf.reshape(mapped, [-1] + tensor.shape.as_list()[1:])
    return tensor + mapped


def condition_tensor_from_onehot(tensor, one_hot_labels, embedding_size=256):
    """`condition_tensor` on a learnt embedding of the labels [B, classes]."""
    one_hot_labels.shape.assert_has_rank(2)
    one_hot_labels.shape[1:].assert_is_fully_defined()
    embedding = tf.get_variable('embedding', [one_hot_labels.shape[1], embedding_size])
    chosen = tf.nn.embedding_lookup(embedding, tf.argmax(one_hot_labels, axis=1), name='token_to_embedding')
    return condition_tensor(tensor, chosen)


# ---- a pool of earlier values (arXiv 1612.07828, section 2.3) ----------------------------------------------

def tensor_pool(input_values, pool_size=50, pooling_probability=0.5, name='tensor_pool'):
    """The values given, or with pooling_probability those of an earlier step, out of a pool of pool_size.

    While the pool fills, what comes in goes out. input_values: tensor, or a nested structure of tensors.
    """
    pool_size = int(pool_size)
    if pool_size < 0:
        raise ValueError('`pool_size` is negative.')
    if pool_size == 0:
        return input_values
    values = tf.nest.flatten(input_values)
    with tf.name_scope(f'{name}_pool_queue', values=values + [pooling_probability]):
        queue = tf.RandomShuffleQueue(capacity=pool_size, min_after_dequeue=0,
                                      dtypes=[value.dtype for value in values], shapes=None)

        def put():
            with tf.control_dependencies([queue.enqueue(values)]):
                return [tf.identity(value) for value in values]

        def swap():
            earlier = queue.dequeue()
            earlier = [earlier] if isinstance(earlier, tf.Tensor) else list(earlier)
            with tf.control_dependencies(earlier):
                enqueue = queue.enqueue(values)
            with tf.control_dependencies([enqueue]):
                old = tf.random_uniform(()) < pooling_probability
                return tf.cond(old, lambda: [tf.identity(value) for value in earlier],
                               lambda: [tf.identity(value) for value in values], strict=True)

        outputs = tf.cond(queue.size() < pool_size, put, swap, strict=True)
        for value, output in zip(values, outputs):
            output.set_shape(value.shape)
    return tf.nest.pack_sequence_as(input_values, outputs)


# ---- clipped weights (arXiv 1701.07875) --------------------------------------------------------------------

def clip_variables(optimizer, variables, weight_clip):
    """An optimizer that clips the norm of each variable after its steps."""
    if weight_clip < 0:
        raise ValueError(f'`discriminator_weight_clip` must be positive. Instead, was {weight_clip}')
    return VariableClippingOptimizer(
        optimizer, {variable: [] for variable in variables}, weight_clip, use_locking=True,
        colocate_clip_ops_with_vars=True)


def clip_discriminator_weights(optimizer, model, weight_clip):
    """`clip_variables` on the discriminator of a GANModel."""
    return clip_variables(optimizer, model.discriminator_variables, weight_clip)


# ---- spectral normalisation (arXiv 1802.05957) -------------------------------------------------------------

_VECTOR = 'spectral_norm_u'


def compute_spectral_norm(w_tensor, power_iteration_rounds=1, name=None, training=True):
    """The largest singular value of w_tensor as a matrix [everything else, last axis], by power iteration.

    The vector is kept in the variable `spectral_norm_u` and moves on at each step when training.
    """
    with tf.variable_scope(name, 'spectral_norm'):
        w = tf.reshape(w_tensor, (-1, w_tensor.shape[-1]))
        kept = tf.get_variable(_VECTOR, shape=(w.shape[0], 1), dtype=w.dtype,
                               initializer=tf.random_normal_initializer(), trainable=False)
        u = kept
        for _ in range(power_iteration_rounds):
            v = tf.nn.l2_normalize(tf.matmul(w, u, transpose_a=True))
            u = tf.nn.l2_normalize(tf.matmul(w, v))
        if training:
            with tf.control_dependencies([kept.assign(u, name='update_u')]):
                u = tf.identity(u)
        u, v = tf.stop_gradient(u), tf.stop_gradient(v)
        return tf.matmul(tf.matmul(u, w, transpose_a=True), v)[0][0]


def spectral_normalize(w, power_iteration_rounds=1, name=None, training=True):
    """w divided by its spectral norm."""
    with tf.variable_scope(name, 'spectral_normalize'):
        norm = compute_spectral_norm(w, power_iteration_rounds, training=training)
        return tf.reshape(w / norm, w.shape)


def spectral_norm_regularizer(scale, power_iteration_rounds=1, scope=None, training=True):
    """A regularizer: scale times the spectral norm of a weight."""
    if isinstance(scale, numbers.Integral):
        raise ValueError(f'scale cannot be an integer: {scale}')
    if isinstance(scale, numbers.Real) and scale < 0:
        raise ValueError(f'Setting a scale less than 0 on a regularizer: {scale:g}')
    if isinstance(scale, numbers.Real) and scale == 0:
        return lambda _: None

    def regularizer(weights, name=None):
        with tf.name_scope(scope, 'SpectralNormRegularizer', [weights]) as name:
            factor = tf.convert_to_tensor(scale, weights.dtype.base_dtype, name='scale')
            norm = compute_spectral_norm(weights, power_iteration_rounds, training=training)
            return tf.multiply(factor, norm, name=name)
    return regularizer


def _is_weight(name):
    return re.match(r'(.*\/)?(depthwise_|pointwise_)?(weights|kernel)$', name) is not None


def spectral_normalization_custom_getter(name_filter=_is_weight, power_iteration_rounds=1, training=True):
    """A `custom_getter` of variable scopes that normalises what name_filter(name) chooses: the weights."""
    if not callable(name_filter):
        raise ValueError('name_filter must be callable')

    def getter_of_normalised(getter, name, *args, **kwargs):
        if not name_filter(name):
            return getter(name, *args, **kwargs)
        if name.endswith(_VECTOR):
            raise ValueError('Cannot apply Spectral Normalization to internal variables created for Spectral '
                             f'Normalization. Tried to normalized variable [{name}]')
        weight = getter(name, *args, **kwargs)
        if not weight.dtype.is_floating:
            raise ValueError(f'Disallowed data type {weight.dtype}')
        if weight.shape.ndims < 2:
            raise ValueError('Spectral norm can only be applied to multi-dimensional tensors')
        return spectral_normalize(weight, power_iteration_rounds, name + '/spectral_normalize', training)
    return getter_of_normalised


# ---- virtual batch normalisation (arXiv 1606.03498) --------------------------------------------------------

def _positive_axis(tensor, axis):
    ndims = tensor.shape.ndims
    if ndims is None:
        raise ValueError('`reference_batch` has unknown dimensions.')
    used = ndims + axis if axis < 0 else axis
    if not 0 <= used < ndims:
        raise ValueError(f'Value of `axis` argument {used} is out of range for input with rank {ndims}')
    return used


class VBN:
    """Batch normalisation by the statistics of a reference batch, each example weighing as one more of it.

    Its variables `beta` and `gamma` are shared by all calls.
    """

    def __init__(self, reference_batch, axis=-1, epsilon=1e-3, center=True, scale=True,
                 beta_initializer=tf.zeros_initializer(), gamma_initializer=tf.ones_initializer(),
                 beta_regularizer=None, gamma_regularizer=None, trainable=True, name=None, batch_axis=0):
        self._axis, self._batch_axis = _positive_axis(reference_batch, axis), _positive_axis(
            reference_batch, batch_axis)
        if self._axis == self._batch_axis:
            raise ValueError('`axis` and `batch_axis` cannot be the same.')
        self._reference, self._epsilon = reference_batch, epsilon
        with tf.variable_scope(name, 'VBN', values=[reference_batch]) as self._scope:
            self._mean, self._square = self._moments(reference_batch, (self._axis,))
            size = tf.cast(tf.shape(reference_batch)[self._batch_axis], tf.float32)
            self._example_weight = 1.0 / (size + 1.0)
            shape = (reference_batch.shape[self._axis],)
            self._beta = self._gamma = None
            if center:
                self._beta = tf.get_variable('beta', shape, initializer=beta_initializer,
                                             regularizer=beta_regularizer, trainable=trainable)
            if scale:
                self._gamma = tf.get_variable('gamma', shape, initializer=gamma_initializer,
                                              regularizer=gamma_regularizer, trainable=trainable)

    def _moments(self, x, kept):
        """Mean of x and of its square over all axes but `kept`, with the rank of x."""
        axes = [n for n in range(x.shape.ndims) if n not in kept]
        return tf.reduce_mean(x, axes, keepdims=True), tf.reduce_mean(tf.square(x), axes, keepdims=True)

    def _normalise(self, x, mean, square):
        shape = [1] * x.shape.ndims
        shape[self._axis] = -1
        beta, gamma = [None if v is None else tf.reshape(v, shape) for v in (self._beta, self._gamma)]
        return tf.nn.batch_normalization(x, mean, square - tf.square(mean), beta, gamma, self._epsilon)

    def reference_batch_normalization(self):
        """The reference batch, normalised."""
        with tf.name_scope(self._scope.name):
            return self._normalise(self._reference, self._mean, self._square)

    def __call__(self, inputs):
        shapes = [tensor.shape.as_list() for tensor in (inputs, self._reference)]
        for shape in shapes:
            del shape[self._batch_axis]
        tf.TensorShape(shapes[0]).assert_is_compatible_with(shapes[1])
        with tf.name_scope(self._scope.name, values=[inputs, self._reference]):
            own = self._example_weight
            mean, square = [own * of_example + (1.0 - own) * of_reference for of_example, of_reference in zip(
                self._moments(inputs, (self._axis, self._batch_axis)), (self._mean, self._square))]
            return self._normalise(inputs, mean, square)
