"""tf.contrib.distributions: tf.distributions, the names of TensorFlow ≤ 1.3, normal vectors, mixtures and
categories as vectors.
"""
import math

import tensorflow.compat.v1 as tf

_TODAY = tf.distributions


class _OldNames:
    """Methods under their names of TensorFlow ≤ 0.12."""

    def pdf(self, value, name='pdf'):
        return self.prob(value, name=name)

    def log_pdf(self, value, name='log_pdf'):
        return self.log_prob(value, name=name)

    def pmf(self, value, name='pmf'):
        return self.prob(value, name=name)

    def log_pmf(self, value, name='log_pmf'):
        return self.log_prob(value, name=name)

    def sample_n(self, n, seed=None, name='sample_n'):
        return self.sample(n, seed=seed, name=name)

    def std(self, name='std'):
        return self.stddev(name=name)

    def get_batch_shape(self):
        return self.batch_shape

    def get_event_shape(self):
        return self.event_shape


def _family(name, first, second, old_first, old_second):
    """Today's distribution `name`, whose two parameters also have old names."""
    today = getattr(_TODAY, name)

    def __init__(self, *args, **kwargs):
        for new, old in ((first, old_first), (second, old_second)):
            if old in kwargs:
                kwargs[new] = kwargs.pop(old)
        today.__init__(self, *args, **kwargs)

    members = {'__init__': __init__, '__doc__': f'tf.distributions.{name}, whose {first} was called '
               f'{old_first} and whose {second} {old_second}.'}
    for new, old in ((first, old_first), (second, old_second)):
        if old != new:
            members[old] = property(lambda self, new=new: getattr(self, new))
    return type(today)(name, (_OldNames, today), members)


Normal = _family('Normal', 'loc', 'scale', 'mu', 'sigma')
Laplace = _family('Laplace', 'loc', 'scale', 'loc', 'scale')
Uniform = _family('Uniform', 'low', 'high', 'a', 'b')
Bernoulli = _family('Bernoulli', 'logits', 'probs', 'logits', 'p')
Categorical = _family('Categorical', 'logits', 'probs', 'logits', 'p')
Beta = _family('Beta', 'concentration1', 'concentration0', 'a', 'b')
Gamma = _family('Gamma', 'concentration', 'rate', 'alpha', 'beta')
Exponential = _family('Exponential', 'rate', 'rate', 'lam', 'rate')
Dirichlet = _family('Dirichlet', 'concentration', 'concentration', 'alpha', 'concentration')
Multinomial = _family('Multinomial', 'logits', 'probs', 'logits', 'p')


class NormalWithSoftplusScale(Normal):
    """Normal of softplus(scale)."""

    def __init__(self, loc=None, scale=None, validate_args=False, allow_nan_stats=True,
                 name='NormalWithSoftplusScale', mu=None, sigma=None):
        scale = tf.nn.softplus(scale if sigma is None else sigma)
        Normal.__init__(self, loc if mu is None else mu, scale, validate_args, allow_nan_stats, name)


class _Vector(_OldNames, _TODAY.Distribution):
    """A distribution of vectors from `loc` [..., k] and what scales them."""

    def _start(self, loc, scale, validate_args, allow_nan_stats, name):
        self._loc, self._scale = loc, scale
        _TODAY.Distribution.__init__(self, dtype=loc.dtype, validate_args=validate_args,
                                     reparameterization_type=_TODAY.FULLY_REPARAMETERIZED,
                                     allow_nan_stats=allow_nan_stats, parameters={}, name=name,
                                     graph_parents=[loc, scale])

    loc = property(lambda self: self._loc)
    mu = loc

    def _static(self):
        return self._loc.shape

    def _dynamic(self):
        return tf.shape(self._loc)

    def _batch_shape(self):
        return self._static()[:-1]

    def _event_shape(self):
        return self._static()[-1:]

    def _batch_shape_tensor(self):
        return self._dynamic()[:-1]

    def _event_shape_tensor(self):
        return self._dynamic()[-1:]

    def _prob(self, x):
        return tf.exp(self._log_prob(x))


