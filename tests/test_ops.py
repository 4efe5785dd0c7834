"""Every layer against NumPy: values, gradients, variables; at odd sizes, several strides and channel counts."""
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal

import convolutions
import ops
from tf1 import session, tf


@pytest.fixture
def sess():
    with tf.Graph().as_default(), session() as sess:
        tf.set_random_seed(0)
        yield sess


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def initialized(sess, **values):
    """Initialises all variables; those named (by the end of their name) get values. Returns {short name: variable}."""
    sess.run(tf.global_variables_initializer())
    variables = {variable.op.name: variable for variable in tf.global_variables()}
    for end, value in values.items():
        name, = [name for name in variables if name.endswith('/' + end)]
        variables[name].load(value, sess)
    return variables


# ------------------------------------------------------------------------------------------------ the reference

def same_padding(size, kernel, stride):
    """(before, after) of TensorFlow's SAME: the output has ceil(size / stride), the odd pixel of padding comes last."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Convolution:
    """y [B,H',W',out] of x [B,H,W,in] and w [kh,kw,in,out] and both gradients, as sums over the kernel's pixels."""

    def __init__(self, x_shape, w_shape, strides, padding='SAME'):
        self.x_shape, (self.k_h, self.k_w) = x_shape, w_shape[:2]
        self.strides = strides
        self.pad = [same_padding(*sizes) if padding == 'SAME' else (0, 0)
                    for sizes in zip(x_shape[1:3], w_shape[:2], strides)]
        self.out = [(size + sum(pad) - kernel) // stride + 1
                    for size, pad, kernel, stride in zip(x_shape[1:3], self.pad, w_shape[:2], strides)]

    def _window(self, i, j):
        (s_h, s_w), (h, w) = self.strides, self.out
        return np.s_[:, i:i + (h - 1) * s_h + 1:s_h, j:j + (w - 1) * s_w + 1:s_w, :]

    def _kernel(self):
        return ((i, j) for i in range(self.k_h) for j in range(self.k_w))

    def _padded(self, x):
        return np.pad(x.astype(np.float64), [(0, 0), *self.pad, (0, 0)])

    def forward(self, x, w):
        padded = self._padded(x)
        return sum(padded[self._window(i, j)] @ w[i, j].astype(np.float64) for i, j in self._kernel())

    def gradient_of_x(self, w, dy):
        padded = self._padded(np.zeros(self.x_shape))
        for i, j in self._kernel():
            padded[self._window(i, j)] += dy.astype(np.float64) @ w[i, j].T
        (top, _), (left, _) = self.pad
        return padded[:, top:top + self.x_shape[1], left:left + self.x_shape[2]]

    def gradient_of_w(self, x, dy):
        padded = self._padded(x)
        w = np.zeros((self.k_h, self.k_w, x.shape[3], dy.shape[3]))
        for i, j in self._kernel():
            w[i, j] = np.einsum('bhwi,bhwo->io', padded[self._window(i, j)], dy)
        return w


def test_the_reference_agrees_with_scipy():
    x, w = noise(1, 6, 9, 1), noise(3, 3, 1, 1, seed=1)
    expected = scipy.signal.correlate2d(x[0, :, :, 0], w[:, :, 0, 0], 'same')
    np.testing.assert_allclose(Convolution(x.shape, w.shape, (1, 1)).forward(x, w)[0, :, :, 0], expected, rtol=1e-5,
                               atol=1e-6)


def check(actual, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-6 * max(scale, 1.0))


