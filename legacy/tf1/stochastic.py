"""tf.contrib.bayesflow.stochastic_tensor: a distribution that is used as the tensor of its samples."""
import contextlib

import tensorflow.compat.v1 as tf


class SampleValue:
    """The tensor is a sample of `shape`; the gradient does not pass with `stop_gradient`."""

    def __init__(self, shape=(), stop_gradient=False, n=None):
        self.shape, self.stop_gradient = (shape if n is None else [n]), stop_gradient

    def of(self, distribution):
        value = distribution.sample(self.shape)
        return tf.stop_gradient(value) if self.stop_gradient else value


class MeanValue:
    """The tensor is the distribution's mean."""

    def __init__(self, stop_gradient=False):
        self.stop_gradient = stop_gradient

    def of(self, distribution):
        value = distribution.mean()
        return tf.stop_gradient(value) if self.stop_gradient else value


SampleAndReshapeValue = SampleValue
_KINDS = []


@contextlib.contextmanager
def value_type(kind):
    """Within it, tensors of distributions are what `kind` says."""
    _KINDS.append(kind() if isinstance(kind, type) else kind)
    try:
        yield
    finally:
        _KINDS.pop()


def get_current_value_type():
    return _KINDS[-1] if _KINDS else SampleValue()


class StochasticTensor:
    """Counts as a tensor everywhere; `distribution` is what it comes from."""

    def __init__(self, dist, name='StochasticTensor', dist_value_type=None, loss_fn=None):
        kind = dist_value_type or get_current_value_type()
        self.distribution, self.loss_fn, self.name = dist, loss_fn, name
        with tf.name_scope(name):
            self._value = (kind() if isinstance(kind, type) else kind).of(dist)

    def value(self, name='value'):
        return self._value

    def mean(self, name='mean'):
        return self.distribution.mean()

    def entropy(self, name='entropy'):
        return self.distribution.entropy()

    graph = property(lambda self: self._value.graph)
    dtype = property(lambda self: self._value.dtype)
    shape = property(lambda self: self._value.shape)

    def get_shape(self):
        return self._value.get_shape()


def _operator(name):
    def apply(self, *others):
        return getattr(self._value, name)(*(tf.convert_to_tensor(o) if isinstance(o, StochasticTensor) else o
                                            for o in others))
    return apply


for _name in ('add', 'sub', 'mul', 'truediv', 'pow', 'matmul'):
    for _side in ('', 'r'):
        setattr(StochasticTensor, f'__{_side}{_name}__', _operator(f'__{_side}{_name}__'))
for _name in ('neg', 'abs', 'getitem'):
    setattr(StochasticTensor, f'__{_name}__', _operator(f'__{_name}__'))
tf.register_tensor_conversion_function(
    StochasticTensor,
    lambda x, dtype=None, name=None, as_ref=False: tf.convert_to_tensor(x.value(), dtype=dtype, name=name),
)