class MultivariateNormalDiag(_Vector):
    """Independent normal components, one event: log_prob sums over the last axis."""

    def __init__(self, loc=None, scale_diag=None, scale_identity_multiplier=None, validate_args=False,
                 allow_nan_stats=True, name='MultivariateNormalDiag', mu=None, diag_stdev=None):
        loc = loc if loc is not None else mu
        scale = scale_diag if scale_diag is not None else diag_stdev
        with tf.name_scope(name):
            loc = None if loc is None else tf.convert_to_tensor(loc)
            scale = tf.ones_like(loc) if scale is None else tf.convert_to_tensor(scale)
            if scale_identity_multiplier is not None:
                scale = scale * tf.convert_to_tensor(scale_identity_multiplier, scale.dtype)[..., None]
            loc = tf.zeros_like(scale) if loc is None else loc
        self._start(loc, scale, validate_args, allow_nan_stats, name)

    def _static(self):
        return tf.broadcast_static_shape(self._loc.shape, self._scale.shape)

    def _dynamic(self):
        return tf.broadcast_dynamic_shape(tf.shape(self._loc), tf.shape(self._scale))

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self._dynamic()], 0)
        return self._loc + self._scale * tf.random_normal(shape, dtype=self.dtype, seed=seed)

    def _log_prob(self, x):
        z = (x - self._loc) / self._scale
        return tf.reduce_sum(-0.5 * tf.square(z) - tf.log(self._scale) - 0.5 * math.log(2 * math.pi), -1)

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


class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """Normal vector of softplus(scale_diag)."""

    def __init__(self, loc=None, scale_diag=None, validate_args=False, allow_nan_stats=True,
                 name='MultivariateNormalDiagWithSoftplusScale', mu=None, diag_stdev=None):
        scale = tf.nn.softplus(scale_diag if diag_stdev is None else diag_stdev)
        MultivariateNormalDiag.__init__(self, loc if mu is None else mu, scale, None, validate_args,
                                        allow_nan_stats, name)