# (batch, height, width, in), (kernel rows, columns), (row stride, column stride), out
SHAPES = [
    ((2, 7, 9, 3), (5, 5), (2, 2), 4),
    ((2, 8, 8, 4), (5, 5), (2, 2), 3),
    ((3, 5, 8, 1), (5, 5), (2, 2), 1),
    ((1, 6, 7, 3), (5, 5), (1, 1), 3),
    ((2, 9, 10, 4), (5, 5), (3, 3), 1),
    ((2, 7, 5, 1), (4, 4), (2, 2), 3),
    ((2, 8, 10, 3), (4, 4), (2, 2), 4),
    ((2, 11, 7, 3), (3, 3), (2, 2), 4),
    ((2, 6, 6, 4), (1, 1), (1, 1), 1),
    ((2, 3, 2, 3), (5, 5), (2, 2), 16),
    ((2, 1, 1, 8), (5, 5), (2, 2), 4),
    ((2, 7, 9, 3), (3, 5), (1, 2), 4),
    ((2, 9, 6, 4), (4, 3), (3, 2), 3),
    ((2, 7, 7, 1), (2, 2), (3, 3), 4),
    ((3, 7, 9, 5), (5, 5), (2, 2), 4),
    ((2, 8, 8, 6), (5, 5), (2, 2), 7),
    ((2, 5, 6, 8), (5, 5), (1, 1), 3),
    ((2, 10, 8, 6), (5, 5), (3, 3), 1),
    ((2, 9, 7, 5), (4, 4), (2, 2), 6),
    ((2, 9, 6, 6), (4, 3), (3, 2), 3),
    ((2, 8, 7, 5), (2, 2), (3, 3), 4),
    ((1, 3, 2, 6), (5, 5), (2, 2), 9),
]


@pytest.mark.parametrize('shape, kernel, strides, out', SHAPES)
def test_conv2d_and_its_gradients(shape, kernel, strides, out, sess):
    x = tf.placeholder(tf.float32, [None, *shape[1:]])
    y = ops.conv2d(x, out, *kernel, *strides, name='conv')
    values, w, b = noise(*shape), noise(*kernel, shape[3], out, seed=1), noise(out, seed=2)
    variables = initialized(sess, w=w, biases=b)
    reference = Convolution(shape, w.shape, strides)
    assert y.shape.as_list() == [None, math.ceil(shape[1] / strides[0]), math.ceil(shape[2] / strides[1]), out]
    expected = reference.forward(values, w) + b
    dy = noise(*expected.shape, seed=3)
    gradients = tf.gradients(y, [x, variables['conv/w'], variables['conv/biases']], dy)
    actual, (dx, dw, db) = sess.run([y, gradients], {x: values})
    check(actual, expected)
    check(dx, reference.gradient_of_x(w, dy))
    check(dw, reference.gradient_of_w(values, dy))
    check(db, dy.sum((0, 1, 2)))


@pytest.mark.parametrize('shape, kernel, strides, out', SHAPES)
def test_deconv2d_and_its_gradients(shape, kernel, strides, out, sess):
    """Transposed convolution is the gradient of a convolution; `shape` is that of its output here."""
    reference = Convolution(shape, (*kernel, shape[3], out), strides)
    small = (shape[0], *reference.out, out)
    x = tf.placeholder(tf.float32, [None, *small[1:]])
    y, w_variable, b_variable = ops.deconv2d(x, [tf.shape(x)[0], *shape[1:]], *kernel, *strides, name='deconv',
                                             with_w=True)
    assert y.shape.as_list() == [None, *shape[1:]]
    values, w, b = noise(*small), noise(*kernel, shape[3], out, seed=1), noise(shape[3], seed=2)
    initialized(sess, w=w, biases=b)
    dy = noise(*shape, seed=3)
    gradients = tf.gradients(y, [x, w_variable, b_variable], dy)
    actual, (dx, dw, db) = sess.run([y, gradients], {x: values})
    check(actual, reference.gradient_of_x(w, values) + b)
    check(dx, reference.forward(dy, w))
    check(dw, reference.gradient_of_w(dy, values))
    check(db, dy.sum((0, 1, 2)))


@pytest.mark.parametrize('channels', [3, 6])
@pytest.mark.parametrize('strides', [(1, 1), (2, 2), (3, 3)])
def test_gradients_of_gradients(strides, channels, sess):
    """What a gradient penalty on D needs, for both kinds of convolution."""
    def penalty(layer, x, w):
        dx, = tf.gradients(tf.reduce_sum(tf.square(layer(x, w))), x)
        return tf.reduce_sum(tf.square(dx))

    x, w = tf.constant(noise(2, 7, 8, channels)), tf.constant(noise(4, 4, channels, 2, seed=1))
    small, out_shape = ops.convolution(x, w, strides), x.shape.as_list()
    pairs = [
        (x, lambda x, w: ops.convolution(x, w, strides), lambda x, w: tf.nn.conv2d(x, w, [1, *strides, 1], 'SAME')),
        (tf.identity(small), lambda x, w: ops.transposed_convolution(x, w, out_shape, strides),
         lambda x, w: tf.nn.conv2d_transpose(x, w, out_shape, [1, *strides, 1], 'SAME')),
    ]
    for source, ours, plain in pairs:
        actual, expected = ([penalty(layer, source, w), *tf.gradients(penalty(layer, source, w), [source, w])]
                            for layer in (ours, plain))
        for value, wanted in zip(*sess.run([actual, expected])):
            check(value, wanted)


