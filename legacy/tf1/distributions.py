"""tf.contrib.distributions: tf.distributions, the constructor names of TensorFlow ≤ 1.3, and diagonal
Gaussians.
"""
import math
import sys

import tensorflow.compat.v1 as tf

_TODAY = tf.distributions


class MultivariateNormalDiag(_TODAY.Distribution):
    """Independent normal components, one event: log_prob sums over the last axis."""

    def __init__(self, loc=None, scale_diag=None, scale_identity_multiplier=None, validate_args=False,
                 allow_nan_stats=True, name='MultivariateNormalDiag', mu=None, diag_stdev=None):
        loc = loc if loc is not None else mu
        scale = scale_diag if scale_diag is not None else diag_stdev
        if scale is None:
            scale = tf.ones_like(loc)
        if scale_identity_multiplier is not None:
            scale = scale * scale_identity_multiplier
        self._scale = tf.convert_to_tensor(scale)
        self._loc = tf.convert_to_tensor(loc) if loc is not None else tf.zeros_like(self._scale)
        super().__init__(dtype=self._loc.dtype, reparameterization_type=_TODAY.FULLY_REPARAMETERIZED,
            validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters={'loc': loc,
                'scale_diag': scale}, graph_parents=[self._loc, self._scale], name=name)

    loc = property(lambda self: self._loc)
    mu = loc

    def _both(self):
        return tf.broadcast_static_shape(self._loc.shape, self._scale.shape)

    def _batch_shape_tensor(self):
        return tf.broadcast_dynamic_shape(tf.shape(self._loc), tf.shape(self._scale))[:-1]

    def _batch_shape(self):
        return self._both()[:-1]

    def _event_shape_tensor(self):
        return tf.broadcast_dynamic_shape(tf.shape(self._loc), tf.shape(self._scale))[-1:]

    def _event_shape(self):
        return self._both()[-1:]

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], tf.broadcast_dynamic_shape(tf.shape(self._loc), tf.shape(self._scale))], 0)
        return self._loc + self._scale * tf.random_normal(shape, dtype=self.dtype, seed=seed)

    def _log_prob(self, x):
        z = (x - self._loc) / self._scale
        return tf.reduce_sum(-0.5 * tf.square(z) - tf.log(self._scale) - 0.5 * math.log(2 * math.pi), -1)

    def _prob(self, x):
        return tf.exp(self._log_prob(x))

    def _entropy(self):
        return tf.reduce_sum(tf.log(self._scale) + 0.5 * math.log(2 * math.pi * math.e)
                             + tf.zeros_like(self._loc), -1)

    def _mean(self):
        return self._loc + tf.zeros_like(self._scale)

    _mode = _mean

    def _variance(self):
        return tf.square(self._scale) + tf.zeros_like(self._loc)

    def _stddev(self):
        return self._scale + tf.zeros_like(self._loc)


@_TODAY.RegisterKL(MultivariateNormalDiag, MultivariateNormalDiag)
def _kl(a, b, name=None):
    ratio = tf.square(a._scale / b._scale)
    return 0.5 * tf.reduce_sum(ratio + tf.square((a._loc - b._loc) / b._scale) - 1.0 - tf.log(ratio), -1)


def Normal(loc=None, scale=None, *args, mu=None, sigma=None, **kwargs):
    return _TODAY.Normal(loc if mu is None else mu, scale if sigma is None else sigma, *args, **kwargs)


def Uniform(low=0.0, high=1.0, *args, a=None, b=None, **kwargs):
    return _TODAY.Uniform(low if a is None else a, high if b is None else b, *args, **kwargs)


def Bernoulli(logits=None, probs=None, *args, p=None, **kwargs):
    return _TODAY.Bernoulli(logits, probs if p is None else p, *args, **kwargs)


def Categorical(logits=None, probs=None, *args, p=None, **kwargs):
    return _TODAY.Categorical(logits, probs if p is None else p, *args, **kwargs)


def kl(dist_a, dist_b, allow_nan=False, name=None, **kwargs):
    return _TODAY.kl_divergence(dist_a, dist_b, name=name)


kl_divergence = _TODAY.kl_divergence
MODULE = sys.modules[__name__]


def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    if hasattr(_TODAY, name):
        return getattr(_TODAY, name)
    from legacy.absent import stub
    return stub.module('tf.contrib.distributions.' + name)
