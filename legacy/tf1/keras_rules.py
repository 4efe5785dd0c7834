"""tf.keras.regularizers and tf.keras.constraints of Keras 2: what a weight costs and where it may go."""
import tensorflow.compat.v1 as tf

EPSILON = 1e-7              # K.epsilon()


class Regularizer:
    """The base of a script's own regularisers."""

    def get_config(self):
        return dict(vars(self))


class L1L2(Regularizer):
    """l1·Σ|w| + l2·Σw², without the half of tf.nn.l2_loss."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = float(l1), float(l2)

    def __call__(self, weight):
        cost = tf.zeros([], weight.dtype.base_dtype)
        cost = cost + self.l1 * tf.reduce_sum(tf.abs(weight)) if self.l1 else cost
        return cost + self.l2 * tf.reduce_sum(tf.square(weight)) if self.l2 else cost


def l1(l=0.01):
    return L1L2(l1=l)


def l2(l=0.01):
    return L1L2(l2=l)


def l1_l2(l1=0.01, l2=0.01):
    return L1L2(l1, l2)


class Constraint:
    """The base of a script's own constraints: what a weight is set to after a step, from what it became."""

    def __call__(self, weight):
        return weight

    def get_config(self):
        return dict(vars(self))


def _norm(weight, axis):
    return tf.sqrt(tf.reduce_sum(tf.square(weight), axis, keepdims=True))


class MaxNorm(Constraint):
    """No vector along `axis` is longer than `max_value`."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, weight):
        norm = _norm(weight, self.axis)
        return weight * (tf.clip_by_value(norm, 0, self.max_value) / (EPSILON + norm))


class NonNeg(Constraint):
    """No weight is negative."""

    def __call__(self, weight):
        return weight * tf.cast(weight >= 0, weight.dtype.base_dtype)


class UnitNorm(Constraint):
    """Every vector along `axis` has length 1."""

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, weight):
        return weight / (EPSILON + _norm(weight, self.axis))


class MinMaxNorm(Constraint):
    """Vectors along `axis` go `rate` of the way to a length between the two."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, weight):
        norm = _norm(weight, self.axis)
        wanted = self.rate * tf.clip_by_value(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return weight * (wanted / (EPSILON + norm))


REGULARIZERS = {'l1': l1, 'l2': l2, 'l1_l2': l1_l2, 'L1L2': L1L2}
CONSTRAINTS = {'max_norm': MaxNorm, 'maxnorm': MaxNorm, 'non_neg': NonNeg, 'nonneg': NonNeg,
               'unit_norm': UnitNorm, 'unitnorm': UnitNorm, 'min_max_norm': MinMaxNorm,
               'MaxNorm': MaxNorm, 'NonNeg': NonNeg, 'UnitNorm': UnitNorm, 'MinMaxNorm': MinMaxNorm}


def _getter(kind, known):
    def get(identifier):
        if identifier is None or callable(identifier):
            return identifier
        config = {}
        if isinstance(identifier, dict):
            identifier, config = identifier['class_name'], identifier['config']
        if identifier not in known:
            raise ValueError(f'Could not interpret {kind} identifier: {identifier}')
        return known[identifier](**config)
    return get


regularizer, constraint = _getter('regularizer', REGULARIZERS), _getter('constraint', CONSTRAINTS)


def serialize(thing):
    """The dictionary that `get` makes the thing from; None of None."""
    if thing is None:
        return None
    config = thing.get_config() if hasattr(thing, 'get_config') else {}
    return {'class_name': type(thing).__name__, 'config': config}