@pytest.mark.parametrize('shape, size, stride, padding, out', [
    ((2, 7, 9, 3), 4, 2, 'SAME', 5), ((2, 9, 9, 1), 5, 3, 'SAME', 2), ((2, 6, 5, 4), (6, 5), 1, 'VALID', 1),
    ((2, 9, 8, 3), 3, 2, 'VALID', 4), ((2, 5, 5, 3), 4, 1, 'SAME', 3), ((2, 12, 12, 1), 5, 3, 'SAME', 2),
    ((2, 9, 8, 6), 3, 2, 'VALID', 5), ((2, 4, 4, 7), (4, 4), 1, 'VALID', 1), ((2, 7, 9, 6), 4, 2, 'SAME', 5)])
@pytest.mark.parametrize('use_bias', [True, False])
def test_conv_and_conv_transpose_with_keras_names(shape, size, stride, padding, out, use_bias, sess):
    kernel = size if isinstance(size, tuple) else (size, size)
    reference = Convolution(shape, (*kernel, shape[3], out), (stride, stride), padding)
    small = (shape[0], *reference.out, out)
    x, s = tf.constant(noise(*shape)), tf.constant(noise(*small, seed=1))
    down = ops.conv(x, out, size, stride, 'down', padding, use_bias)
    up = ops.conv_transpose(s, list(shape), size, stride, 'up', padding, use_bias)
    sess.run(tf.global_variables_initializer())
    variables = {variable.op.name: variable for variable in tf.global_variables()}
    assert set(variables) == {'down/kernel', 'up/kernel'} | ({'down/bias', 'up/bias'} if use_bias else set())
    biases = {'down': noise(out, seed=4), 'up': noise(shape[3], seed=5)}
    for name, bias in biases.items() if use_bias else ():
        variables[f'{name}/bias'].load(bias, sess)
    w_down, w_up = sess.run([variables['down/kernel'], variables['up/kernel']])
    assert w_down.shape == w_up.shape == (*kernel, shape[3], out)
    d_small, d_large = noise(*small, seed=2), noise(*shape, seed=3)
    y, z, (dx, dw_down), (ds, dw_up) = sess.run([
        down, up, tf.gradients(down, [x, variables['down/kernel']], d_small),
        tf.gradients(up, [s, variables['up/kernel']], d_large)])
    check(y, reference.forward(noise(*shape), w_down) + (biases['down'] if use_bias else 0))
    check(z, reference.gradient_of_x(w_up, noise(*small, seed=1)) + (biases['up'] if use_bias else 0))
    check(dx, reference.gradient_of_x(w_down, d_small))
    check(dw_down, reference.gradient_of_w(noise(*shape), d_small))
    check(ds, reference.forward(d_large, w_up))
    check(dw_up, reference.gradient_of_w(d_large, noise(*small, seed=1)))


def test_convolutions_repeat_exactly(sess):
    x = tf.constant(noise(8, 17, 15, 6))
    y = ops.conv2d(x, 8)
    w = tf.trainable_variables()[0]
    gradients = tf.gradients(tf.reduce_sum(tf.square(y)), [x, w])
    sess.run(tf.global_variables_initializer())
    first, second = sess.run(gradients), sess.run(gradients)
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------------------------------ dense layers

def test_linear(sess):
    x = tf.placeholder(tf.float32, [None, 5])
    y, matrix, bias = ops.linear(x, 3, 'lin', with_w=True)
    assert [v.op.name for v in tf.global_variables()] == ['lin/Matrix', 'lin/bias'] and y.shape.as_list() == [None, 3]
    values, m, b = noise(4, 5), noise(5, 3, seed=1), noise(3, seed=2)
    initialized(sess, Matrix=m, bias=b)
    check(sess.run(y, {x: values}), values @ m + b)
    assert isinstance(ops.linear(x, 3), tf.Tensor) and tf.global_variables()[2].op.name == 'Linear/Matrix'


