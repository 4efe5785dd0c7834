"""The toy data sets and small helpers of scikit-learn that GAN scripts use, from their published
definitions.
"""
import types

import numpy

from legacy.absent import stub_parts


def _rng(random_state):
    if random_state is None:
        return numpy.random
    return random_state if hasattr(random_state,
                                   'standard_normal') else numpy.random.RandomState(random_state)


def make_swiss_roll(n_samples=100, noise=0.0, random_state=None, **kwargs):
    """(points [N, 3], position along the roll [N])."""
    rng = _rng(random_state)
    t = 1.5 * numpy.pi * (1 + 2 * rng.uniform(size=n_samples))
    y = 21 * rng.uniform(size=n_samples)
    points = numpy.stack([t * numpy.cos(t), y, t * numpy.sin(t)], 1)
    return points + noise * rng.normal(size=points.shape), t


def make_moons(n_samples=100, shuffle=True, noise=None, random_state=None):
    """(points [N, 2], class [N])."""
    rng = _rng(random_state)
    n = n_samples // 2
    a, b = numpy.linspace(0, numpy.pi, n), numpy.linspace(0, numpy.pi, n_samples - n)
    points = numpy.concatenate([numpy.stack([numpy.cos(a), numpy.sin(a)], 1), numpy.stack([1 - numpy.cos(b),
                                                                                           0.5
                                                                                           - numpy.sin(b)],
                                                                                          1)])
    return _finish(points, numpy.repeat([0, 1], [n, n_samples - n]), shuffle, noise, rng)


def make_circles(n_samples=100, shuffle=True, noise=None, random_state=None, factor=0.8):
    rng = _rng(random_state)
    n = n_samples // 2
    a, b = [numpy.linspace(0, 2 * numpy.pi, k, endpoint=False) for k in (n, n_samples - n)]
    points = numpy.concatenate([numpy.stack([numpy.cos(a), numpy.sin(a)], 1), factor
                                * numpy.stack([numpy.cos(b), numpy.sin(b)], 1)])
    return _finish(points, numpy.repeat([0, 1], [n, n_samples - n]), shuffle, noise, rng)


def make_blobs(n_samples=100, n_features=2, centers=None, cluster_std=1.0, center_box=(-10.0, 10.0),
               shuffle=True, random_state=None):
    rng = _rng(random_state)
    if centers is None or numpy.ndim(centers) == 0:
        centers = rng.uniform(*center_box, size=(centers or 3, n_features))
    centers = numpy.asarray(centers, float)
    classes = numpy.arange(n_samples) % len(centers)
    points = centers[classes] + cluster_std * rng.normal(size=(n_samples, centers.shape[1]))
    return _finish(points, classes, shuffle, None, rng)


def _finish(points, classes, shuffled, noise, rng):
    if shuffled:
        order = rng.permutation(len(points))
        points, classes = points[order], classes[order]
    if noise is not None:
        points = points + noise * rng.normal(size=points.shape)
    return points, classes


def shuffle(*arrays, random_state=None, n_samples=None):
    """The same permutation of every array."""
    order = _rng(random_state).permutation(len(arrays[0]))[:n_samples]
    result = [[a[i] for i in order] if isinstance(a, list) else a[order] for a in arrays]
    return result[0] if len(result) == 1 else result


def train_test_split(*arrays, test_size=None, train_size=None, random_state=None, **kwargs):
    n = len(arrays[0])
    test = test_size if test_size is not None else 0.25 if train_size is None else n - (
        train_size if train_size > 1 else int(n * train_size))
    test = int(numpy.ceil(n * test)) if test < 1 else int(test)
    order = _rng(random_state).permutation(n)
    parts = []
    for a in arrays:
        for index in (order[test:], order[:test]):
            parts.append([a[i] for i in index] if isinstance(a, list) else a[index])
    return parts


def _module(name, **members):
    module = types.ModuleType('sklearn.' + name)
    module.__dict__.update(members, __getattr__=stub_parts.missing('sklearn.' + name))
    return module


datasets = _module('datasets', make_swiss_roll=make_swiss_roll, make_moons=make_moons,
                   make_circles=make_circles, make_blobs=make_blobs)
utils = _module('utils', shuffle=shuffle)
model_selection = _module('model_selection', train_test_split=train_test_split)
cross_validation = _module('cross_validation', train_test_split=train_test_split)
__getattr__ = stub_parts.missing('sklearn')
