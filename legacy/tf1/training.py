"""tf.contrib.training: HParams, and the loops of learning.py."""
import json

from legacy.tf1.learning import (  # noqa: F401
    StopAfterNEvalsHook, SummaryAtEndHook, add_gradients_summaries, checkpoints_iterator, clip_gradient_norms,
    clip_gradient_norms_fn, create_train_op, evaluate_once, evaluate_repeatedly, get_or_create_eval_step,
    multiply_gradients, train, wait_for_new_checkpoint,
)


class HParams:
    """Named hyper-parameters as attributes."""

    def __init__(self, hparam_def=None, model_structure=None, **kwargs):
        self._names = []
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name, value):
        if name in self._names:
            raise ValueError(f'Hyperparameter name is reserved: {name}')
        self._names.append(name)
        setattr(self, name, value)

    def set_hparam(self, name, value):
        if name not in self._names:
            raise KeyError(name)
        setattr(self, name, value)

    def parse(self, values):
        """`a=1,b=2.5,c=x` by the types of the present values."""
        for pair in filter(None, values.split(',')):
            name, _, text = pair.partition('=')
            if name not in self._names:
                raise ValueError(f'Unknown hyperparameter type for {name}')
            old = getattr(self, name)
            setattr(self, name, text.lower() in ('true', '1') if isinstance(old, bool) else type(old)(text)
                    if old is not None else text)
        return self

    def values(self):
        return {name: getattr(self, name) for name in self._names}

    def to_json(self, **kwargs):
        return json.dumps(self.values(), **kwargs)

    def get(self, key, default=None):
        return getattr(self, key, default)

    def __contains__(self, key):
        return key in self._names

    def __repr__(self):
        return f'HParams({self.values()})'