def test_dense(sess):
    x = tf.constant(noise(4, 5))
    y = ops.dense(x, 3, 'dense', bias_initializer=tf.constant_initializer(0.5))
    variables = initialized(sess)
    kernel, actual = sess.run([variables['dense/kernel'], y])
    check(actual, noise(4, 5) @ kernel + 0.5)
    assert np.abs(kernel).max() <= math.sqrt(6 / (5 + 3)) and kernel.std() > 0


@pytest.mark.parametrize('batch, padded', [(16, True), (8, False), (350, False), (None, False)])
def test_a_product_with_rows_of_whole_pages_is_that_of_the_plain_op(sess, batch, padded, monkeypatch):
    monkeypatch.setattr(convolutions, 'fast', lambda: True)
    x, w = tf.placeholder(tf.float32, [batch, 1024]), tf.constant(noise(1024, 2048, seed=1))
    both = []
    for y in (ops._product(x, w), tf.matmul(x, w)):
        dx, = tf.gradients(tf.nn.l2_loss(y), x)
        both.append([y, dx, *tf.gradients(tf.nn.l2_loss(y), w), *tf.gradients(tf.nn.l2_loss(dx), [x, w])])
    assert ('Pad' in {op.type for op in sess.graph.get_operations()}) == padded
    for mine, plain in zip(*sess.run(both, {x: noise(batch or 3, 1024)})):
        assert mine.shape == plain.shape and np.linalg.norm(mine - plain) <= 2e-6 * np.linalg.norm(plain)


# ------------------------------------------------------------------------------------------------ initialisers

@pytest.mark.parametrize('build, shape, stddev, truncated', [
    (lambda: ops.conv2d(tf.zeros([1, 8, 8, 32]), 64), (5, 5, 32, 64), 0.02 * 0.87962566, True),
    (lambda: ops.deconv2d(tf.zeros([1, 4, 4, 64]), [1, 8, 8, 32]), (5, 5, 32, 64), 0.02, False),
    (lambda: ops.linear(tf.zeros([1, 300]), 200), (300, 200), 0.02, False),
])
def test_upstreams_initialisers(build, shape, stddev, truncated, sess):
    build()
    sess.run(tf.global_variables_initializer())
    w, bias = sess.run(tf.trainable_variables())
    assert w.shape == shape and not bias.any()
    assert w.std() == pytest.approx(stddev, rel=0.02) and abs(w.mean()) < 3e-4
    assert (np.abs(w).max() <= 0.04) == truncated


@pytest.mark.parametrize('build, fan_in', [
    (lambda init: ops.dense(tf.zeros([1, 40]), 50, 'x', init), 40),
    (lambda init: ops.conv(tf.zeros([1, 8, 8, 6]), 20, 5, 1, 'x', kernel_initializer=init), 5 * 5 * 6),
    (lambda init: ops.conv_transpose(tf.zeros([1, 4, 4, 20]), [1, 8, 8, 6], 5, 2, 'x', kernel_initializer=init),
     5 * 5 * 6),
])
def test_fan_in_uniform_is_pytorchs_default(build, fan_in, sess):
    build(ops.fan_in_uniform())
    sess.run(tf.global_variables_initializer())
    w = sess.run(tf.global_variables()[0])
    bound = 1 / math.sqrt(fan_in)
    assert 0.99 * bound < np.abs(w).max() <= bound
    assert w.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_one_graph_seed_gives_the_same_weights():
    def weights(seed):
        with tf.Graph().as_default(), session() as sess:
            tf.set_random_seed(seed)
            ops.conv2d(tf.zeros([1, 4, 4, 2]), 3)
            sess.run(tf.global_variables_initializer())
            return sess.run(tf.trainable_variables()[0])
    np.testing.assert_array_equal(weights(3), weights(3))
    assert np.abs(weights(3) - weights(4)).max() > 0


# ------------------------------------------------------------------------------------------------ batch normalisation

GAMMA, BETA, EPSILON = np.float32([0.5, 2.0, -1.0]), np.float32([0.1, 0.0, -3.0]), 1e-5


def normalized(x, gamma=GAMMA, beta=BETA, epsilon=EPSILON):
    axes = tuple(range(x.ndim - 1))
    x = x.astype(np.float64)
    return gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + epsilon) + beta


