"""TensorFlow Probability: `distributions`, which in 2018 were those of tf.contrib.distributions."""
import types

from legacy.absent import stub_parts
from legacy.tf1 import distributions as contrib


class _Distributions(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        held = stub_parts.missing(self.__name__)
        return getattr(contrib, name, None) or getattr(contrib._TODAY, name, None) or held(name)


distributions = _Distributions('tensorflow_probability.distributions')
__getattr__ = stub_parts.missing('tensorflow_probability')