class MultivariateNormalTriL(_Vector):
    """loc + scale_tril·ε, ε standard normal; scale_tril [..., k, k] lower triangular."""

    def __init__(self, loc=None, scale_tril=None, validate_args=False, allow_nan_stats=True,
                 name='MultivariateNormalTriL', mu=None, chol=None):
        with tf.name_scope(name):
            scale = tf.convert_to_tensor(scale_tril if chol is None else chol)
            loc = loc if mu is None else mu
            loc = (tf.zeros_like(scale[..., 0]) if loc is None
                   else tf.convert_to_tensor(loc) + tf.zeros_like(scale[..., 0]))
        self._start(loc, tf.matrix_band_part(scale, -1, 0), validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        noise = tf.random_normal(tf.concat([[n], self._dynamic()], 0), dtype=self.dtype, seed=seed)
        return self._loc + tf.reduce_sum(self._scale * noise[..., None, :], -1)

    def _log_prob(self, x):
        # TensorFlow 1 solved one vector at a time too: a batch of vectors has no shared right-hand side
        z = x - self._loc
        scale = self._scale + tf.zeros_like(z)[..., None]
        z = tf.matrix_triangular_solve(scale, z[..., None])[..., 0]
        size = tf.cast(self._dynamic()[-1], self.dtype)
        return (-0.5 * tf.reduce_sum(tf.square(z), -1) - 0.5 * size * math.log(2 * math.pi)
                - self._log_determinant())

    def _log_determinant(self):
        return tf.reduce_sum(tf.log(tf.abs(tf.matrix_diag_part(self._scale))), -1)

    def _entropy(self):
        size = tf.cast(self._dynamic()[-1], self.dtype)
        return 0.5 * size * math.log(2 * math.pi * math.e) + self._log_determinant()

    def _mean(self):
        return self._loc

    _mode = _mean

    def _covariance(self):
        return tf.matmul(self._scale, self._scale, transpose_b=True)

    def _variance(self):
        return tf.reduce_sum(tf.square(self._scale), -1)


MultivariateNormalCholesky = MultivariateNormalTriL


class MultivariateNormalFullCovariance(MultivariateNormalTriL):
    """Normal vector of mean `loc` and covariance `covariance_matrix`."""

    def __init__(self, loc=None, covariance_matrix=None, validate_args=False, allow_nan_stats=True,
                 name='MultivariateNormalFullCovariance', mu=None, sigma=None):
        covariance = tf.convert_to_tensor(covariance_matrix if sigma is None else sigma)
        MultivariateNormalTriL.__init__(self, loc if mu is None else mu, tf.cholesky(covariance),
                                        validate_args, allow_nan_stats, name)


MultivariateNormalFull = MultivariateNormalFullCovariance


class Mixture(_OldNames, _TODAY.Distribution):
    """One of `components`, drawn by the Categorical `cat` for each sample; `cat` has their batch shape."""

    def __init__(self, cat, components, validate_args=False, allow_nan_stats=True, name='Mixture'):
        components = list(components)
        if not components:
            raise ValueError('components must be a non-empty list or tuple')
        if cat.event_size is not None and tf.get_static_value(cat.event_size) not in (None, len(components)):
            raise ValueError(f'cat has {tf.get_static_value(cat.event_size)} classes, but there are '
                             f'{len(components)} components')
        self._cat, self._components = cat, components
        _TODAY.Distribution.__init__(
            self, dtype=components[0].dtype, reparameterization_type=_TODAY.NOT_REPARAMETERIZED,
            validate_args=validate_args, allow_nan_stats=allow_nan_stats, parameters={}, name=name,
        )

    cat = property(lambda self: self._cat)
    components = property(lambda self: self._components)
    num_components = property(lambda self: len(self._components))

    def _batch_shape(self):
        return self._components[0].batch_shape

    def _event_shape(self):
        return self._components[0].event_shape

    def _batch_shape_tensor(self):
        return self._components[0].batch_shape_tensor()

    def _event_shape_tensor(self):
        return self._components[0].event_shape_tensor()

    def _weights(self):
        """[..., components], with an axis of 1 for each axis of an event."""
        weights = tf.nn.softmax(self._cat.logits)
        for _ in range(self.event_shape.ndims or 0):
            weights = weights[..., None, :]
        return weights

    def _sample_n(self, n, seed=None):
        drawn = self._cat.sample(n, seed=seed)
        for _ in range(self.event_shape.ndims or 0):
            drawn = drawn[..., None]
        mask = tf.one_hot(drawn, len(self._components), dtype=self.dtype)
        # one seed for all would tie the components to the choice between them
        seeds = [None if seed is None else seed + 1 + k for k in range(len(self._components))]
        drawn = [c.sample(n, seed=s) for c, s in zip(self._components, seeds)]
        return tf.reduce_sum(mask * tf.stack(drawn, -1), -1)

    def _log_prob(self, x):
        weights = tf.nn.log_softmax(self._cat.logits)
        return tf.reduce_logsumexp(weights + tf.stack([c.log_prob(x) for c in self._components], -1), -1)

    def _prob(self, x):
        return tf.exp(self._log_prob(x))

    def _mean(self):
        return tf.reduce_sum(self._weights() * tf.stack([c.mean() for c in self._components], -1), -1)

    def _variance(self):
        squares = tf.stack([c.variance() + tf.square(c.mean()) for c in self._components], -1)
        return tf.reduce_sum(self._weights() * squares, -1) - tf.square(self._mean())

    def entropy_lower_bound(self, name='entropy_lower_bound'):
        weights = tf.nn.softmax(self._cat.logits)
        return tf.reduce_sum(weights * tf.stack([c.entropy() for c in self._components], -1), -1)


class _OfLogits(_OldNames, _TODAY.Distribution):
    """Vectors of `k` numbers from logits [..., k] or probabilities of the same shape."""

    def _start(self, logits, probs, dtype, kind, validate_args, allow_nan_stats, name):
        if (logits is None) == (probs is None):
            raise ValueError('Must pass logits or probs, and not both.')
        self._logits = tf.convert_to_tensor(logits) if probs is None else tf.log(tf.convert_to_tensor(probs))
        _TODAY.Distribution.__init__(self, dtype=tf.as_dtype(dtype or self._logits.dtype), name=name,
                                     reparameterization_type=kind, validate_args=validate_args,
                                     allow_nan_stats=allow_nan_stats, parameters={})

    logits = property(lambda self: self._logits)
    probs = property(lambda self: tf.nn.softmax(self._logits))

    def _batch_shape(self):
        return self._logits.shape[:-1]

    def _event_shape(self):
        return self._logits.shape[-1:]

    def _batch_shape_tensor(self):
        return tf.shape(self._logits)[:-1]

    def _event_shape_tensor(self):
        return tf.shape(self._logits)[-1:]

    def _prob(self, x):
        return tf.exp(self._log_prob(x))


class OneHotCategorical(_OfLogits):
    """One class of k as a vector of zeros and a one."""

    def __init__(self, logits=None, probs=None, dtype=tf.int32, validate_args=False, allow_nan_stats=True,
                 name='OneHotCategorical', p=None):
        self._start(logits, probs if p is None else p, dtype, _TODAY.NOT_REPARAMETERIZED, validate_args,
                    allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        drawn = _TODAY.Categorical(logits=self._logits).sample(n, seed=seed)
        return tf.one_hot(drawn, tf.shape(self._logits)[-1], dtype=self.dtype)

    def _log_prob(self, x):
        return tf.reduce_sum(tf.cast(x, self._logits.dtype) * tf.nn.log_softmax(self._logits), -1)

    def _entropy(self):
        return -tf.reduce_sum(self.probs * tf.nn.log_softmax(self._logits), -1)

    def _mean(self):
        return self.probs

    def _mode(self):
        return tf.one_hot(tf.argmax(self._logits, -1), tf.shape(self._logits)[-1], dtype=self.dtype)


class ExpRelaxedOneHotCategorical(_OfLogits):
    """The logarithm of RelaxedOneHotCategorical."""

    def __init__(self, temperature, logits=None, probs=None, dtype=None, validate_args=False,
                 allow_nan_stats=True, name='ExpRelaxedOneHotCategorical'):
        self._start(logits, probs, dtype, _TODAY.FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, name)
        self._temperature = tf.convert_to_tensor(temperature, self._logits.dtype)

    temperature = property(lambda self: self._temperature)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], tf.shape(self._logits)], 0)
        # never 0, whose logarithm would be infinite
        uniform = tf.random_uniform(shape, minval=self.dtype.as_numpy_dtype(1e-38), dtype=self.dtype,
                                    seed=seed)
        gumbel = -tf.log(-tf.log(uniform))
        return tf.nn.log_softmax((self._logits + gumbel) / self._temperature[..., None])

    def _log_prob(self, x):
        # Maddison et al. 2016 (arXiv:1611.00712), appendix C.3
        size = tf.cast(tf.shape(self._logits)[-1], self.dtype)
        scaled = tf.nn.log_softmax(self._logits - x * self._temperature[..., None])
        return tf.lgamma(size) + (size - 1) * tf.log(self._temperature) + tf.reduce_sum(scaled, -1)


