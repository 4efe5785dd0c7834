"""The fast forms compute what TensorFlow's own convolutions and gradients do."""
import numpy as np
import pytest

import convolutions
from tf1 import session, tf

SHAPES = [      # height, width, in, out, kernel, stride, padding
    (48, 48, 3, 16, 5, 2, 'SAME'),      # image channels: sub-pixel both ways
    (21, 33, 1, 6, 5, 2, 'SAME'),
    (5, 7, 16, 20, 5, 2, 'SAME'),       # maps of a few pixels
    (12, 12, 24, 8, 5, 2, 'SAME'),
    (6, 5, 24, 8, 4, 2, 'SAME'),
    (8, 10, 4, 16, 4, 2, 'SAME'),
    (24, 24, 16, 20, 5, 2, 'SAME'),     # inner layers: dilated filter gradient
    (9, 7, 17, 16, 4, 2, 'SAME'),
    (13, 9, 16, 19, 4, 3, 'SAME'),
    (7, 7, 16, 24, 5, 1, 'SAME'),
    (11, 11, 17, 16, 4, 2, 'VALID'),
    (4, 4, 32, 16, 4, 1, 'VALID'),
    (3, 3, 16, 16, 2, 3, 'SAME'),       # kernel smaller than the stride
    (40, 40, 16, 16, 5, 2, 'SAME'),     # large maps: wide layers with odd filters only
    (40, 27, 64, 64, 5, 2, 'SAME'),
    (14, 14, 64, 72, 3, 1, 'SAME'),
    (30, 30, 64, 64, 4, 2, 'SAME'),
    (40, 31, 3, 64, 5, 3, 'SAME'),      # blocks of 3x3 pixels
    (12, 13, 2, 8, 7, 3, 'SAME'),
    (9, 9, 4, 8, 3, 3, 'SAME'),
    (15, 16, 64, 3, 5, 1, 'SAME'),      # stride 1 to and from image channels: blocks of 2x2
    (14, 14, 16, 1, 4, 1, 'SAME'),
    (7, 6, 3, 4, 3, 1, 'SAME'),
    (1, 2, 1, 4, 2, 1, 'SAME'),
]


def evaluate(convolve, deconvolve, height, width, in_, out, kernel, stride, padding, batch=8):
    """Forward values and both gradients of a convolution and of its transpose, on fixed random numbers."""
    random = np.random.default_rng(0)
    draw = lambda *shape: tf.constant(random.standard_normal(shape), tf.float32)
    with tf.Graph().as_default(), session() as sess:
        x, w = draw(batch, height, width, in_), draw(kernel, kernel, in_, out)
        y = convolve(x, w, (stride, stride), padding)
        back = deconvolve(y, w, [batch, height, width, in_], (stride, stride), padding)
        forward = [y, *tf.gradients(y, [x, w], draw(*y.shape.as_list()))]
        return sess.run(forward + [back, *tf.gradients(back, [y, w], draw(batch, height, width, in_))])


@pytest.mark.parametrize('band', [convolutions.BAND, 2000])
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_values_and_gradients_are_those_of_the_plain_ops(shape, band, monkeypatch):
    monkeypatch.setattr(convolutions, 'BAND', band)       # the small one cuts every map into bands
    plain = evaluate(lambda x, w, strides, padding: tf.nn.conv2d(x, w, [1, *strides, 1], padding),
                     lambda x, w, size, strides, padding: tf.nn.conv2d_transpose(x, w, size, [1, *strides, 1], padding), *shape)
    ours = evaluate(convolutions.convolution, convolutions.transposed_convolution, *shape)
    for mine, theirs in zip(ours, plain):
        assert np.linalg.norm(mine - theirs) <= 2e-6 * np.linalg.norm(theirs)


def test_the_fast_forms_are_used(monkeypatch):
    """On a CPU with oneDNN, and only there."""
    def dilated_ops():
        with tf.Graph().as_default() as graph:
            x, w = tf.zeros([8, 12, 12, 16]), tf.zeros([5, 5, 16, 16])
            tf.gradients(convolutions.convolution(x, w, (2, 2)), w)
            return [op for op in graph.get_operations() if op.type == 'Conv2D' and op.get_attr('dilations') == [1, 2, 2, 1]]

    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '1')
    monkeypatch.setattr(convolutions, 'has_gpu', lambda: False)
    assert dilated_ops()
    monkeypatch.setattr(convolutions, 'has_gpu', lambda: True)
    assert not dilated_ops()
    monkeypatch.setattr(convolutions, 'has_gpu', lambda: False)
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '0')
    assert not dilated_ops()


@pytest.mark.parametrize('shape', [(12, 12, 16, 16, 5, 2), (12, 12, 3, 16, 5, 2), (12, 12, 3, 16, 5, 3), (12, 12, 16, 1, 4, 1)], ids=str)
def test_second_derivatives_are_those_of_the_plain_ops(shape):
    """A gradient penalty differentiates the discriminator's input gradient."""
    height, width, in_, out, kernel, stride = shape
    plain = lambda x, w, strides: tf.nn.conv2d(x, w, [1, *strides, 1], 'SAME')
    random = np.random.default_rng(0)
    with tf.Graph().as_default(), session() as sess:
        x = tf.constant(random.standard_normal([8, height, width, in_]), tf.float32)
        w = tf.constant(random.standard_normal([kernel, kernel, in_, out]), tf.float32)

        def penalty_gradient(convolve):
            gradient = tf.gradients(tf.tanh(0.1 * convolve(x, w, (stride, stride))), x)[0]
            return tf.gradients(tf.reduce_sum(tf.square(gradient)), w)[0]
        mine, theirs = sess.run([penalty_gradient(convolutions.convolution), penalty_gradient(plain)])
        assert np.linalg.norm(mine - theirs) <= 1e-5 * np.linalg.norm(theirs)