@pytest.mark.parametrize('shape', [(4, 5, 7, 3), (8, 3), (1, 3, 3, 3), (2, 1, 1, 3)])
def test_batch_norm_in_training(shape, sess):
    values = 3 * noise(*shape) + 5
    x = tf.placeholder(tf.float32, [None, *shape[1:]])
    y = ops.batch_norm(name='bn')(x)
    variables = initialized(sess, gamma=GAMMA, beta=BETA)
    assert list(variables) == ['bn/beta', 'bn/gamma', 'bn/moving_mean', 'bn/moving_variance']
    assert [v.op.name for v in tf.trainable_variables()] == ['bn/beta', 'bn/gamma']
    assert y.shape.as_list() == [None, *shape[1:]]
    dy = noise(*shape, seed=3)
    gradients = tf.gradients(y, [x, variables['bn/gamma'], variables['bn/beta']], dy)
    actual, (dx, d_gamma, d_beta) = sess.run([y, gradients], {x: values})
    np.testing.assert_allclose(actual, normalized(values), rtol=1e-3, atol=1e-4)
    axes = tuple(range(len(shape) - 1))
    x_hat = normalized(values, 1, 0)
    scale = GAMMA / np.sqrt(values.astype(np.float64).var(axes) + EPSILON)
    np.testing.assert_allclose(d_beta, dy.sum(axes), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(d_gamma, (dy * x_hat).sum(axes), rtol=1e-3, atol=1e-3)
    expected = scale * (dy - dy.mean(axes) - x_hat * (dy * x_hat).mean(axes))
    np.testing.assert_allclose(dx, expected, rtol=1e-3, atol=1e-3 * np.abs(scale * dy).max())


@pytest.mark.parametrize('shape', [(4, 5, 7, 3), (8, 3)])
def test_moving_averages_follow_each_training_pass(shape, sess):
    values = 3 * noise(*shape) + 5
    x = tf.constant(values)
    layer = ops.batch_norm(momentum=0.75, name='bn')
    y = layer(x)
    variables = initialized(sess)
    axes, count = tuple(range(len(shape) - 1)), values.size / 3
    mean, variance = values.mean(axes), values.astype(np.float64).var(axes) * count / (count - 1)
    expected_mean, expected_variance = 0.0, 1.0
    for _ in range(2):
        sess.run(y)
        expected_mean = 0.75 * expected_mean + 0.25 * mean
        expected_variance = 0.75 * expected_variance + 0.25 * variance
        moving = sess.run([variables['bn/moving_mean'], variables['bn/moving_variance']])
        np.testing.assert_allclose(moving[0], expected_mean, rtol=1e-5)
        np.testing.assert_allclose(moving[1], expected_variance, rtol=1e-4)


def test_collected_moving_averages_wait_for_their_caller(sess):
    layer = ops.batch_norm(name='bn')
    with ops.collect_updates() as updates:
        y = layer(tf.constant(noise(4, 2, 2, 3)) + 5)
    variables = initialized(sess)
    sess.run(y)
    assert not sess.run(variables['bn/moving_mean']).any()
    assert len(updates) == 2
    sess.run(updates)
    assert sess.run(variables['bn/moving_mean']).min() > 0.3
    with tf.variable_scope('', reuse=True):
        outside = layer(tf.constant(noise(4, 2, 2, 3)) - 5)
    sess.run(outside)
    assert len(updates) == 2 and sess.run(variables['bn/moving_mean']).max() < 0.3


def test_nested_collectors_keep_their_own(sess):
    x = tf.constant(noise(4, 3))
    with ops.collect_updates() as outer:
        with ops.collect_updates() as inner:
            ops.batch_norm(name='a')(x)
        ops.batch_norm(name='b')(x)
    assert len(outer) == len(inner) == 2
    assert {update.op.inputs[0].op.name.split('/')[0] for update in outer} == {'b'}
    assert {update.op.inputs[0].op.name.split('/')[0] for update in inner} == {'a'}


@pytest.mark.parametrize('shape', [(2, 5, 7, 3), (1, 3)])
def test_batch_norm_in_inference_uses_the_moving_averages(shape, sess):
    values = noise(*shape)
    y = ops.batch_norm(epsilon=1e-3, name='bn')(tf.constant(values), train=False)
    mean, variance = np.float32([1, -2, 0]), np.float32([4, 0.25, 1])
    variables = initialized(sess, gamma=GAMMA, beta=BETA, moving_mean=mean, moving_variance=variance)
    expected = GAMMA * (values - mean) / np.sqrt(variance + 1e-3) + BETA
    np.testing.assert_allclose(sess.run(y), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(sess.run(variables['bn/moving_mean']), mean)


@pytest.mark.parametrize('fast', [True, False])
@pytest.mark.parametrize('layer', [
    lambda x, y: ops.conv2d(x, 6, name='layer', y=y),
    lambda x, y: ops.deconv2d(x, [8, 14, 10, 1], name='layer', y=y),
    lambda x, y: ops.deconv2d(x, [8, 14, 10, 6], name='layer', y=y),
])
def test_a_condition_acts_as_its_maps_would(layer, fast, sess, monkeypatch):
    monkeypatch.setattr(convolutions, 'fast', lambda: fast)
    x, y = tf.constant(noise(8, 7, 5, 3)), tf.constant(noise(8, 4, seed=1))
    with tf.variable_scope('net'):
        conditional = layer(x, y)
    with tf.variable_scope('net', reuse=True):
        concatenated = layer(ops.conv_cond_concat(x, y[:, tf.newaxis, tf.newaxis, :]), None)
    initialized(sess, **{'layer/biases': noise(conditional.shape[-1], seed=2)})
    weights = tf.constant(noise(*concatenated.shape.as_list()[1:], seed=3))
    ours, theirs = [sess.run([z, *tf.gradients(z * weights, [x, y, *tf.trainable_variables()])])
                    for z in (conditional, concatenated)]
    for mine, expected in zip(ours, theirs):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('layer, shape', [
    (lambda x, norm: ops.dense(x, 5, 'layer', norm=norm), (6, 7)),
    (lambda x, norm: ops.conv(x, 5, 3, 2, 'layer', norm=norm), (6, 5, 4, 3)),
    (lambda x, norm: ops.conv(x, 5, 3, 2, 'layer', use_bias=False, norm=norm), (6, 5, 4, 3)),
    (lambda x, norm: ops.conv_transpose(x, [6, 9, 8, 5], 4, 2, 'layer', norm=norm), (6, 5, 4, 3)),
])
def test_a_folded_norm_is_the_norm_after_the_layer(layer, shape, sess):
    x = tf.constant(noise(*shape))
    make = lambda: ops.batch_norm(epsilon=1e-3, name='norm')
    with tf.variable_scope('net'):
        folded = layer(x, make())
    with tf.variable_scope('net', reuse=True):
        after = make()(layer(x, None), train=False)
    values = {f'norm/{name}': noise(5, seed=seed) for seed, name in enumerate(['beta', 'gamma', 'moving_mean'])}
    own = {f'net/layer/{name}' for name in ('kernel', 'bias')} & {variable.op.name for variable in tf.global_variables()}
    if 'net/layer/bias' in own:
        values['layer/bias'] = noise(5, seed=4)
    variables = initialized(sess, **values, **{'norm/moving_variance': np.float32([0.1, 0.5, 1, 2, 9])})
    assert 'net/layer/kernel' in own and set(variables) == own | {
        f'net/norm/{name}' for name in ('beta', 'gamma', 'moving_mean', 'moving_variance')}
    weights = tf.constant(noise(*after.shape.as_list(), seed=5))
    ours, theirs = [sess.run([y, *tf.gradients(y, [x, *tf.trainable_variables()], weights)]) for y in (folded, after)]
    for mine, expected in zip(ours, theirs):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------------ dropout

def test_dropout_is_the_identity_outside_training_and_at_rate_0():
    x = object()
    assert ops.dropout(x, 0.5, training=False) is x and ops.dropout(x, 0.0, training=True) is x


def test_dropout_needs_a_key(sess):
    with pytest.raises(ValueError, match='random key'):
        ops.dropout(tf.ones([2, 2]), 0.5, training=True)


def test_dropout_zeroes_its_share_and_keeps_the_mean(sess):
    with ops.random_key(tf.constant([3, 4], tf.int64)):
        y = ops.dropout(tf.ones([200, 200]), 0.3, training=True)
    actual = sess.run(y)
    np.testing.assert_allclose(np.unique(actual), [0, 1 / 0.7], rtol=1e-6)
    assert (actual == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_dropout_masks_repeat_with_the_key_and_differ_between_calls(sess):
    key = tf.placeholder(tf.int64, [2])
    x = tf.ones([100])
    with ops.random_key(key):
        first, second = ops.dropout(x, 0.5, True), ops.dropout(x, 0.5, True)
    with ops.random_key(key):
        again = ops.dropout(x, 0.5, True)
    a, b, c = sess.run([first, second, again], {key: [1, 2]})
    np.testing.assert_array_equal(a, c)
    assert (a != b).any()
    np.testing.assert_array_equal(a, sess.run(first, {key: [1, 2]}))
    assert (a != sess.run(first, {key: [1, 3]})).any() and (a != sess.run(first, {key: [2, 2]})).any()


# ------------------------------------------------------------------------------------------------ small ones and legacy names

def test_conv_cond_concat(sess):
    x, y = noise(2, 3, 5, 4), noise(2, 1, 1, 2, seed=1)
    joined = ops.conv_cond_concat(tf.constant(x), tf.constant(y))
    expected = np.concatenate([x, np.broadcast_to(y, (2, 3, 5, 2))], 3)
    np.testing.assert_array_equal(sess.run(joined), expected)


def test_conv_cond_concat_of_unknown_batch_keeps_the_static_shape():
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [None, 3, 5, 4]), tf.placeholder(tf.float32, [None, 1, 1, 2])
        assert ops.conv_cond_concat(x, y).shape.as_list() == [None, 3, 5, 6]


def test_lrelu_and_its_gradient(sess):
    x = tf.constant([-2.0, -0.5, 0.5, 3.0])
    y = ops.lrelu(x)
    np.testing.assert_allclose(sess.run([y, tf.gradients(y, x)[0]]), [[-0.4, -0.1, 0.5, 3.0], [0.2, 0.2, 1.0, 1.0]],
                               rtol=1e-6)
    np.testing.assert_allclose(sess.run(ops.lrelu(x, 0.01)), [-0.02, -0.005, 0.5, 3.0], rtol=1e-6)


def test_a_script_without_a_seed_can_use_the_layers():
    code = ('from ops import *\nfrom tf1 import session, tf\n'
            'h = deconv2d(linear(tf.random_normal([2, 4]), 12)[:, None, :, None], [2, 2, 24, 1])\n'
            'sess = session()\nsess.run(tf.global_variables_initializer())\nprint(sess.run(h).shape)\n')
    done = subprocess.run([sys.executable, '-c', code], cwd=os.path.dirname(ops.__file__), capture_output=True,
                          text=True, timeout=60)
    assert done.stdout == '(2, 2, 24, 1)\n', done.stderr


def test_the_legacy_names_work_as_scripts_use_them(sess):
    x = tf.placeholder(tf.float32, [4, 8, 8, 3])
    h = ops.conv2d(x, 6, k_h=5, k_w=5, d_h=2, d_w=2, stddev=0.02, name='d_h0_conv')
    d_bn1 = ops.batch_norm(name='d_bn1')
    h = ops.lrelu(d_bn1(ops.conv2d(h, 12, name='d_h1_conv')), name='activation')
    logits = ops.linear(tf.reshape(h, [4, -1]), 1, 'd_h4_lin')
    up, w, biases = ops.deconv2d(h, [4, 4, 4, 6], name='g_h1', with_w=True)
    both = ops.concat([up, up], 3)
    assert logits.shape.as_list() == [4, 1] and both.shape.as_list() == [4, 4, 4, 12]
    assert (w.op.name, biases.op.name, w.shape.as_list()) == ('g_h1/w', 'g_h1/biases', [5, 5, 6, 12])
    assert [v.op.name for v in tf.trainable_variables()] == [
        'd_h0_conv/w', 'd_h0_conv/biases', 'd_h1_conv/w', 'd_h1_conv/biases', 'd_bn1/beta', 'd_bn1/gamma',
        'd_h4_lin/Matrix', 'd_h4_lin/bias', 'g_h1/w', 'g_h1/biases']
    summary = ops.merge_summary([ops.scalar_summary('loss', tf.reduce_mean(logits)), ops.histogram_summary('d', logits),
                                 ops.image_summary('G', both[..., :3])])
    sess.run(tf.global_variables_initializer())
    tags = {value.tag for value in tf.Summary.FromString(sess.run(summary, {x: noise(4, 8, 8, 3)})).value}
    assert {'loss', 'd'} < tags and any(tag.startswith('G/image') for tag in tags)
    assert callable(ops.SummaryWriter)