class RelaxedOneHotCategorical(ExpRelaxedOneHotCategorical):
    """Softmax of logits and Gumbel noise over the temperature (arXiv:1611.00712, arXiv:1611.01144)."""

    def __init__(self, temperature, logits=None, probs=None, dtype=None, validate_args=False,
                 allow_nan_stats=True, name='RelaxedOneHotCategorical'):
        ExpRelaxedOneHotCategorical.__init__(self, temperature, logits, probs, dtype, validate_args,
                                             allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        return tf.exp(super()._sample_n(n, seed))

    def _log_prob(self, x):
        return super()._log_prob(tf.log(x)) - tf.reduce_sum(tf.log(x), -1)


@_TODAY.RegisterKL(MultivariateNormalDiag, MultivariateNormalDiag)
def _kl_diagonal(a, b, name=None):
    ratio = tf.square(a._scale / b._scale)
    return 0.5 * tf.reduce_sum(ratio + tf.square((a._loc - b._loc) / b._scale) - 1.0 - tf.log(ratio), -1)


@_TODAY.RegisterKL(OneHotCategorical, OneHotCategorical)
def _kl_one_hot(a, b, name=None):
    return tf.reduce_sum(a.probs * (tf.nn.log_softmax(a.logits) - tf.nn.log_softmax(b.logits)), -1)


def kl(dist_a, dist_b, allow_nan=False, name=None, **kwargs):
    return _TODAY.kl_divergence(dist_a, dist_b, name=name)

